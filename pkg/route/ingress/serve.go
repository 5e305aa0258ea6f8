package ingress

import (
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/backend"
	"github.com/30x/dispatcher/pkg/route/challenge"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// serve makes the location of a claim.
func (t *translator) serve(c claim) Location {
	l := Location{Ref: c.ing.Ref, Place: c.place, Acme: challenge.Is(c.path.String())}
	l.Location = &table.Location{Path: c.path, Match: c.match, Upstream: &table.Upstream{}, From: t.in.Namespace.Ref}
	asked := c.ing.asked
	found := &backend.Backend{}
	if c.backend.Service == "" {
		t.problem(c.ing.Ref, c.at(".backend"), "all requests are answered with 503: it refers to no Service, and nothing else can serve; write service.name and service.port")
	} else {
		var notes []backend.Note
		found, notes = t.in.Finder.Find(c.ing.Namespace, c.backend.Service, c.backend.PortName, c.backend.PortNumber)
		for _, n := range notes {
			if n.Ref == (cluster.Ref{}) {
				n.Ref, n.Key = c.ing.Ref, c.at(".backend")+"."+n.Key
			}
			t.tell(n)
		}
	}
	both := asked.Over(found.Asked)
	if both.Clients.Nobody() && !asked.Clients.Nobody() && !found.Asked.Clients.Nobody() {
		t.problem(c.ing.Ref, t.opts.Prefix+"allowSourceRanges", "all requests for %s are answered with 403: these networks and those of Service %s have no client in common; correct one of the two",
			cluster.Quote(c.path.String()), found.Service.Name)
	}
	l.Target, l.Limits, l.Sources = both.Target, both.Limits(), both.Clients.Sources()
	l.Auth = both.Auth && !l.Acme
	if !both.Unserved {
		if both.BackendHost == (value.Host{}) {
			both.BackendHost = found.Name
		}
		l.Backend = both.Backend()
		*l.Upstream = t.upstream(both.Options, found, origin{t, c.ing, found})
	}
	return l
}

// origin knows which object an option of a location comes from.
type origin struct {
	t     *translator
	ing   *ingress
	found *backend.Backend
}

// problem tells the owner of an option. One that nobody has set is missed by whoever
// has set the policy.
func (o origin) problem(option, format string, args ...any) {
	ref := o.ing.Ref
	for _, name := range []string{option, "policy"} {
		if o.ing.asked.Sets(name) {
			break
		}
		if o.found.Asked.Sets(name) {
			ref = o.found.Service
			break
		}
	}
	o.t.problem(ref, o.t.opts.Prefix+option, format, args...)
}

// application is what an Upstream depends on, and applied what it comes to: the hosts of
// an Ingress often share a Service.
type (
	application struct {
		found   *backend.Backend
		options option.Options
	}
	applied struct {
		upstream table.Upstream
		notes    []policy.Note
	}
)

// upstream decides which candidates get which requests.
func (t *translator) upstream(o option.Options, found *backend.Backend, from origin) table.Upstream {
	for _, n := range (policy.Offer{Dynamic: t.opts.Dynamic, Sticky: t.opts.Sticky, Overrides: t.opts.Overrides}).Limit(&o) {
		from.problem(n.Key, "%s", n.Reason)
	}
	known := t.applied[application{found, o}]
	if known == nil {
		known = &applied{upstream: table.Upstream{Balance: o.Balance, Sticky: o.Sticky, SlowStart: o.SlowStart}}
		var until int64
		known.notes, until = policy.Apply(policy.Input{
			Upstream: &known.upstream, Options: o, Candidates: found.Candidates, Overrides: t.overrides(o), Sets: t.in.Sets, Now: t.opts.Now, Limits: t.opts.Limits,
		})
		if until != 0 && (t.out.Until == 0 || until < t.out.Until) {
			t.out.Until = until
		}
		t.applied[application{found, o}] = known
	}
	for _, n := range known.notes {
		if n.Ref == (cluster.Ref{}) {
			from.problem(n.Key, "%s", n.Reason)
		} else {
			t.problem(n.Ref, n.Key, "%s", n.Reason)
		}
	}
	return known.upstream
}

// overrides is the ConfigMap that the options name; nil if there is none (yet).
func (t *translator) overrides(o option.Options) *cluster.ConfigMap {
	return t.in.ConfigMaps[o.Overrides.String()]
}
