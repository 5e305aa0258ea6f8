package traffic

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/30x/dispatcher/internal/pki"
)

// tenants are Namespaces t0 to t9 with a TLS host each, which t0's clients must
// have a certificate for.
type tenants struct {
	*dispatcher
	clients
	secrets []*corev1.Secret
	pods    []*pod
	changes int
}

func newTenants(t *testing.T, d *dispatcher) *tenants {
	t.Helper()
	ts := &tenants{dispatcher: d, clients: newClients(t)}
	for i := range 10 {
		name := fmt.Sprintf("t%d", i)
		o := overTLS()
		if i == 0 {
			o.clients("client.crt")
		}
		ts.secrets, ts.pods = append(ts.secrets, ts.certified(name, name+".dev")), append(ts.pods, newPod(t, name, name, at("/")))
		d.apply(hosts(namespace(name), map[string]option{name + ".dev": o}), ts.secrets[i], ts.pods[i])
	}
	ts.secrets[0].Data["client.crt"] = []byte(ts.clients.ca.PEM())
	d.apply(ts.secrets[0])
	return ts
}

// served reports what is wrong unless the tenant's host is served.
func (ts *tenants) served(i int) string {
	host := fmt.Sprintf("t%d.dev", i)
	if got := ts.sendTLS(hello(host, ts.alice), get(host, "/", "Connection: close")); got.Pod != ts.pods[i].Name {
		return fmt.Sprintf("%s: status %d, %v", host, got.Status, got.Err)
	}
	return ""
}

// step makes a change of t0's with one of another tenant's beside it, which has to
// go live; all others are served after it, as before. It returns what was logged.
func (ts *tenants) step(what string, change func(), wrong func() string) (log string) {
	ts.t.Helper()
	logged := len(ts.log())
	ts.changes++
	other, path := 1+ts.changes%9, fmt.Sprintf("/change-%d", ts.changes)
	target := fmt.Sprintf("/target-%d", ts.changes)
	change()
	ts.apply(ts.pods[other].paths(at("/"), at(path).to(target)))
	host := fmt.Sprintf("t%d.dev", other)
	ts.eventually(what+": another tenant's change is live", func() bool { return ts.tryTLS(host, path).URI == target })
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		last := wrong()
		if last == "" {
			break
		}
		if time.Now().After(deadline) {
			ts.t.Fatalf("%s: %s", what, last)
		}
	}
	ts.settle()
	for i := 1; i < 10; i++ {
		if wrong := ts.served(i); wrong != "" {
			ts.t.Errorf("%s: another tenant's %s", what, wrong)
		}
	}
	return ts.log()[logged:]
}

// breaks changes t0's Secret, after which its host has to be closed and a Problem
// told in these words.
func (ts *tenants) breaks(name, words string, change func()) {
	ts.t.Helper()
	before := ts.pods[0].hits.Load()
	log := ts.step(name, change, func() string { return ts.neither("t0.dev", "/") })
	told := slices.ContainsFunc(strings.Split(log, "\n"), func(line string) bool {
		return strings.Contains(line, "msg=problem") && strings.Contains(line, "Namespace/t0") && strings.Contains(line, "t0.dev") && strings.Contains(line, words)
	})
	if !told {
		ts.t.Errorf("%s: no Problem tells %q of t0.dev:\n%s", name, words, log)
	}
	if strings.Contains(log, "level=ERROR") {
		ts.t.Errorf("%s: an error beside the Problem:\n%s", name, log)
	}
	if n := ts.pods[0].hits.Load() - before; n != 0 {
		ts.t.Errorf("%s: %d requests have reached the Pod", name, n)
	}
}

// mends gives t0's Secret these fields, after which its host has to be served.
func (ts *tenants) mends(fields map[string][]byte) {
	ts.t.Helper()
	ts.secrets[0].Data = maps.Clone(fields)
	ts.step("mended", func() { ts.apply(ts.secrets[0]) }, func() string { return ts.served(0) })
}

