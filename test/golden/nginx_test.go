package golden

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/test/internal/corridor"
)

// findNginx gives the nginx to test configurations with, "" if there is none.
var findNginx = sync.OnceValues(func() (string, render.Capabilities) {
	binary := os.Getenv("NGINX_BINARY")
	if binary == "" {
		binary = "nginx"
	}
	path, err := exec.LookPath(binary)
	if err != nil {
		return "", render.Capabilities{}
	}
	output, err := exec.Command(path, "-V").CombinedOutput()
	if err != nil {
		return "", render.Capabilities{}
	}
	can, err := render.ParseCapabilities(string(output))
	if err != nil {
		return "", render.Capabilities{}
	}
	return path, can
})

// nginxAccepts renders a table for the nginx of this machine and a folder of
// its own, and has nginx test the result. It does nothing without nginx, of
// which TestNginxIsThere tells.
func nginxAccepts(t *testing.T, c *corridor.Corridor, table *route.Table) {
	t.Helper()
	binary, can := findNginx()
	if binary == "" || c.Params.Dynamic != nil && !can.Version.Resolve() { // the tests run with a current nginx, too
		return
	}
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p := c.Params
	p.Nginx, p.Listen, p.Port = can, []netip.Addr{netip.MustParseAddr("127.0.0.1")}, 18099
	if p.Dynamic != nil {
		dynamic := *p.Dynamic
		dynamic.Empty = netip.MustParseAddrPort("127.0.0.1:18097")
		p.Dynamic = &dynamic
	}
	p.SSLPort, p.CertDir = 18098, filepath.Join(dir, "ssl")
	p.PidFile, p.ControlSocket, p.TempDir = filepath.Join(dir, "pid"), filepath.Join(dir, "control"), dir
	files, err := render.Render(table, p)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, files.Conf, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range files.Certificates {
		folder := filepath.Join(p.CertDir, f.Folder)
		if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, f.Name), f.Content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	output, err := exec.CommandContext(t.Context(), binary, "-t", "-q", "-e", "stderr", "-p", dir, "-c", conf).CombinedOutput()
	if err != nil || strings.Contains(string(output), "[warn]") && os.Geteuid() == 0 {
		t.Errorf("nginx -t: %v\n%s", err, output)
	}
}

func TestNginxIsThere(t *testing.T) {
	if binary, _ := findNginx(); binary == "" {
		t.Skip("SKIPPED: no nginx of at least 1.22 (NGINX_BINARY names one): configurations were parsed, but nginx has tested none")
	}
}
