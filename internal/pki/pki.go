// Package pki makes certificates for tests. Names and options enter; PEM text
// leaves: authorities, servers' chains and clients' certificates with their keys.
// It never writes a file, and its keys never leave the test that made them.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"testing"
	"time"
)

// Kind makes a private key.
type Kind func() (crypto.Signer, error)

// P224 makes an ECDSA key, which nginx refuses.
func P224() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P224(), rand.Reader) }

// P256 makes an ECDSA key. It is what Key is without the option.
func P256() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// P384 makes an ECDSA key.
func P384() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) }

// P521 makes an ECDSA key.
func P521() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P521(), rand.Reader) }

// Ed25519 makes an Ed25519 key.
func Ed25519() (crypto.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

// RSA makes RSA keys of that many bits: 2,048 take a tenth of a second or so.
func RSA(bits int) Kind {
	return func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, bits) }
}

// Option changes what is issued.
type Option func(*request)

type request struct {
	key      Kind
	template x509.Certificate
}

// Key says of which kind the private key is.
func Key(kind Kind) Option { return func(r *request) { r.key = kind } }

// Expires says when the certificate ends to be valid; without it, in an hour.
func Expires(at time.Time) Option { return With(func(c *x509.Certificate) { c.NotAfter = at }) }

// NotBefore says when it begins to be valid; without it, an hour ago.
func NotBefore(at time.Time) Option { return With(func(c *x509.Certificate) { c.NotBefore = at }) }

// With changes any field of the certificate before it is signed, such as its
// SignatureAlgorithm.
func With(change func(*x509.Certificate)) Option {
	return func(r *request) { change(&r.template) }
}

// Authority is a CA, a root or an intermediate one.
type Authority struct {
	issuer *Authority // nil for a root
	cert   *x509.Certificate
	key    crypto.Signer
}

// NewAuthority makes a root.
func NewAuthority(t testing.TB, name string, options ...Option) *Authority {
	t.Helper()
	return issue(t, nil, authority(name), options)
}

// Intermediate makes a CA whose certificate a has signed.
func (a *Authority) Intermediate(t testing.TB, name string, options ...Option) *Authority {
	t.Helper()
	return issue(t, a, authority(name), options)
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() string { return encode("CERTIFICATE", a.cert.Raw) }

// Server issues a certificate for host names, wildcards and IP addresses. The
// chain is the server's own certificate and a's, and so on, without the root.
func (a *Authority) Server(t testing.TB, hosts []string, options ...Option) (chain, key string) {
	t.Helper()
	return issue(t, a, server(hosts), options).pair(t)
}

// Client issues a certificate with which a client can say who it is: its common
// name is subject. The chain is like a server's.
func (a *Authority) Client(t testing.TB, subject string, options ...Option) (chain, key string) {
	t.Helper()
	template := x509.Certificate{Subject: pkix.Name{CommonName: subject}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	return issue(t, a, template, options).pair(t)
}

// SelfSigned makes what "openssl req -x509" makes: a certificate that is its own CA.
func SelfSigned(t testing.TB, hosts ...string) (cert, key string) {
	t.Helper()
	return SelfSignedWith(t, hosts)
}

// SelfSignedWith is SelfSigned with options.
func SelfSignedWith(t testing.TB, hosts []string, options ...Option) (cert, key string) {
	t.Helper()
	template := server(hosts)
	template.IsCA, template.KeyUsage, template.ExtKeyUsage = true, 0, nil
	return issue(t, nil, template, options).pair(t)
}

func authority(name string) x509.Certificate {
	return x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
}

func server(hosts []string) x509.Certificate {
	c := x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, h := range hosts {
		c.Subject.CommonName = hosts[0]
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	return c
}

// issue signs a certificate: by the issuer's key, by its own if that is nil.
func issue(t testing.TB, issuer *Authority, template x509.Certificate, options []Option) *Authority {
	t.Helper()
	now := time.Now()
	template.NotBefore, template.NotAfter, template.BasicConstraintsValid = now.Add(-time.Hour), now.Add(time.Hour), true
	r := request{P256, template}
	for _, o := range options {
		o(&r)
	}
	made := &Authority{issuer: issuer}
	var err error
	if made.key, err = r.key(); err != nil {
		t.Fatal(err)
	}
	parent, signer := &r.template, made.key
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &r.template, parent, made.key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	if made.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return made
}

// pair is the chain up to the root, which it is without unless it is alone.
func (a *Authority) pair(t testing.TB) (chain, key string) {
	t.Helper()
	chain = a.PEM()
	for up := a.issuer; up != nil && up.issuer != nil; up = up.issuer {
		chain += up.PEM()
	}
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	return chain, encode("PRIVATE KEY", der)
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