// TestTenTenants: DX9, DF20, DX36. Whatever one tenant's Secret holds, its own host
// is closed, nobody else's is, and everybody's changes go live; mended, it is
// served again.
func TestTenTenants(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	ts := newTenants(t, d)
	d.run()
	door := ts.secrets[0]
	good := maps.Clone(door.Data)
	crt, key := string(door.Data["ssl.crt"]), string(door.Data["ssl.key"])
	middle := d.ca.Intermediate(t, "middle")
	deep, deepKey := middle.Server(t, []string{"t0.dev"})
	deepLeaf, _ := pem.Decode([]byte(deep))
	broken, _ := pem.Decode([]byte(middle.PEM()))
	broken.Bytes[len(broken.Bytes)-1] ^= 1
	short, shortKey := d.ca.Server(t, []string{"t0.dev"}, pki.Key(pki.RSA(1024)))
	odd, oddKey := d.ca.Server(t, []string{"t0.dev"}, pki.Key(pki.P224))
	sha1, sha1Key := d.ca.Server(t, []string{"t0.dev"}, pki.With(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }))
	_, otherKey := d.ca.Server(t, []string{"t0.dev"})
	keyDER, _ := pem.Decode([]byte(key))
	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: keyDER.Bytes}))
	for i, b := range []struct {
		name, words string
		fields      []string // with their values
	}{
		{"not PEM", "field of certificate holds no PEM block", []string{"ssl.crt", "}} load_module /tmp/x.so; server { listen 1; }"}},
		{"empty certificate", "field of certificate is empty", []string{"ssl.crt", ""}},
		{"NUL bytes", "field of certificate holds no PEM block", []string{"ssl.crt", "\x00\xff\x00\x01;{}$"}},
		{"NUL bytes inside", "field of certificate holds a damaged PEM block", []string{"ssl.crt", strings.Replace(crt, "\n", "\n\x00\xff", 2)}},
		{"empty key", "field of certificateKey is empty", []string{"ssl.key", ""}},
		{"key of another certificate", "not that of the certificate", []string{"ssl.key", otherKey}},
		{"encrypted key", "encrypted", []string{"ssl.key", encrypted}},
		{"RSA with 1,024 bits", "RSA key of 1024 bits", []string{"ssl.crt", short, "ssl.key", shortKey}},
		{"P-224", "P-224", []string{"ssl.crt", odd, "ssl.key", oddKey}},
		{"SHA-1", "SHA1", []string{"ssl.crt", sha1, "ssl.key", sha1Key}},
		{"chain in wrong order", "must come first", []string{"ssl.crt", middle.PEM() + string(pem.EncodeToMemory(deepLeaf)), "ssl.key", deepKey}},
		{"broken intermediate", "damaged", []string{"ssl.crt", string(pem.EncodeToMemory(deepLeaf)) + string(pem.EncodeToMemory(broken)) + d.ca.PEM(), "ssl.key", deepKey}},
		{"fields swapped", "private key: put that into the field of certificateKey", []string{"ssl.crt", key, "ssl.key", crt}},
		{"cut short", "damaged PEM block", []string{"ssl.crt", crt[:len(crt)/2]}},
		{"65 KiB", "longer than", []string{"ssl.crt", crt + strings.Repeat("x", 65<<10)}},
		{"clients: not PEM", "field of clientCertificate holds no PEM block", []string{"client.crt", "garbage"}},
		{"clients: empty", "field of clientCertificate is empty", []string{"client.crt", ""}},
		{"clients: a private key", "private key", []string{"client.crt", ts.clients.ca.PEM() + key}},
		{"clients: no root", "self-signed", []string{"client.crt", ts.clients.ca.Intermediate(t, "middle").PEM()}},
		{"no certificate", "no field ssl.crt", []string{"ssl.crt"}},
		{"no key", "no field ssl.key", []string{"ssl.key"}},
		{"clients: none", "no field client.crt", []string{"client.crt"}},
	} {
		ts.breaks(b.name, b.words, func() {
			door.Data = maps.Clone(good)
			delete(door.Data, b.fields[0])
			for i := 1; i < len(b.fields); i += 2 {
				door.Data[b.fields[i-1]] = []byte(b.fields[i])
			}
			d.apply(door)
		})
		if i%5 == 0 {
			ts.mends(good)
		}
	}
	ts.breaks("no Secret", "there is no Secret routing", func() { d.remove(door) })
	ts.mends(good)
	keys := []string{key, otherKey, shortKey, oddKey, sha1Key, deepKey, string(keyDER.Bytes)}
	d.keepsSecret(secretLines(strings.Join(keys, "\n"))...)
}

