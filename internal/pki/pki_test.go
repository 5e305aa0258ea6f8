package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/30x/dispatcher/internal/pki"
)

// What is issued leads to its root, for what it was issued, and to no other.
func TestIssuedVerifies(t *testing.T) {
	t.Parallel()
	root, other := pki.NewAuthority(t, "root"), pki.NewAuthority(t, "root")
	low := root.Intermediate(t, "middle").Intermediate(t, "low")
	chain, key := low.Server(t, []string{"a.example", "*.w.example", "10.1.2.3"})
	clientChain, clientKey := low.Client(t, "me")
	for _, c := range []struct {
		chain, key string
		usage      x509.ExtKeyUsage
		names      []string
	}{
		{chain, key, x509.ExtKeyUsageServerAuth, []string{"a.example", "b.w.example", "10.1.2.3"}},
		{clientChain, clientKey, x509.ExtKeyUsageClientAuth, []string{""}},
	} {
		pair, err := tls.X509KeyPair([]byte(c.chain), []byte(c.key))
		if err != nil {
			t.Fatal(err)
		}
		if len(pair.Certificate) != 3 {
			t.Errorf("%d certificates in the chain, not the leaf and two intermediates", len(pair.Certificate))
		}
		middle := x509.NewCertPool()
		middle.AppendCertsFromPEM([]byte(c.chain))
		for _, ca := range []*pki.Authority{root, other} {
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM([]byte(ca.PEM()))
			for _, name := range c.names {
				_, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: middle, KeyUsages: []x509.ExtKeyUsage{c.usage}})
				if (err == nil) != (ca == root) {
					t.Errorf("%q below the right root (%t): %v", name, ca == root, err)
				}
			}
		}
	}
}
