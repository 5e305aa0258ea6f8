package traffic

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDefaultCertificate: DF21, DX34. The default certificate is read again when
// its files change, in whichever way; what can't be used leaves the last good one
// in service, is told, and holds up nobody.
func TestDefaultCertificate(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	web := newPod(t, "shop", "web", at("/"))
	d.apply(hosts(namespace("shop"), map[string]option{"secure.dev": overTLS()}), d.certified("shop", "secure.dev"), web)
	d.run()
	master, own := d.masterPID(), shown(d, "secure.dev")
	crt, key := d.beside("default.crt"), d.beside("default.key")
	changes := 0
	// becomes waits until a certificate is the default one, and all else goes on.
	becomes := func(what, chain string) {
		t.Helper()
		want := leaf(t, chain)
		d.eventually(what+": the default certificate is another one", func() bool { return shown(d, "unknown.dev").Equal(want) && shown(d, "").Equal(want) })
		d.settle()
		changes++
		d.apply(web.paths(at("/"), at(fmt.Sprintf("/%d", changes)).to("/changed")))
		d.eventually(what+": a change is live", func() bool { return d.tryTLS("secure.dev", fmt.Sprintf("/%d", changes)).URI == "/changed" })
		d.settle()
		if !shown(d, "secure.dev").Equal(own) || !shown(d, "unknown.dev").Equal(want) {
			t.Errorf("%s: another certificate is shown", what)
		}
		if got := d.tryTLS("unknown.dev", "/dispatcher/status"); got.Status != 200 {
			t.Errorf("%s: the status path: %+v", what, got)
		}
		for what, pid := range map[string]int{"before": master, "now": d.masterPID()} {
			if pid != master || pid == 0 {
				t.Errorf("%s: nginx was restarted", what)
			}
		}
		if files := d.certificates("_default"); len(files) != 4 {
			t.Errorf("%s: files %v", what, files)
		}
	}
	issue := func() (chain, key string) { return d.ca.Server(t, []string{defaultName}) }
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good, goodKey := issue()
	d.setDefault(good, goodKey)
	becomes("renamed over", good)
	good, goodKey = issue()
	write(crt, good)
	write(key, goodKey)
	becomes("written in place", good)
	good, goodKey = issue()
	write(key, goodKey)
	write(crt, good)
	becomes("key first", good)

	other, otherKey := issue()
	for _, bad := range []struct {
		what, words string
		change      func()
	}{
		{"garbage", "no PEM block", func() { write(crt, "garbage") }},
		{"other key", "not that of the certificate", func() { d.setDefault(other, goodKey) }},
		{"empty", "is empty", func() { write(key, "") }},
		{"swapped", "certificateKey", func() { d.setDefault(otherKey, other) }},
		{"gone", "no such file", func() { _ = os.Remove(crt); _ = os.Remove(key) }},
	} {
		logged := len(d.log())
		bad.change()
		d.eventually(bad.what+" is told", func() bool {
			for line := range strings.Lines(d.log()[logged:]) {
				if strings.Contains(line, "level=ERROR") && strings.Contains(line, "last good one stays") && strings.Contains(line, bad.words) {
					return true
				}
			}
			return false
		})
		becomes(bad.what, good)
	}
	d.setDefault(other, otherKey)
	becomes("repaired", other)
	d.keepsSecret(append(secretLines(goodKey), secretLines(otherKey)...)...)
}

