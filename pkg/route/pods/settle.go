package pods

import (
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/table"
)

// settle decides what holds for a location as a whole, where Pods may differ.
func (t *Translator) settle(ns *cluster.Namespace, g *gathering) {
	l, votes := g.location, g.votes // of all Pods: what protects a path counts also while its Pod is not ready
	o := t.agree(l, votes)
	for _, n := range (policy.Offer{Dynamic: t.o.Dynamic, Sticky: t.o.Sticky, Overrides: t.o.Overrides}).Limit(&o) {
		for _, v := range votes { // each Pod that asks for it is told
			if f, ok := option.Find(n.Key); ok && f.Text(v.entry.Options) != "" {
				t.o.Report(v.pod.Ref, t.place(v.declaration, v.entry, n.Key), "%s", n.Reason)
			}
		}
	}
	l.Target, l.Limits, l.Sources, l.Backend = o.Target, o.Limits(), o.Sources.Prefixes(), o.Backend()
	l.Upstream.Balance, l.Upstream.Sticky, l.Upstream.SlowStart = o.Balance, o.Sticky, o.SlowStart
	l.Auth.Closed = o.Auth // until there is a key
	in := policy.Input{Upstream: l.Upstream, Options: o, Overrides: t.o.ConfigMaps[ns.Name][o.Overrides.String()], Sets: t.o.Sets[ns.Name], Now: t.o.Now, Limits: t.o.Limits}
	if o.Policy != "" {
		in.Candidates = candidates(votes)
	}
	notes, until := policy.Apply(in)
	for _, n := range notes {
		ref, key := n.Ref, n.Key
		if ref == (cluster.Ref{}) {
			ref, key = votes[0].pod.Ref, t.place(votes[0].declaration, votes[0].entry, n.Key)
		}
		t.o.Report(ref, key, "%s", n.Reason)
	}
	t.o.Wake(until)
}

// candidates are all Pods of a location, whether they serve or not.
func candidates(votes []vote) (out []policy.Candidate) {
	for _, v := range votes {
		out = append(out, policy.Of(v.pod, v.endpoint))
	}
	return out
}

// agree takes each option from the oldest Pod that sets it, and tells each Pod that
// does not agree.
func (t *Translator) agree(l *table.Location, votes []vote) (chosen option.Options) {
	if len(votes) == 0 {
		return chosen
	}
	first := votes[0].entry.Options
	if !slices.ContainsFunc(votes, func(v vote) bool { return v.entry.Options != first }) {
		return first
	}
	for _, f := range t.fields {
		var oldest *cluster.Pod
		for _, v := range votes {
			if f.Text(v.entry.Options) != "" && (oldest == nil || v.pod.Created < oldest.Created) {
				oldest = v.pod // Pods come by name, so of two of one age the first stays
				f.Copy(&chosen, v.entry.Options)
			}
		}
		want := f.Text(chosen)
		for _, v := range votes {
			switch text := f.Text(v.entry.Options); text {
			case want:
			case "":
				t.o.Report(v.pod.Ref, t.place(v.declaration, v.entry, f.Name), "it is not set here, but on other Pods of %s: %s is used for all", cluster.Quote(l.Path.String()), cluster.Quote(want))
			default:
				t.o.Report(v.pod.Ref, t.place(v.declaration, v.entry, f.Name), "%s differs from an older Pod's of %s: %s is used for all", cluster.Quote(text), cluster.Quote(l.Path.String()), cluster.Quote(want))
			}
		}
	}
	return chosen
}
