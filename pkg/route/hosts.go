package route

import (
	"cmp"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/owner"
	"github.com/30x/dispatcher/pkg/route/value"
)

// hostClaims reads a Namespace's hosts and what they ask for.
func (b *builder) hostClaims(ns *cluster.Namespace, quota *limit.Quota) (claims []owner.Claim) {
	text, ok := ns.Annotations[b.opts.HostsAnnotation]
	if !ok {
		return nil
	}
	hosts, notes := annotation.Hosts(text, b.opts.SecretName, b.opts.Limits)
	for _, n := range notes {
		b.problem(ns.Ref, b.opts.HostsAnnotation+n.Place, "%s", n.Reason)
	}
	for _, h := range hosts {
		c := owner.Claim{Name: h.Name, Ref: ns.Ref, Place: b.opts.HostsAnnotation + h.Place, Refused: h.Refused}
		if why := quota.Host(h.Name); why != "" {
			b.problem(ns.Ref, c.Place, "the host is not served: %s", why)
			continue
		}
		if h.TLS != nil && !h.Refused {
			c.TLS = b.tls(ns, h.Name, c.Place, h.TLS)
			c.Refused = c.TLS == nil
		}
		claims = append(claims, c)
	}
	return claims
}

// limitTLS refuses the hosts of a Namespace whose certificates are too much.
func (b *builder) limitTLS(ns *cluster.Namespace, offers []owner.Claim) {
	counted, size := map[value.Host]bool{}, 0
	for i := range offers {
		o := &offers[i]
		if o.TLS == nil || counted[o.Name] {
			continue
		}
		counted[o.Name] = true
		if size += o.TLS.Size(); size > limit.Certificates {
			b.problem(o.Ref, o.TLS.Place, "%sthe certificates of the hosts of Namespace %s, up to %s, take up more than %d bytes together; shorten them, or spread the hosts over Namespaces",
				annotation.NotServed, ns.Name, o.Name, limit.Certificates)
			o.TLS, o.Refused = nil, true
		}
	}
}

// settle makes sure that whoever serves a location of a host can be verified, and that
// its keys are not too many. It says why nobody may be asked; "" if somebody may.
func (b *builder) settle(namespace string, host value.Host, l *Location) string {
	return cmp.Or(b.unverifiable(l, host), b.budget.Spend(namespace, l.Upstream))
}

// unverifiable says why those who serve a location can't be verified although it asks
// for that; "" if they can.
func (b *builder) unverifiable(l *Location, host value.Host) string {
	switch {
	case !l.Backend.HTTPS:
	case !b.opts.BackendTLS:
		return "it asks for https, and nothing is known by which a certificate could be verified; have the operator set BACKEND_CA"
	case l.Backend.Name(host) == value.Host{}:
		return "it asks for https, and no certificate can be verified against the host; write the name of whoever serves it in the option backendHost"
	}
	return ""
}
