// Package quarantine keeps entries out of a table that nginx refuses although they
// look right. Tables and nginx's verdicts enter; the table without the guilty entries
// leaves, with a Problem for each. It never changes a table, never talks to nginx
// itself, and never holds what has changed since nginx refused it.
package quarantine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/entries"
	"github.com/30x/dispatcher/pkg/route"
)

// Quarantine holds the guilty entries. The zero value holds none.
type Quarantine struct {
	held    map[entries.Entry]*inmate
	waiting map[entries.Entry]entries.Place
	delayed []entries.Suspect // that wait
	good    *route.Table      // that nginx took last; nil: none is known
	now     *cluster.Snapshot
	serving entries.Serving // of now
}

// Limits of a Search, and of one try.
const (
	mostGuilty = 8
	searchTime = 2 * time.Second
	tryTime    = 10 * time.Second
)

// inmate is an entry that is held, as it was when nginx refused it.
type inmate struct {
	*Guilty
	host     *route.VirtualHost
	location *route.Location // nil: it's the host
}

// See takes in what is known of the cluster.
func (q *Quarantine) See(s *cluster.Snapshot) { q.now, q.serving = s, entries.Pods(s) }

// Took notes that nginx serves a table.
func (q *Quarantine) Took(t *route.Table) { q.good = t }

// Forget releases all.
func (q *Quarantine) Forget() { q.held, q.waiting, q.delayed = nil, nil, nil }

// Release releases the entries that t has no more, or has otherwise, and those that wait.
func (q *Quarantine) Release(t *route.Table) {
	q.waiting, q.delayed = nil, nil
	maps.DeleteFunc(q.held, func(_ entries.Entry, i *inmate) bool { return !i.isIn(t) })
}

// isIn reports whether a table has the very entry that is held.
func (i *inmate) isIn(t *route.Table) bool {
	h := t.Named(i.Host)
	switch {
	case h == nil:
		return false
	case i.location == nil:
		return entries.SameHost(i.host, h)
	}
	l := h.Find(i.Key.Path, i.Key.Match)
	return l != nil && entries.SameLocation(i.location, l)
}

// Leave gives a table without the entries that are held or wait.
func (q *Quarantine) Leave(t *route.Table) *route.Table {
	out := maps.Clone(q.waiting)
	for e, i := range q.held {
		if i.isIn(t) {
			if out == nil {
				out = map[entries.Entry]entries.Place{}
			}
			out[e] = i.Place
		}
	}
	return entries.Without(t, out, q.serving)
}

// Find finds the entries of a table for which nginx refuses the rest of it, which Leave
// has given, and holds them. verdict is that on the rest; try asks for others. If it
// fails, nothing is held that wasn't.
func (q *Quarantine) Find(ctx context.Context, t, rest *route.Table, verdict Verdict, try func(context.Context, *route.Table) (Verdict, error)) (Found, error) {
	s := Search{Table: rest, Good: q.good, Ages: entries.Ages(q.now), Serving: q.serving, Most: mostGuilty, Limit: searchTime,
		Try: func(ctx context.Context, table *route.Table) (Verdict, error) {
			limited, cancel := context.WithTimeout(ctx, tryTime)
			defer cancel()
			return try(limited, table)
		}}
	found, err := s.Run(ctx, verdict)
	if err == nil {
		q.hold(t, found)
	}
	return found, err
}

// hold holds what was found of a table, which is the one before Leave.
func (q *Quarantine) hold(t *route.Table, found Found) {
	if q.held == nil {
		q.held = map[entries.Entry]*inmate{}
	}
	for _, g := range found.Guilty {
		if known := q.held[g.Entry]; known != nil { // not even what stood in its place is taken
			known.Place = entries.Place{}
			continue
		}
		if h := t.Named(g.Host); h != nil {
			q.held[g.Entry] = &inmate{g, h, h.Find(g.Key.Path, g.Key.Match)}
		}
	}
	q.waiting, q.delayed = found.Waiting, found.Delayed
}

// Waiting says that entries wait until it's known which are guilty; nil if none do.
func (q *Quarantine) Waiting() error {
	if n := len(q.delayed); n > 0 {
		return fmt.Errorf("nginx refuses several entries, and %d changes wait until it is known which; the search goes on in a moment", n)
	}
	return nil
}

// Counts gives the number of entries that are held, by Namespace; nil if there are none.
func (q *Quarantine) Counts() map[string]int {
	if len(q.held) == 0 {
		return nil
	}
	counts := map[string]int{}
	for _, i := range q.held {
		counts[i.From.Name]++
	}
	return counts
}

// Problems tells the owners, in a fixed order. t is the table before Leave.
func (q *Quarantine) Problems(t *route.Table) (problems []route.Problem) {
	byEntry := func(a, b entries.Entry) int { return cmp.Or(cmp.Compare(a.Host, b.Host), a.Key.Compare(b.Key)) }
	for _, e := range slices.SortedFunc(maps.Keys(q.held), byEntry) {
		i := q.held[e]
		reason := fmt.Sprintf("not served: nginx refuses it: %s; %s; it is tried again when it changes: write something else, "+
			"or ask whoever runs Dispatcher what its templates make of it", i.Words, i.instead(t))
		problems = append(problems, route.Problem{Ref: i.From, Key: e.String(), Reason: reason})
	}
	waiting := map[cluster.Ref]int{}
	for _, s := range q.delayed {
		waiting[s.From]++
	}
	for _, ref := range slices.SortedFunc(maps.Keys(waiting), func(a, b cluster.Ref) int { return cmp.Compare(a.Name, b.Name) }) {
		problems = append(problems, route.Problem{Ref: ref, Key: "hosts and paths", Reason: fmt.Sprintf(
			"%d changes of them are not served yet: nginx refuses several entries, and it is not known yet which; it goes on soon, without your doing", waiting[ref])})
	}
	return problems
}

// instead says what stands in an entry's place.
func (i *inmate) instead(t *route.Table) string {
	h := t.Named(i.Host)
	switch {
	case h == nil:
	case i.location == nil && i.Place.Keeps(h, nil):
		return "the host stays as it was, without the Namespaces that have come to declare it"
	case i.location == nil && i.Place.Claim:
		return "requests for the host get no answer"
	case i.location == nil:
	default:
		l := h.Find(i.Key.Path, i.Key.Match)
		if l != nil && i.Place.Keeps(h, l) {
			return "what was served before stays, by the Pods that are still there"
		}
		if i.Place.Claim {
			return "all requests for it are answered with 503"
		}
	}
	return "it is left out as if nobody had declared it"
}
