package table

import "github.com/30x/dispatcher/pkg/route/certificate"

// TLS is how a host is served over TLS.
type TLS struct {
	Pair     *certificate.Pair
	Clients  *certificate.Bundle // who must have signed clients' certificates; nil: none is demanded
	Redirect bool                // plain HTTP requests are redirected; else they get no answer
	Place    string              // of the option ssl in the owner's annotations, for Problems
}

// Size is what the host takes up, in bytes.
func (t *TLS) Size() int {
	n := len(t.Pair.Chain()) + len(t.Pair.Reveal())
	if t.Clients != nil {
		n += len(t.Clients.PEM())
	}
	return n
}

// Lacks says in what t is less than another Namespace demands for the same host;
// "" if in nothing.
func (t *TLS) Lacks(demanded *TLS) string {
	switch {
	case demanded == nil:
		return ""
	case t == nil:
		return "serves it without TLS"
	case demanded.Clients == nil:
		return ""
	case t.Clients == nil:
		return "demands no certificates of clients"
	case t.Clients.ID() != demanded.Clients.ID():
		return "lets in clients with other certificates"
	}
	return ""
}
