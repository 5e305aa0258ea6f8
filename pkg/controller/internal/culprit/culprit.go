// Package culprit finds the certificates that a Proxy's errors are about, and bars
// them. Errors enter; what route.Build has to leave out leaves. It never judges a
// certificate itself.
package culprit

import (
	"errors"

	"github.com/30x/dispatcher/pkg/controller/internal/account"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
)

// Culprit is one certificate that an error is about.
type Culprit struct {
	Bar    route.Bar
	Reason string
}

// badCertificate is what a Proxy's error may say: one certificate is at fault.
type badCertificate interface {
	Certificate() (host, id, reason string)
}

// Concerns reports whether an error is about one certificate.
func Concerns(err error) bool { return errors.As(err, new(badCertificate)) }

// Find gives the certificate of a host that an error is about, nil if there is
// none, or it is barred already. One that is refused is so everywhere and until it
// changes; if it is something else, time may mend it, and only this host is concerned.
func Find(err error, o *route.Options) *Culprit {
	var c badCertificate
	if !errors.As(err, &c) {
		return nil
	}
	host, id, reason := c.Certificate()
	bar := route.Bar{ID: id}
	if !account.IsRefused(err) {
		bar.Host = host
	}
	if _, barred := o.Barred[bar]; barred || !o.Memory.Knows(id) {
		return nil
	}
	return &Culprit{bar, reason}
}

// BarNew bars, until the next turn, all certificates of a table that aren't in
// service: many are at fault, and the others' changes must not wait until all are found.
func BarNew(barred map[route.Bar]string, table *route.Table, service []render.CertificateFile) {
	live := map[string]bool{}
	for _, f := range service {
		live[f.ID] = true
	}
	for _, h := range table.Hosts {
		if h.TLS != nil && !live[h.TLS.Pair.ID()] {
			barred[route.Bar{Host: h.Name.String(), ID: h.TLS.Pair.ID()}] = "too many certificates are refused at once; it is tried again soon"
		}
	}
}

// Waits reports whether a certificate is to be tried again.
func Waits(barred map[route.Bar]string) bool {
	for b := range barred {
		if b.Host != "" {
			return true
		}
	}
	return false
}
