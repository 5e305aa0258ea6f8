package certificate

import (
	"crypto/x509"
	"fmt"
)

// Notice is how long before a certificate expires its owner is told, in seconds:
// 14 days.
const Notice = 14 * 24 * 60 * 60

// Validity is a certificate's time, in Unix seconds.
type Validity struct {
	NotBefore, NotAfter int64
	from, until         string
}

// From is NotBefore in words: 2027-01-02 15:04 UTC.
func (v Validity) From() string { return v.from }

// Until is NotAfter in words.
func (v Validity) Until() string { return v.until }

// newValidity is from one certificate's beginning to another one's end.
func newValidity(from, until *x509.Certificate) Validity {
	const layout = "2006-01-02 15:04 UTC"
	return Validity{from.NotBefore.Unix(), until.NotAfter.Unix(), from.NotBefore.UTC().Format(layout), until.NotAfter.UTC().Format(layout)}
}

// firstToEnd is the certificate of a chain that ends first, roots aside.
func firstToEnd(certs []*x509.Certificate) *x509.Certificate {
	first := certs[0]
	for _, c := range certs[1:] {
		if !selfSigned(c) && c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	return first
}

// Judge says what is to be told of the time of a certificate, which what names;
// "" if nothing. now is in Unix seconds, as is next, when the answer will be
// another one; 0 if never.
func (v Validity) Judge(what string, now int64) (reason string, next int64) {
	switch {
	case now < v.NotBefore:
		return fmt.Sprintf("%s is not valid before %s", what, v.From()), v.NotBefore
	case now < v.NotAfter-Notice:
		return "", v.NotAfter - Notice
	case now < v.NotAfter:
		return fmt.Sprintf("%s expires on %s; renew it", what, v.Until()), v.NotAfter
	}
	return fmt.Sprintf("%s expired on %s; renew it", what, v.Until()), 0
}
