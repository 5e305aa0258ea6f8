package route

import (
	"strconv"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/value"
)

// vote is what one Pod says of a location in its entry.
type vote struct {
	pod   *cluster.Pod
	entry annotation.Path
}

// settle decides what holds for a location as a whole, where Pods may differ.
func (b *builder) settle(l *Location, votes []vote) {
	up := l.Upstream
	l.Target = settle(b, l, votes, "targetPath", func(e annotation.Path) value.Path { return e.Target }, value.Path.String)
	up.Balance = settle(b, l, votes, "balance", func(e annotation.Path) value.Balance { return e.Balance }, func(v value.Balance) string { return string(v) })
	up.Sticky = settle(b, l, votes, "sticky", func(e annotation.Path) value.Cookie { return e.Sticky }, value.Cookie.String)
	up.SlowStart = settle(b, l, votes, "slowStart", func(e annotation.Path) int { return e.SlowStart }, seconds)
	b.offer(l, votes)
}

// settle takes a field's value from the oldest Pod that sets it, and tells each Pod
// that does not agree.
func settle[T comparable](b *builder, l *Location, votes []vote, field string, get func(annotation.Path) T, show func(T) string) T {
	var zero, chosen T
	var oldest *cluster.Pod
	for _, v := range votes {
		if value := get(v.entry); value != zero && (oldest == nil || v.pod.Created < oldest.Created) {
			oldest, chosen = v.pod, value // Pods come by name, so of two of one age the first stays
		}
	}
	for _, v := range votes {
		switch value := get(v.entry); value {
		case chosen:
		case zero:
			b.problem(v.pod.Ref, b.place(v.entry, field), "it is not set here, but on other Pods of %s: %s is used for all", cluster.Quote(l.Path.String()), cluster.Quote(show(chosen)))
		default:
			b.problem(v.pod.Ref, b.place(v.entry, field), "%s differs from an older Pod's of %s: %s is used for all", cluster.Quote(show(value)), cluster.Quote(l.Path.String()), cluster.Quote(show(chosen)))
		}
	}
	return chosen
}

// offer leaves out what the nginx that runs can't do, and tells who asks for it.
func (b *builder) offer(l *Location, votes []vote) {
	for _, v := range votes {
		if !b.opts.Sticky && v.entry.Sticky != (value.Cookie{}) {
			b.problem(v.pod.Ref, b.place(v.entry, "sticky"), "it has no effect: it needs nginx 1.29.6 or newer; without it, requests of a client may reach any Pod")
		}
		if !b.opts.Dynamic && v.entry.SlowStart > 0 {
			b.problem(v.pod.Ref, b.place(v.entry, "slowStart"), "it has no effect: it needs endpoints that change without a reload (nginx 1.27.3 or newer); new Pods get their full share at once")
		}
	}
	if !b.opts.Sticky {
		l.Upstream.Sticky = value.Cookie{}
	}
	if !b.opts.Dynamic {
		l.Upstream.SlowStart = 0
	}
}

func seconds(n int) string { return strconv.Itoa(n) + "s" }