// TestMountedDefaultCertificate: DF21. A mounted Secret changes by a symbolic link
// on its way.
func TestMountedDefaultCertificate(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	mount := d.beside("mount")
	link := func(target, path string) {
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
	swap := func(version string) (chain string) {
		chain, key := d.ca.Server(t, []string{defaultName})
		folder := filepath.Join(mount, version)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		replaceFile(t, filepath.Join(folder, "tls.crt"), chain)
		replaceFile(t, filepath.Join(folder, "tls.key"), key)
		link(version, filepath.Join(mount, "..data_tmp"))
		if err := os.Rename(filepath.Join(mount, "..data_tmp"), filepath.Join(mount, "..data")); err != nil {
			t.Fatal(err)
		}
		return chain
	}
	first := swap("..1")
	for _, name := range []string{"tls.crt", "tls.key"} {
		link(filepath.Join("..data", name), filepath.Join(mount, name))
	}
	d.env = append(d.env, "SSL_CERT="+filepath.Join(mount, "tls.crt"), "SSL_KEY="+filepath.Join(mount, "tls.key"))
	d.apply(namespace("shop", "plain.dev"))
	d.run()
	if !shown(d, "unknown.dev").Equal(leaf(t, first)) {
		t.Error("it is not the mounted certificate")
	}
	for _, version := range []string{"..2", "..3"} {
		want := leaf(t, swap(version))
		d.eventually("the new certificate is shown", func() bool { return shown(d, "unknown.dev").Equal(want) })
		if err := os.RemoveAll(filepath.Join(mount, fmt.Sprintf("..%d", version[2]-'0'-1))); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(d.log(), "level=ERROR") {
		t.Error("a swap that changes both at once is no error")
	}
}

// TestDefaultCertificateAtStart: DX34. Dispatcher doesn't begin with a default
// certificate that can't be used, and says what to do.
func TestDefaultCertificateAtStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(d *dispatcher)
		words []string
	}{
		"other key": {func(d *dispatcher) {
			_, key := d.ca.Server(d.t, []string{defaultName})
			replaceFile(d.t, d.beside("default.key"), key)
		}, []string{"SSL_CERT", "SSL_KEY", "not that of the certificate", "write the key that it was issued for"}},
		"garbage":        {func(d *dispatcher) { d.setDefault("x", "x") }, []string{"SSL_CERT", "no PEM block", "write it as text"}},
		"no certificate": {func(d *dispatcher) { _ = os.Remove(d.beside("default.crt")) }, []string{"SSL_CERT", "no such file"}},
		"no key":         {func(d *dispatcher) { _ = os.Remove(d.beside("default.key")) }, []string{"SSL_KEY", "no such file"}},
		"key not given":  {func(d *dispatcher) { d.env = d.env[:2] }, []string{"SSL_CERT", "SSL_KEY"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := prepareTLS(t)
			d.apply(namespace("shop", "plain.dev"))
			lines := secretLines(readFile(d.beside("default.key")))
			c.spoil(d)
			d.begin()
			if code := d.wait(); code != 2 {
				t.Errorf("exit status %d, want 2", code)
			}
			for _, words := range c.words {
				if !strings.Contains(d.log(), words) {
					t.Errorf("%q is not told", words)
				}
			}
			for _, line := range lines {
				if strings.Contains(d.log(), line) {
					t.Error("the log holds the key")
				}
			}
		})
	}
}

// TestTLSOff: DF21. Without SSL_CERT, hosts with TLS are not served at all, which
// is told; others are.
func TestTLSOff(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	d.env = d.env[:1] // SSL_PORT
	web := newPod(t, "shop", "web", at("/"))
	ns := hosts(namespace("shop"), map[string]option{"secure.dev": overTLS(), "plain.dev": {}})
	d.apply(created(ns, 1), d.certified("shop", "secure.dev"), created(namespace("other", "secure.dev", "other.dev"), 2), newPod(t, "other", "other", at("/")), web)
	d.run()
	for host, pod := range map[string]string{"plain.dev": "web", "other.dev": "other"} {
		if got := d.ask(host, "/"); got.Pod != pod {
			t.Errorf("%s: %+v", host, got)
		}
	}
	if got := d.try("secure.dev", "/"); !got.closed() {
		t.Errorf("secure.dev: status %d, %v", got.Status, got.Err)
	}
	if conn, err := net.Dial("tcp", d.secure); err == nil {
		_ = conn.Close()
		t.Error("nginx listens for TLS")
	}
	if log := d.log(); !strings.Contains(log, "secure.dev") || !strings.Contains(log, "TLS is off; the operator turns it on") {
		t.Error("it is not told")
	}
	if _, err := os.Stat(filepath.Join(d.work, "ssl")); err == nil {
		t.Error("there is a folder for certificates")
	}
}
