package machine

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/30x/dispatcher/nginx"
)

func TestFindNginxTakesTheSettingAtItsWord(t *testing.T) {
	t.Setenv("NGINX_BINARY", "sh")
	if path, err := FindNginx(); err != nil || !filepath.IsAbs(path) || filepath.Base(path) != "sh" {
		t.Errorf("got %s, %v", path, err)
	}
	t.Setenv("NGINX_BINARY", "/no/such")
	if path, err := FindNginx(); err == nil || !strings.Contains(err.Error(), `"/no/such"`) {
		t.Errorf("got %s, %v: a wrong setting must not be passed over", path, err)
	}
}

// A wrong pid must never reach kill: 0 and 1, negated, mean everybody.
func TestNginxPid(t *testing.T) {
	dir := t.TempDir()
	file, _, _ := nginx.Paths(dir)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"4321\n": 4321, "": 0, "0\n": 0, "1\n": 0, "-5\n": 0, "x": 0} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if pid, err := NginxPid(dir); (err == nil) != (want != 0) || err == nil && pid != want {
			t.Errorf("%q: got %d, %v", text, pid, err)
		}
	}
}

func TestFreePort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := taken.Addr().(*net.TCPAddr).Port
	if got, err := FreePort(t.Context(), port); err != nil || got == port || got == 0 {
		t.Errorf("port %d is taken: got %d, %v", port, got, err)
	}
}
