// Package certificate turns the bytes of a Secret's fields into values that nginx
// can load: a server's certificate with its key, and the CA certificates that
// clients are checked against. Bytes enter; a Pair or a Bundle leaves, encoded
// anew, or an error that completes the sentence "the certificate can't be used: …"
// and says what to write. It never judges whether a certificate has expired, since
// it has no clock, and never shows any of a private key but by Reveal.
package certificate

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"

	"github.com/30x/dispatcher/pkg/route/value"
)

// Pair is a server's certificate chain with its private key. However it is
// printed or encoded, only a fingerprint appears. Made only by NewPair.
type Pair struct {
	id, chain string
	key       *string           // behind a pointer, so that no verb shows it where Format isn't called
	names     *x509.Certificate // the leaf's subject alternative names, and nothing else
	validity  Validity
}

// NewPair checks the fields of a server's certificate chain and of its private
// key, both PEM. The rules are those of nginx with OpenSSL at security level 2,
// and of its clients: keys that TLS 1.3 has a name for, no SHA-1, and a chain that
// is whole and in order, leaf first.
func NewPair(chain, key []byte) (*Pair, error) {
	c, err := readChain(chain)
	if err != nil {
		return nil, err
	}
	k, err := readKey(key)
	if err != nil {
		return nil, err
	}
	return c.join(k)
}

// serverChain is the field of a chain, checked alone.
type serverChain struct {
	certs []*x509.Certificate
	pem   string
	order error // what is wrong with them together
}

func readChain(raw []byte) (*serverChain, error) {
	certs, err := parseCertificates(fieldCertificate, raw, MaxChain)
	if err != nil {
		return nil, err
	}
	return &serverChain{certs, encode(certs), checkChain(certs)}, nil
}

// privateKey is the field of a private key, checked alone.
type privateKey struct {
	signer crypto.Signer
	pem    string
}

func readKey(raw []byte) (*privateKey, error) {
	signer, err := parseKey(raw)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, errBadKey
	}
	return &privateKey{signer, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}, nil
}

// join checks the two together.
func (c *serverChain) join(k *privateKey) (*Pair, error) {
	if err := checkFits(c.certs, k.signer); err != nil {
		return nil, err
	}
	if c.order != nil {
		return nil, c.order
	}
	leaf := c.certs[0]
	return &Pair{
		id:       value.Hash(c.pem, k.pem),
		chain:    c.pem,
		key:      &k.pem,
		names:    &x509.Certificate{DNSNames: leaf.DNSNames},
		validity: newValidity(leaf, firstToEnd(c.certs)),
	}, nil
}

// ID is 32 hexadecimal digits: the same content has the same ID, and other
// content another one. It may be shown.
func (p Pair) ID() string { return p.id }

// Chain is the chain, leaf first, as CERTIFICATE blocks in PEM. It may be shown.
func (p Pair) Chain() string { return p.chain }

// Reveal is the private key in PEM, PKCS #8.
func (p Pair) Reveal() string {
	if p.key == nil {
		return ""
	}
	return *p.key
}

// Validity is from the leaf's beginning to the first end in the chain. A root that
// the chain ends with doesn't count: clients have their own.
func (p Pair) Validity() Validity { return p.validity }

// Covers reports whether clients that ask for the host accept the leaf: by its
// subject alternative names, and never by its common name (RFC 9525). A wildcard
// host is covered by the same wildcard only.
func (p Pair) Covers(host value.Host) bool {
	// A wildcard isn't a valid name to ask for, and those are compared exactly.
	return p.names != nil && p.names.VerifyHostname(host.String()) == nil
}

// String is a mask with a short fingerprint, by which a change can be seen.
func (p Pair) String() string { return "***" + p.id[:min(8, len(p.id))] }

// Format shows the mask whatever the verb.
func (p Pair) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// MarshalText shows the mask to encoders and loggers.
func (p Pair) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
