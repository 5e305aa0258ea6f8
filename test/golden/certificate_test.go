package golden

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/route/certificate"
)

// pairs are a pair of every kind that is taken, by name.
func pairs(t *testing.T) map[string][2]string {
	t.Helper()
	out := map[string][2]string{}
	hosts := []string{"a.example", "*.a.example", "10.1.2.3"}
	add := func(name, chain, key string) { out[name] = [2]string{chain, key} }
	signature := func(a x509.SignatureAlgorithm) pki.Option {
		return pki.With(func(c *x509.Certificate) { c.SignatureAlgorithm = a })
	}
	kinds := map[string]pki.Kind{"RSA": pki.RSA(2048), "P-256": pki.P256, "P-384": pki.P384, "P-521": pki.P521, "Ed25519": pki.Ed25519}
	for name, kind := range kinds {
		root := pki.NewAuthority(t, "root "+name, pki.Key(kind))
		chain, key := root.Intermediate(t, "middle").Server(t, hosts, pki.Key(kind))
		add(name+" below an intermediate", chain, key)
		add(name+" with its root", chain+root.PEM(), key)
		self, selfKey := pki.SelfSignedWith(t, hosts, pki.Key(kind))
		add(name+" self-signed", self, selfKey)
	}
	for _, a := range []x509.SignatureAlgorithm{x509.SHA1WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS} {
		root := pki.NewAuthority(t, "root", pki.Key(kinds["RSA"]), signature(a))
		chain, key := root.Server(t, hosts)
		add("root with "+a.String(), chain+root.PEM(), key)
		if a != x509.SHA1WithRSA {
			chain, key = root.Server(t, hosts, signature(a))
			add(a.String(), chain, key)
		}
		self, selfKey := pki.SelfSignedWith(t, hosts, pki.Key(kinds["RSA"]), signature(a))
		add("self-signed with "+a.String(), self, selfKey)
	}
	long := pki.NewAuthority(t, "root")
	for i := range certificate.MaxChain - 1 {
		long = long.Intermediate(t, fmt.Sprint("middle ", i))
	}
	chain, key := long.Server(t, hosts)
	add("the longest chain", chain, key)
	chain, key = pki.NewAuthority(t, "root").Server(t, hosts, pki.With(func(c *x509.Certificate) { c.NotAfter = c.NotBefore.AddDate(0, 0, -1) }))
	add("never valid", chain, key)
	chain, key = pki.NewAuthority(t, "root").Client(t, "client")
	add("a client's", chain, key)
	return out
}

// bundles are the kinds of CA certificates that are taken, by name.
func bundles(t *testing.T) map[string]string {
	t.Helper()
	var all strings.Builder
	for i := range certificate.MaxBundle {
		all.WriteString(pki.NewAuthority(t, fmt.Sprint("root ", i)).PEM())
	}
	root := pki.NewAuthority(t, "root", pki.Key(pki.Ed25519))
	self, _ := pki.SelfSigned(t, "a.example")
	old := pki.NewAuthority(t, "old", pki.With(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }))
	return map[string]string{
		"the most":               all.String(),
		"intermediate and twice": root.Intermediate(t, "middle").PEM() + root.PEM() + root.PEM(),
		"self-signed":            self,
		"signed with SHA-1":      old.PEM(),
	}
}

// nginx loads whatever is taken: one tenant's Secret never stops everybody's
// configuration (DF20, DF23, DX9).
func TestNginxLoadsWhatIsTaken(t *testing.T) {
	var list []*certificate.Pair
	all := pairs(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p, err := certificate.NewPair([]byte(all[name][0]), []byte(all[name][1]))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if output, err := nginxLoads(t, nil, p); err != nil {
			t.Errorf("%s: %v\n%s", name, err, output)
		}
		list = append(list, p)
	}
	for name, text := range bundles(t) {
		b, err := certificate.NewBundle([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if output, err := nginxLoads(t, b, list...); err != nil {
			t.Errorf("%s, with all pairs: %v\n%s", name, err, output)
		}
	}
}

// A certificate that nobody here can check by its issuer may have any bytes in
// it: nginx loads those as well that only just pass.
func TestNginxLoadsDamagedCertificates(t *testing.T) {
	chain, key := pki.NewAuthority(t, "root").Server(t, []string{"a.example", "10.1.2.3"}, pki.With(func(c *x509.Certificate) {
		c.Subject.Organization, c.OCSPServer, c.CRLDistributionPoints = []string{"é"}, []string{"http://o.example"}, []string{"http://c.example"}
	}))
	block, _ := pem.Decode([]byte(chain))
	taken := map[string]*certificate.Pair{}
	for i := range block.Bytes {
		for _, change := range []byte{0x01, 0x02, 0x10, 0x20, 0x80, 0xff} {
			der := bytes.Clone(block.Bytes)
			der[i] ^= change
			if p, err := certificate.NewPair(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), []byte(key)); err == nil {
				taken[p.ID()] = p
			}
		}
	}
	if len(taken) < 500 {
		t.Fatalf("only %d damaged certificates are taken: is the test still one?", len(taken))
	}
	if output, err := nginxLoads(t, nil, slices.Collect(maps.Values(taken))...); err != nil {
		t.Errorf("%d damaged certificates: %v\n%.2000s", len(taken), err, output)
	}
}

// nginxLoads has nginx test a configuration with a server for each pair. It does
// nothing without nginx, of which TestNginxIsThere tells.
func nginxLoads(t *testing.T, clients *certificate.Bundle, list ...*certificate.Pair) (output string, err error) {
	t.Helper()
	binary, _ := findNginx()
	if binary == "" {
		return "", nil
	}
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var conf strings.Builder
	fmt.Fprintf(&conf, "pid %[1]s/pid;\nevents {}\nhttp {\naccess_log off;\nclient_body_temp_path %[1]s;\nproxy_temp_path %[1]s;\n"+
		"fastcgi_temp_path %[1]s;\nuwsgi_temp_path %[1]s;\nscgi_temp_path %[1]s;\nserver_names_hash_max_size 10000;\n", dir)
	verify := ""
	if clients != nil {
		write("clients.crt", clients.PEM())
		verify = "ssl_client_certificate clients.crt; ssl_verify_client on; "
	}
	for _, p := range list {
		write(p.ID()+".crt", p.Chain())
		write(p.ID()+".key", p.Reveal())
		fmt.Fprintf(&conf, "server { listen unix:%[1]s/s ssl; server_name %[2]s; ssl_certificate %[2]s.crt; ssl_certificate_key %[2]s.key; %[3]s}\n", dir, p.ID(), verify)
	}
	conf.WriteString("}\n")
	write("nginx.conf", conf.String())
	printed, err := exec.CommandContext(t.Context(), binary, "-t", "-q", "-e", "stderr", "-p", dir, "-c", filepath.Join(dir, "nginx.conf")).CombinedOutput()
	return string(printed), err
}
