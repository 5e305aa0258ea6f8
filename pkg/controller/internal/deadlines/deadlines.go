// Package deadlines knows when certificates expire. A Table and the default certificate
// enter; a list leaves, with what there is to say of them now and when that will change.
// It never reads a clock.
package deadlines

import (
	"github.com/30x/dispatcher/pkg/controller/internal/report"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/expiry"
)

// Deadlines are what there is to say at a moment.
type Deadlines struct {
	Problems     []route.Problem
	Default      string // what is wrong with the default certificate; "" if nothing is
	Certificates []report.Certificate
	Next         int64 // when this or the table will be another one, Unix seconds; 0: never
}

// Of gives those of a table and of the default certificate, nil if there is none. now is
// in Unix seconds.
func Of(table *route.Table, def *certificate.Pair, now int64) (d Deadlines) {
	d.Problems, d.Next = expiry.Expiring(table, now)
	if def != nil {
		var change int64
		d.Default, change = def.Validity().Judge("the default certificate", now)
		d.until(change)
		d.Certificates = append(d.Certificates, report.Certificate{NotAfter: def.Validity().NotAfter})
	}
	for _, h := range table.Hosts {
		if h.TLS != nil {
			d.Certificates = append(d.Certificates, report.Certificate{Namespace: h.Owner.Name, Host: h.Name.String(), NotAfter: h.TLS.Pair.Validity().NotAfter})
		}
	}
	d.until(table.Until)
	return d
}

func (d *Deadlines) until(at int64) {
	if at != 0 && (d.Next == 0 || at < d.Next) {
		d.Next = at
	}
}
