package certificate

import (
	"crypto/x509"
	"errors"
	"slices"

	"github.com/30x/dispatcher/pkg/route/value"
)

// Bundle is the CA certificates by one of which, or by an authority below it, a
// client's certificate must be signed. Made only by NewBundle.
type Bundle struct {
	id, pem       string
	validity      Validity
	intermediates bool
}

// NewBundle checks the field of the CA certificates, PEM, in any order. At least
// one must be self-signed. One that stands there twice is kept once.
func NewBundle(raw []byte) (*Bundle, error) {
	certs, err := parseCertificates(fieldClient, raw, MaxBundle)
	if err != nil {
		return nil, err
	}
	var unique []*x509.Certificate
	var last *x509.Certificate // of the self-signed ones to end
	for _, c := range certs {
		if slices.ContainsFunc(unique, c.Equal) {
			continue
		}
		unique = append(unique, c)
		if selfSigned(c) && (last == nil || last.NotAfter.Before(c.NotAfter)) {
			last = c
		}
	}
	if last == nil {
		return nil, errors.New("the field of clientCertificate holds no self-signed certificate, so that no client would be let in: add the root that the others lead to (clients of every authority below it are let in then)")
	}
	text := encode(unique)
	return &Bundle{value.Hash(text), text, newValidity(last, last), slices.ContainsFunc(unique, func(c *x509.Certificate) bool { return !selfSigned(c) })}, nil
}

// ID is 32 hexadecimal digits: the same content has the same ID, and other
// content another one.
func (b Bundle) ID() string { return b.id }

// PEM is the certificates as CERTIFICATE blocks in PEM, in the order of the field.
func (b Bundle) PEM() string { return b.pem }

// Validity is that of the self-signed certificate that ends last: from then on no
// client is let in.
func (b Bundle) Validity() Validity { return b.validity }

// Intermediates reports whether it holds certificates that aren't self-signed.
// They let nobody in that the others don't, and keep nobody out.
func (b Bundle) Intermediates() bool { return b.intermediates }
