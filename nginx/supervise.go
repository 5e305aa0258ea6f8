package nginx

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/30x/dispatcher/nginx/internal/message"
	"github.com/30x/dispatcher/nginx/internal/proc"
)

// terminateTime is how long nginx may take to end at once.
const terminateTime = 3 * time.Second

// Run keeps nginx running: if it dies, Run starts it again with the nginx.conf
// on disk. When ctx ends, Run lets nginx finish its requests for ShutdownGrace
// at most, ends it and returns; an error means that something is left over.
func (s *Server) Run(ctx context.Context) error {
	var pause proc.Backoff
	for {
		p := s.proc.Load()
		var exited <-chan struct{} // nil, never ready, before the first start
		if p != nil {
			exited = p.Exited()
		}
		select {
		case <-ctx.Done():
			return s.shutdown()
		case <-s.changed:
		case <-exited:
			s.o.Log.Error("nginx ended unexpectedly: starting it again", "pid", p.Pid(), "reason", p.Reason())
			s.revive(ctx, p, &pause)
		}
	}
}

// revive starts nginx again after p has died, until that succeeds, Apply has
// done it, or ctx ends.
func (s *Server) revive(ctx context.Context, p *proc.Process, pause *proc.Backoff) {
	for lived := p.Lived(); s.proc.Load() == p; lived = 0 {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
			continue
		case <-time.After(pause.Next(lived)):
		}
		if err := s.restart(ctx, p); err != nil && ctx.Err() == nil {
			s.o.Log.Error("nginx does not start", "error", err, "hint", message.Hint(err.Error()))
		}
	}
}

func (s *Server) restart(ctx context.Context, p *proc.Process) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc.Load() != p {
		return nil
	}
	if err := errors.Join(s.conf.Restore(), s.certs.Restore()); err != nil {
		return err
	}
	return s.start(ctx, s.serves)
}

// shutdown ends nginx. From here on Apply refuses.
func (s *Server) shutdown() error {
	close(s.closing)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.proc.Load(); p != nil {
		s.quit(p)
	}
	err := s.clear()
	s.o.Log.Info("nginx ended")
	return err
}

// quit ends p: in peace, then at once, then by force.
func (s *Server) quit(p *proc.Process) {
	for _, step := range []struct {
		signal syscall.Signal
		limit  time.Duration
	}{
		{syscall.SIGQUIT, s.o.ShutdownGrace},
		{syscall.SIGTERM, terminateTime},
		{syscall.SIGKILL, terminateTime},
	} {
		if !p.Alive() {
			return
		}
		_ = p.Signal(step.signal) // fails only if it has ended
		select {
		case <-p.Exited():
		case <-time.After(step.limit):
			s.o.Log.Warn("nginx does not end in time", "signal", step.signal.String(), "limit", step.limit)
		}
	}
}
