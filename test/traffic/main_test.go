package traffic

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// binaryFolder is where Dispatcher is built.
var binaryFolder string

func TestMain(m *testing.M) {
	var err error
	if binaryFolder, err = os.MkdirTemp("", "d"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(binaryFolder)
	os.Exit(code)
}

// programs are what is tested.
type programs struct{ dispatcher, nginx string }

// findPrograms looks for nginx and builds Dispatcher, once for all tests. It runs
// inside a test, and reads the source, because only then does "go test" know
// what a cached result depends on.
var findPrograms = sync.OnceValues(func() (p programs, err error) {
	if p.nginx, err = findNginx(); err != nil {
		return p, err
	}
	if p.dispatcher = os.Getenv("DISPATCHER_BINARY"); p.dispatcher != "" {
		return p, nil
	}
	for _, folder := range []string{"cmd", "internal", "nginx", "pkg", "templates"} {
		err := filepath.WalkDir(filepath.Join("..", "..", folder), func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !strings.HasSuffix(path, "_test.go") {
				_, err = os.ReadFile(path)
			}
			return err
		})
		if err != nil {
			return p, err
		}
	}
	p.dispatcher = filepath.Join(binaryFolder, "dispatcher")
	build := exec.Command("go", "build", "-o", p.dispatcher, "github.com/30x/dispatcher/cmd/dispatcher")
	if out, err := build.CombinedOutput(); err != nil {
		return p, fmt.Errorf("build dispatcher: %w\n%s", err, out)
	}
	return p, nil
})

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

// needPrograms is findPrograms for a test. Without nginx the test is skipped, but
// not in CI.
func needPrograms(t testing.TB) programs {
	t.Helper()
	p, err := findPrograms()
	switch {
	case err == nil:
	case p.nginx == "" && os.Getenv("CI") != "true":
		t.Skipf("there is no nginx: %v: install it (apt-get install nginx-light) or set NGINX_BINARY", err)
	default:
		t.Fatal(err)
	}
	return p
}
