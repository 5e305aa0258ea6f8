package nginx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/30x/dispatcher/nginx/internal/message"
	"github.com/30x/dispatcher/nginx/internal/proc"
	"github.com/30x/dispatcher/nginx/internal/program"
	"github.com/30x/dispatcher/nginx/internal/workers"
)

// start starts nginx with nginx.conf and waits until it confirms that it
// serves the generation ("" is any).
func (s *Server) start(ctx context.Context, generation string) error {
	began := time.Now()
	s.running = ""
	if err := s.clear(); err != nil {
		return fmt.Errorf("start nginx: %w", err)
	}
	// It lives longer than ctx, which ends the waiting only.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.o.Binary, "-c", s.path(confName), "-p", s.o.WorkDir, "-e", "stderr")
	proc.Confine(cmd, s.o.WorkDir)
	p, err := proc.Start(cmd, s.stdout, s.stderr)
	if err != nil {
		return fmt.Errorf("start nginx: %w", program.Missing(s.o.Binary, err))
	}
	s.observe("reload", began)
	confirmed, err := s.verify(ctx, p, generation, nil)
	if err != nil {
		_ = p.Signal(syscall.SIGKILL) // fails only if it has ended
		<-p.Exited()
		return errors.Join(fmt.Errorf("start nginx: %w", err), s.sweep(p.Pid()))
	}
	s.running = confirmed
	s.use(p)
	s.o.Log.Info("nginx started", "pid", p.Pid())
	return nil
}

// use makes p the nginx in service.
func (s *Server) use(p *proc.Process) {
	s.proc.Store(p)
	select {
	case s.changed <- struct{}{}:
	default: // Run has yet to look at an earlier change
	}
}

// ours reports whether pid is a nginx master that runs our nginx.conf.
func (s *Server) ours(pid int) bool {
	title := proc.Title(pid)
	return strings.Contains(title, workers.MasterTitle) && strings.Contains(title, " "+s.path(confName))
}

// adopt takes over the nginx that the pid file names, if it is ours and
// answers. If not, start clears it away.
func (s *Server) adopt() error {
	pid := proc.ReadPid(s.pidPath())
	if pid == 0 || !s.ours(pid) {
		return nil
	}
	generation, _, err := s.control.Ask(context.Background()) // it has a limit of its own
	if err != nil {
		s.o.Log.Warn("the running nginx does not answer: it will be replaced", "pid", pid, "error", err)
		return nil
	}
	p, unread, err := proc.Adopt(pid, s.stdout, s.stderr)
	if err != nil {
		return fmt.Errorf("take over the running nginx: %w: end it, or use Linux 5.4 or newer", err)
	}
	if !s.ours(pid) {
		return nil // it has ended meanwhile
	}
	if unread != nil {
		s.o.Log.Warn("the output of the running nginx can't be read", "error", unread)
	}
	s.running, s.serves = generation, generation
	if v, err := s.control.Version(context.Background()); err == nil && s.o.Version != "" && v != s.o.Version {
		s.old = true
	}
	s.use(p)
	s.o.Log.Info("took over the running nginx", "pid", pid, "generation", message.Tidy(generation))
	return nil
}

// clear ends what is left of an earlier nginx of ours: a master that doesn't
// answer, or workers without a master, which hold the ports.
func (s *Server) clear() error {
	pids := []int{proc.ReadPid(s.pidPath())}
	if p := s.proc.Load(); p != nil {
		pids = append(pids, p.Pid())
	}
	for _, pid := range pids {
		if pid == 0 || strings.Contains(proc.Title(pid), workers.MasterTitle) && !s.ours(pid) {
			continue // the number went to somebody else's nginx
		}
		if err := s.sweep(pid); err != nil {
			return err
		}
	}
	return s.removeFiles()
}

// sweep ends what is left of the nginx pid.
func (s *Server) sweep(pid int) error {
	return errors.Join(proc.EndGroup(pid, workers.AnyTitle), s.removeFiles())
}

// removeFiles removes the control socket, which would keep nginx from starting,
// and the pid file.
func (s *Server) removeFiles() error {
	for _, path := range []string{s.controlPath(), s.pidPath()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", filepath.Base(path), err)
		}
	}
	return nil
}
