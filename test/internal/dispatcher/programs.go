package dispatcher

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Programs are what is tested: paths of the two programs.
type Programs struct{ Dispatcher, Nginx string }

// FindPrograms looks for nginx and builds Dispatcher, into folder, from the
// project at root. NGINX_BINARY names another nginx, DISPATCHER_BINARY a
// Dispatcher that is built already. Without nginx, Programs.Nginx is empty. It
// must run inside a test, and it reads the source, because only then does "go
// test" know what a cached result depends on.
func FindPrograms(ctx context.Context, root, folder string) (p Programs, err error) {
	if p.Nginx, err = findNginx(); err != nil {
		return p, err
	}
	if p.Dispatcher = os.Getenv("DISPATCHER_BINARY"); p.Dispatcher != "" {
		return p, nil
	}
	for _, part := range []string{"cmd", "internal", "nginx", "pkg", "templates"} {
		source := os.DirFS(filepath.Join(root, part))
		err := fs.WalkDir(source, ".", func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !strings.HasSuffix(path, "_test.go") {
				_, err = fs.ReadFile(source, path)
			}
			return err
		})
		if err != nil {
			return p, err
		}
	}
	p.Dispatcher = filepath.Join(folder, "dispatcher")
	build := exec.CommandContext(ctx, "go", "build", "-o", p.Dispatcher, "github.com/30x/dispatcher/cmd/dispatcher")
	if out, err := build.CombinedOutput(); err != nil {
		return p, fmt.Errorf("build dispatcher: %w\n%s", err, out)
	}
	return p, nil
}

func findNginx() (string, error) {
	names := []string{"nginx", "/usr/sbin/nginx"} // Debian's is not on every user's PATH
	if name := os.Getenv("NGINX_BINARY"); name != "" {
		names = []string{name}
	}
	var path string
	var err error
	for _, name := range names {
		if path, err = exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", err
}

// Need takes what FindPrograms has returned. Without nginx the test is skipped,
// but not in CI.
func Need(t testing.TB, p Programs, err error) Programs {
	t.Helper()
	switch {
	case err == nil:
	case p.Nginx == "" && os.Getenv("CI") != "true":
		t.Skipf("there is no nginx: %v: install it (apt-get install nginx-light) or set NGINX_BINARY", err)
	default:
		t.Fatal(err)
	}
	return p
}
