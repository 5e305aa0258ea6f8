package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/config/internal/table"
)

// touch makes empty files in a new folder, and their sub-folders.
func touch(t *testing.T, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range names {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// DX34: the key's file is looked at as the certificate's is.
func TestBothFilesAreLookedAtDX34(t *testing.T) {
	t.Parallel()
	dir := touch(t, "file")
	file := filepath.Join(dir, "file")
	for _, tc := range []struct{ environ, want string }{
		{"SSL_CERT=" + file + " SSL_KEY=" + file + ".none", "SSL_KEY (--ssl-key): " + table.Shown(file+".none") + " can't be read (no such file or directory): "},
		{"SSL_KEY=" + file + " SSL_CERT=" + file + ".none", "SSL_CERT (--ssl-cert): " + table.Shown(file+".none") + " can't be read (no such file or directory): "},
		{"SSL_CERT=" + file + " SSL_KEY=" + dir, "SSL_KEY (--ssl-key): " + table.Shown(dir) + " can't be read (it is not a regular file): "},
		{"SSL_CERT=" + file, "SSL_CERT (--ssl-cert) and SSL_KEY (--ssl-key): only one is given: give both or neither"},
		{"SSL_KEY=" + file, "SSL_CERT (--ssl-cert) and SSL_KEY (--ssl-key): only one is given: give both or neither"},
	} {
		_, err := Load([]string{"run"}, strings.Fields(tc.environ))
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v\nwant one line %s…", tc.environ, err, tc.want)
		}
	}
}

// DF24: the folder for certificates is /etc/nginx/ssl by default; it goes with
// the work folder, and what is meant for OpenSSL and Go does not count.
func TestCertDirDF24(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ args, environ, want string }{
		{"run", "", "/etc/nginx/ssl"},
		{"run", "WORK_DIR=/srv/d", "/srv/d/ssl"},
		{"run --work-dir=/srv/d/", "SSL_CERT_DIR=/etc/ssl/certs", "/srv/d/ssl"},
		{"run", "SSL_CERT_DIR=/opt/own:/etc/pki/tls/certs/ WORK_DIR=/srv/d", "/srv/d/ssl"},
		{"run", "SSL_CERT_DIR=/srv/ssl WORK_DIR=/srv/d", "/srv/ssl"},
		{"run --ssl-cert-dir=/a", "SSL_CERT_DIR=/usr/lib/ssl/certs", "/a"},
		{"run --ssl-cert-dir=/a", "SSL_CERT_DIR=/srv/ssl", "/a"},
		{"run --ssl-cert-dir=", "SSL_CERT_DIR=/srv/ssl", "/etc/nginx/ssl"},
		{"render -f -", "WORK_DIR=/srv/d", "/etc/nginx/ssl"}, // not a setting of render
		{"render -f -", "SSL_CERT_DIR=/etc/ssl/certs", "/etc/nginx/ssl"},
		{"version", "SSL_CERT_DIR=;", "/etc/nginx/ssl"},
	} {
		c, err := Load(strings.Fields(tc.args), strings.Fields(tc.environ))
		if err != nil {
			t.Errorf("%s %s: %v", tc.environ, tc.args, err)
		} else if c.SSLCertDir != tc.want {
			t.Errorf("%s %s: got %s, want %s", tc.environ, tc.args, c.SSLCertDir, tc.want)
		}
	}

	want := `SSL_CERT_DIR (--ssl-cert-dir): "/etc/ssl/certs" is a folder of the system for root certificates: give one of Dispatcher's own, like /etc/nginx/ssl`
	if _, err := Load([]string{"run", "--ssl-cert-dir=/etc/ssl/certs"}, nil); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// Sub-folders of SSL_CERT_DIR belong to hosts, and files in them come and go.
func TestDefaultCertificateIsNotAmongHosts(t *testing.T) {
	t.Parallel()
	dir := touch(t, "d/ssl/x.crt", "d/ssl/x.key", "d/ssl/a.com/x.crt", "d/ssl/a.com/..v1/x.key", "d/ssl/..data/x.crt", "d/ssl2/a.com/x.crt", "d/x.key")
	load := func(cert, key string) error {
		_, err := Load([]string{"run", "--ssl-cert-dir=" + dir + "/d/ssl"}, []string{"SSL_CERT=" + dir + "/" + cert, "SSL_KEY=" + dir + "/" + key})
		return err
	}
	for _, good := range []struct{ cert, key string }{
		{"d/ssl/x.crt", "d/ssl/x.key"},
		{"d/ssl/a.com/../x.crt", "d/x.key"},
		{"d/ssl2/a.com/x.crt", "d/x.key"},
	} {
		if err := load(good.cert, good.key); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []struct{ cert, key, flag, path string }{
		{"d/ssl/a.com/x.crt", "d/x.key", "SSL_CERT (--ssl-cert)", "d/ssl/a.com/x.crt"},
		{"d/ssl/..data/x.crt", "d/x.key", "SSL_CERT (--ssl-cert)", "d/ssl/..data/x.crt"},
		{"d/ssl/x.crt", "d/ssl2/../ssl/a.com/..v1/x.key", "SSL_KEY (--ssl-key)", "d/ssl/a.com/..v1/x.key"},
	} {
		want := fmt.Sprintf("%s: %s is in a sub-folder of SSL_CERT_DIR (--ssl-cert-dir), %s, and these belong to hosts: move the file,",
			bad.flag, table.Shown(dir+"/"+bad.path), table.Shown(dir+"/d/ssl"))
		if err := load(bad.cert, bad.key); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: got %v\nwant one line %s…", bad, err, want)
		}
	}
}

// TLS is on if and only if there is a certificate for the default server (DF21).
func TestTLSReachesTheRoomsDF21(t *testing.T) {
	t.Parallel()
	file := filepath.Join(touch(t, "file"), "file")
	off, err := Load([]string{"run"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o := off.RouteOptions(); o.TLS || !o.SSLRedirect {
		t.Errorf("without a certificate: %+v", o)
	}
	on, err := Load([]string{"run", "--ssl-cert=" + file, "--ssl-key=" + file, "--ssl-port=8443", "--ssl-cert-dir=/srv/ssl", "--ssl-redirect=false", "--hsts=90m"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o := on.RouteOptions(); !o.TLS || o.SSLRedirect {
		t.Errorf("with a certificate: %+v", o)
	}
	if p := on.RenderParams(); p.SSLPort != 8443 || p.CertDir != "/srv/ssl" || p.HSTS != 5400 {
		t.Errorf("SSLPort %d, CertDir %s, HSTS %d", p.SSLPort, p.CertDir, p.HSTS)
	}
	if on.HSTS != 90*time.Minute {
		t.Errorf("HSTS %s", on.HSTS)
	}
}
