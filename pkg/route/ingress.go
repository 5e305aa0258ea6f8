package route

import (
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/backend"
	"github.com/30x/dispatcher/pkg/route/ingress"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/owner"
	"github.com/30x/dispatcher/pkg/route/value"
)

// ingresses is what Ingresses are translated with; its zero value knows none.
type ingresses struct {
	opts        ingress.Options
	finder      *backend.Finder
	byNamespace map[string][]*cluster.Ingress
}

// findIngresses finds those of our class.
func (b *builder) findIngresses() {
	if b.opts.Ingress == nil {
		return
	}
	b.ingresses.opts = b.opts.Ingresses()
	ours := ingress.Ours(b.snapshot, b.ingresses.opts)
	if len(ours) == 0 {
		return
	}
	b.ingresses.finder = backend.New(b.snapshot, b.ingresses.opts.Options)
	b.ingresses.byNamespace = map[string][]*cluster.Ingress{}
	for _, i := range ours {
		b.ingresses.byNamespace[i.Namespace] = append(b.ingresses.byNamespace[i.Namespace], i)
		b.ours = append(b.ours, i.Ref)
	}
}

// Ingresses are the options with which Ingresses and Services are read.
func (o Options) Ingresses() ingress.Options {
	out := ingress.Options{
		Options: backend.Options{Known: []string{o.HostsAnnotation, o.PathsAnnotation, o.AuthAnnotation}, Limits: o.Limits},
		Dynamic: o.Dynamic, Sticky: o.Sticky, Overrides: o.Overrides, Now: o.Now,
	}
	if in := o.Ingress; in != nil {
		out.Class, out.Controller, out.TLS, out.DefaultNamespace = in.Class, in.Controller, in.TLS && o.TLS, in.DefaultNamespace
		out.Prefix, out.Allow, out.Deny, out.ExternalNames, out.APIServer = in.Prefix, in.Allow, in.Deny, in.ExternalNames, in.APIServer
	}
	return out
}

// ingressOffers gives the hosts of a Namespace's Ingresses.
func (b *builder) ingressOffers(ns *cluster.Namespace, quota *limit.Quota) (offers []owner.Claim) {
	ours := b.ingresses.byNamespace[ns.Name]
	if len(ours) == 0 {
		return nil
	}
	result := ingress.Translate(ingress.Input{
		Namespace: ns, Ingresses: ours, Finder: b.ingresses.finder, Sets: b.sets[ns.Name], ConfigMaps: b.configMaps[ns.Name], Quota: quota,
	}, b.ingresses.opts)
	for _, p := range result.Problems {
		b.told.Add(p)
	}
	b.wake(result.Until)
	org, env := b.pods.Label(ns.Ref, ns.Labels, b.opts.OrgLabel), b.pods.Label(ns.Ref, ns.Labels, b.opts.EnvLabel)
	for _, h := range result.Hosts {
		o := owner.Claim{Name: h.Name, Ref: h.Ref, Place: h.Place, Refused: h.Refused, Open: map[*Location]bool{}}
		if h.TLS != nil && !h.Refused {
			o.TLS = b.ingressTLS(ns, h.Name, h.TLS)
			o.Refused = o.TLS == nil
		}
		for _, l := range h.Locations {
			l.Org, l.Env, l.Stays = org, env, true
			l.Location.Auth.Closed = l.Auth // until there is a key
			o.Locations = append(o.Locations, l.Location)
			if l.Acme {
				o.Open[l.Location] = true
			}
		}
		offers = append(offers, o)
	}
	return offers
}

// ingressTLS reads the Secret that an Ingress names for a host. It returns nil, and
// reports why, if it can't be had.
func (b *builder) ingressTLS(ns *cluster.Namespace, host value.Host, want *ingress.TLS) *TLS {
	refuse := func(format string, args ...any) *TLS {
		b.problem(want.Ref, want.Place, "%s: "+annotation.NotServed+format, append([]any{host}, args...)...)
		return nil
	}
	secret := b.tlsSecrets[ns.Name][want.Secret]
	switch {
	case host.Address():
		return refuse("clients that ask for an address don't name it when TLS begins, so it can have no certificate of its own; give the host a name")
	case secret == nil:
		return refuse("there is no Secret %s of type kubernetes.io/tls; create it with: kubectl create secret tls %s --cert=FILE --key=FILE --namespace=%s", want.Secret, want.Secret, ns.Name)
	case secret.Unreadable:
		return refuse("the Secret %s can't be read; correct it", want.Secret)
	}
	pair, err := b.opts.Memory.Pair(secret, "tls.crt", "tls.key")
	if err != nil {
		return refuse("the certificate can't be used: %v", err)
	}
	if why := b.barred(host, pair.ID()); why != "" {
		return refuse("the certificate can't be used: %s", why)
	}
	if !pair.Covers(host) {
		b.problem(want.Ref, want.Place, "the certificate does not name the host %s, so clients will refuse it; give one with the host among its alternative names", host)
	}
	return &TLS{Pair: pair, Redirect: b.opts.SSLRedirect, Place: strings.TrimSuffix(want.Place, ".secretName")}
}
