package route

import (
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/backend"
	"github.com/30x/dispatcher/pkg/route/ingress"
	"github.com/30x/dispatcher/pkg/route/option"
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
	o := b.opts.Ingress
	b.ingresses.opts = ingress.Options{
		Options: b.backendOptions(), Class: o.Class, Controller: o.Controller, TLS: o.TLS && b.opts.TLS, DefaultNamespace: o.DefaultNamespace,
		Dynamic: b.opts.Dynamic, Sticky: b.opts.Sticky, Overrides: b.opts.Overrides, Now: b.opts.Now,
	}
	b.ingresses.finder = backend.New(b.snapshot, b.ingresses.opts.Options)
	b.ingresses.byNamespace = map[string][]*cluster.Ingress{}
	for _, i := range ingress.Ours(b.snapshot, b.ingresses.opts) {
		b.ingresses.byNamespace[i.Namespace] = append(b.ingresses.byNamespace[i.Namespace], i)
		b.ours = append(b.ours, i.Ref)
	}
}

func (b *builder) backendOptions() backend.Options {
	o := backend.Options{Known: b.known()}
	if in := b.opts.Ingress; in != nil {
		o.Prefix, o.Allow, o.Deny, o.ExternalNames, o.APIServer = in.Prefix, in.Allow, in.Deny, in.ExternalNames, in.APIServer
	}
	return o
}

// known are the annotations with the options' prefix that are no options.
func (b *builder) known() []string {
	known := []string{b.opts.HostsAnnotation, b.opts.PathsAnnotation, b.opts.AuthAnnotation}
	for _, f := range option.Fields() {
		known = append(known, b.opts.Ingress.prefix()+f.Name)
	}
	return known
}

func (o *Ingress) prefix() string {
	if o == nil {
		return ""
	}
	return o.Prefix
}

// ingressOffers gives the hosts of a Namespace's Ingresses.
func (b *builder) ingressOffers(ns *cluster.Namespace) (offers []offer) {
	ours := b.ingresses.byNamespace[ns.Name]
	if len(ours) == 0 {
		return nil
	}
	result := ingress.Translate(ingress.Input{
		Namespace: ns, Ingresses: ours, Finder: b.ingresses.finder, Sets: b.sets[ns.Name], ConfigMaps: b.configMaps[ns.Name],
	}, b.ingresses.opts)
	b.problems = append(b.problems, result.Problems...)
	b.wake(result.Until)
	org, env := b.pods.Label(ns.Ref, ns.Labels, b.opts.OrgLabel), b.pods.Label(ns.Ref, ns.Labels, b.opts.EnvLabel)
	for _, h := range result.Hosts {
		o := offer{hostClaim: hostClaim{name: h.Name, ref: h.Ref, place: h.Place, refused: h.Refused}, open: map[*Location]bool{}}
		if h.TLS != nil && !h.Refused {
			o.tls = b.ingressTLS(ns, h.Name, h.TLS)
			o.refused = o.tls == nil
		}
		for _, l := range h.Locations {
			l.Org, l.Env, l.Stays = org, env, true
			l.Location.Auth.Closed = l.Auth // until there is a key
			o.locations = append(o.locations, l.Location)
			if l.Acme {
				o.open[l.Location] = true
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
