package render

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/30x/dispatcher/pkg/route"
)

// findNginx gives the nginx to test configurations with, "" if there is none.
func findNginx() (string, Capabilities) {
	binary := os.Getenv("NGINX_BINARY")
	if binary == "" {
		binary = "nginx"
	}
	output, err := exec.Command(binary, "-V").CombinedOutput()
	if err != nil {
		return "", Capabilities{}
	}
	can, err := ParseCapabilities(string(output))
	if err != nil {
		return "", Capabilities{}
	}
	return binary, can
}

// accepted has the nginx of this machine test what is rendered for it. It does
// nothing without one, of which the tests of the goldens tell.
func accepted(t *testing.T, hosts []*route.VirtualHost, p Params) {
	t.Helper()
	binary, can := findNginx()
	if binary == "" || p.Dynamic != nil && !can.Version.Resolve() || !can.Realip {
		return
	}
	dir := t.TempDir()
	p.Nginx, p.Listen, p.CertDir, p.User = can, []netip.Addr{netip.MustParseAddr("127.0.0.1")}, filepath.Join(dir, "ssl"), ""
	p.PidFile, p.ControlSocket, p.TempDir = filepath.Join(dir, "pid"), filepath.Join(dir, "control"), dir
	files, err := Render(&route.Table{Hosts: hosts}, p)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "nginx.conf")
	errs := []error{os.WriteFile(conf, files.Conf, 0o600)}
	for _, f := range files.Certificates {
		folder := filepath.Join(p.CertDir, f.Folder)
		errs = append(errs, os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, f.Name), f.Content, 0o600))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), binary, "-t", "-q", "-e", "stderr", "-p", dir, "-c", conf).CombinedOutput(); err != nil || len(said) > 0 && os.Geteuid() == 0 {
		t.Errorf("nginx -t: %v: %s\n%s", err, said, files.Conf)
	}
}