// TestOddCertificatesAreServed: DF20. What only clients can judge is served, and
// told; what stands around certificates goes no further.
func TestOddCertificatesAreServed(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	ts := newTenants(t, d)
	d.run()
	door := ts.secrets[0]
	good := maps.Clone(door.Data)
	pairOf := func(host string, options ...pki.Option) []string {
		chain, key := d.ca.Server(t, []string{host}, options...)
		return []string{chain, key}
	}
	const directives = "\n}\nload_module /tmp/x.so;\n# $host\n"
	for name, c := range map[string]struct {
		pair  []string
		words string
	}{
		"expired":        {pairOf("t0.dev", pki.Expires(time.Now().Add(-time.Minute))), "expired on"},
		"not valid yet":  {pairOf("t0.dev", pki.NotBefore(time.Now().Add(time.Minute))), "is not valid before"},
		"another name":   {pairOf("t1.dev"), "does not name this host"},
		"RSA":            {pairOf("t0.dev", pki.Key(pki.RSA(2048)), pki.Expires(time.Now().AddDate(0, 1, 0))), "problem solved"},
		"with a comment": {[]string{string(good["ssl.crt"]) + directives, directives + string(good["ssl.key"])}, "configuration live"},
	} {
		want := leaf(t, c.pair[0])
		log := ts.step(name, func() {
			door.Data["ssl.crt"], door.Data["ssl.key"] = []byte(c.pair[0]), []byte(c.pair[1])
			d.apply(door)
		}, func() string {
			if !shown(d, "t0.dev").Equal(want) {
				return "it is not shown"
			}
			return ts.served(0)
		})
		if !strings.Contains(log, c.words) {
			t.Errorf("%s: nothing tells %q:\n%s", name, c.words, log)
		}
	}
	files, err := filepath.Glob(filepath.Join(d.work, "ssl", "*", "*"))
	if err != nil || len(files) < 40 {
		t.Fatal(files, err)
	}
	for _, path := range append(files, filepath.Join(d.work, "nginx.conf")) {
		if strings.Contains(readFile(path), "load_module") {
			t.Errorf("%s holds what stood around a certificate", path)
		}
	}
}

// TestRefusedByNginx: DX9. A certificate that nginx alone refuses, here for what
// its OpenSSL is told to demand, closes its own host and no other.
func TestRefusedByNginx(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	conf := d.beside("openssl.cnf")
	const strict = "openssl_conf = init\n[init]\nssl_conf = modules\n[modules]\nsystem_default = tls\n[tls]\nCipherString = DEFAULT@SECLEVEL=3\n"
	if err := os.WriteFile(conf, []byte(strict), 0o644); err != nil {
		t.Fatal(err)
	}
	d.runsBy("nginx", &d.programs.Nginx, "OPENSSL_CONF="+conf+" ")
	ts := newTenants(t, d)
	door := ts.secrets[0]
	good := maps.Clone(door.Data)
	chain, key := d.ca.Server(t, []string{"t0.dev"}, pki.Key(pki.RSA(2048)))
	weaken := func() {
		door.Data["ssl.crt"], door.Data["ssl.key"] = []byte(chain), []byte(key)
		d.apply(door)
	}
	weaken() // it is refused at the start
	d.run()
	if wrong := d.neither("t0.dev", "/"); wrong != "" {
		t.Errorf("refused at the start: %s", wrong)
	}
	for range 2 {
		ts.mends(good)
		ts.breaks("refused by nginx", "nginx refuses it: ", weaken)
	}
	if n := strings.Count(d.log(), "ee key too small"); n != 3 {
		t.Errorf("nginx's own words are told %d times, want 3", n)
	}
	// The default certificate may be refused as well: the last good one stays.
	d.setDefault(d.ca.Server(t, []string{defaultName}, pki.Key(pki.RSA(2048))))
	d.eventually("the refused default certificate is told", func() bool {
		return strings.Contains(d.log(), "default certificate") && strings.Contains(d.log(), "does not work")
	})
	ts.mends(good)
	ts.breaks("refused by nginx, both", "nginx refuses it: ", weaken)
	ts.mends(good)
	d.keepsSecret(append(secretLines(key), secretLines(string(good["ssl.key"]))...)...)
}
