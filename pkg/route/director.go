package route

import (
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/backend"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/value"
)

// direct gives the Table of a Director: one location, for all hosts and paths.
func (b *builder) direct(d *Director) *Table {
	finder := backend.New(b.snapshot, b.opts.Ingresses().Options)
	found, notes := finder.Direct(d.Namespace, d.Service, d.TargetPort)
	ns := cluster.Ref{Kind: "Namespace", Name: d.Namespace}
	root, err := value.ParsePath("/")
	if err != nil {
		panic(err) // it is a path
	}
	l := &Location{Path: root, Match: value.Prefix, Upstream: &Upstream{}, From: ns, Stays: true}
	more, until := policy.Apply(policy.Input{
		Upstream: l.Upstream, Options: option.Options{Policy: value.PolicyOne, ReadyGrace: d.ReadyGrace}, Candidates: found.Candidates, Now: b.opts.Now, Limits: b.opts.Limits,
	})
	b.wake(until)
	policy.Name(l.Upstream, "", l.Path.String(), string(l.Match))
	service := cluster.Ref{Kind: "Service", Namespace: d.Namespace, Name: d.Service}
	for _, n := range notes {
		b.note(n.Ref, service, n.Key, n.Reason)
	}
	if len(found.Candidates) == 0 {
		why := "none of its EndpointSlices has an endpoint; give it Pods"
		if found.Service == (cluster.Ref{}) {
			why = "there is no such Service; create it, or name another one with --namespace and --service"
		}
		b.problem(service, "endpoints", "all requests are answered with 503: %s", why)
	}
	for _, n := range more {
		b.note(n.Ref, found.Service, n.Key, n.Reason)
	}
	return &Table{Hosts: []*VirtualHost{{Owner: ns, From: []cluster.Ref{ns}, Locations: []*Location{l}}}, Until: b.until}
}

// note tells a Problem of an object, or of another one if it is about none.
func (b *builder) note(ref, otherwise cluster.Ref, key, reason string) {
	if ref == (cluster.Ref{}) {
		ref = otherwise
	}
	b.problem(ref, key, "%s", reason)
}
