// Package expiry judges the certificates of a table by the clock. The table and a
// moment enter; problems leave, and when to look again. It never takes a host out
// of service.
package expiry

import (
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
)

// Expiring tells of the hosts whose certificates have expired, do so within
// certificate.Notice, or are not valid yet. They are served all the same: it is the
// clients' part to refuse. now is in Unix seconds, as is next, when the answer
// will be another one; 0 if never.
func Expiring(t *route.Table, now int64) (problems []route.Problem, next int64) {
	for _, h := range t.Hosts {
		if h.TLS == nil {
			continue
		}
		check := func(field, what string, v certificate.Validity) {
			reason, change := v.Judge(what, now)
			if reason != "" {
				problems = append(problems, route.Problem{Ref: h.Owner, Key: h.TLS.Place + field, Reason: reason})
			}
			next = earlier(next, change)
		}
		check(".certificate", "the certificate of host "+h.Name.String(), h.TLS.Pair.Validity())
		if h.TLS.Clients != nil {
			check(".clientCertificate", "what clients' certificates of host "+h.Name.String()+" must be signed by", h.TLS.Clients.Validity())
		}
	}
	return problems, next
}

// earlier is the earlier of two moments, of which 0 is never.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
