package route

import (
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/value"
)

// vote is what one Pod says of a location in its entry.
type vote struct {
	pod   *cluster.Pod
	entry annotation.Path
}

// settle decides what holds for a location as a whole, where Pods may differ.
func (b *builder) settle(l *Location, votes []vote) {
	o := b.agree(l, votes)
	b.offer(l, &o, votes)
	l.Target, l.Limits, l.Sources = o.Target, o.Limits(), o.Sources.Prefixes()
	l.Upstream.Balance, l.Upstream.Sticky, l.Upstream.SlowStart = o.Balance, o.Sticky, o.SlowStart
}

// agree takes each option from the oldest Pod that sets it, and tells each Pod that
// does not agree.
func (b *builder) agree(l *Location, votes []vote) (chosen option.Options) {
	if len(votes) == 0 {
		return chosen
	}
	first := votes[0].entry.Options
	if !slices.ContainsFunc(votes, func(v vote) bool { return v.entry.Options != first }) {
		return first
	}
	for _, f := range b.fields {
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
				b.problem(v.pod.Ref, b.place(v.entry, f.Name), "it is not set here, but on other Pods of %s: %s is used for all", cluster.Quote(l.Path.String()), cluster.Quote(want))
			default:
				b.problem(v.pod.Ref, b.place(v.entry, f.Name), "%s differs from an older Pod's of %s: %s is used for all", cluster.Quote(text), cluster.Quote(l.Path.String()), cluster.Quote(want))
			}
		}
	}
	return chosen
}

// offer leaves out what the nginx that runs can't do, and tells who asks for it.
func (b *builder) offer(_ *Location, o *option.Options, votes []vote) {
	for _, v := range votes {
		if !b.opts.Sticky && v.entry.Sticky != (value.Cookie{}) {
			b.problem(v.pod.Ref, b.place(v.entry, "sticky"), "it has no effect: it needs nginx 1.29.6 or newer; without it, requests of a client may reach any Pod")
		}
		if !b.opts.Dynamic && v.entry.SlowStart > 0 {
			b.problem(v.pod.Ref, b.place(v.entry, "slowStart"), "it has no effect: it needs endpoints that change without a reload (nginx 1.27.3 or newer); new Pods get their full share at once")
		}
	}
	if !b.opts.Sticky {
		o.Sticky = value.Cookie{}
	}
	if !b.opts.Dynamic {
		o.SlowStart = 0
	}
}
