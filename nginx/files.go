package nginx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/30x/dispatcher/nginx/internal/disk"
	"github.com/30x/dispatcher/pkg/render"
)

const (
	confName = "nginx.conf"

	// maxSocketPath is the longest path of a unix socket that Linux takes.
	maxSocketPath = 107
)

// Paths gives the absolute paths, under workDir, that a rendered configuration
// must name: nginx's pid file, the unix socket that tells the generation, and
// the folder for nginx's temporary files.
func Paths(workDir string) (pid, control, temp string) {
	return RunPath(workDir, "nginx.pid"), RunPath(workDir, "control.sock"), RunPath(workDir, "../tmp")
}

// RunPath gives the absolute path, under workDir, of a socket or the like of a
// running Server. NewServer makes the folder.
func RunPath(workDir, name string) string {
	if abs, err := filepath.Abs(workDir); err == nil {
		workDir = abs
	}
	return filepath.Join(workDir, "run", name)
}

func (s *Server) path(name string) string { return filepath.Join(s.o.WorkDir, name) }

func (s *Server) pidPath() string {
	pid, _, _ := Paths(s.o.WorkDir)
	return pid
}

func (s *Server) controlPath() string {
	_, control, _ := Paths(s.o.WorkDir)
	return control
}

// prepare makes the folders and reads the nginx.conf of an earlier run.
func (s *Server) prepare() error {
	if n := len(s.controlPath()); n > maxSocketPath {
		return fmt.Errorf("the path of the work folder is %d bytes too long for a socket in it: choose a shorter --work-dir", n-maxSocketPath)
	}
	_, _, temp := Paths(s.o.WorkDir)
	if err := os.MkdirAll(s.o.WorkDir, 0o755); err != nil {
		return fmt.Errorf("make work folder: %w: choose a writable one with --work-dir", err)
	}
	for _, dir := range []string{filepath.Dir(s.pidPath()), temp} {
		err := os.Mkdir(dir, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = os.Chmod(dir, 0o755) // workers must pass, whatever our umask is
		}
		if err != nil {
			return fmt.Errorf("make work folder: %w: choose a writable one with --work-dir", err)
		}
	}
	lock, err := disk.Lock(filepath.Join(filepath.Dir(s.pidPath()), "lock"))
	if err != nil {
		return fmt.Errorf("lock work folder: %w: end the other Dispatcher, or choose another --work-dir", err)
	}
	s.lock = lock
	s.conf, err = disk.OpenConf(s.path(confName), render.Marker)
	return err
}
