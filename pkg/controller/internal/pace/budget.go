package pace

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/moment"
	"github.com/30x/dispatcher/pkg/route"
)

const (
	// firstWindow is the least time between the reloads that a Namespace over its budget
	// triggers; each of them doubles it, up to lastWindow.
	firstWindow = 10 * time.Second
	lastWindow  = time.Minute
	// calm is how long none of its changes must have had to wait until all is as before,
	// and over what time reloads are counted.
	calm = time.Minute
)

// space is what is known of a Namespace that has caused reloads.
type space struct {
	recent []time.Time   // its last reloads, as many as count at most, oldest first
	window time.Duration // 0: it is within its budget
	waited time.Time     // when a change of it last had to wait
}

func (s *space) last() time.Time { return s.recent[len(s.recent)-1] }

// busy reports whether a Namespace has caused several reloads lately.
func (s *space) busy(now time.Time) bool {
	return s != nil && len(s.recent) > 1 && now.Sub(s.recent[len(s.recent)-2]) < calm
}

// gathered reports whether a Namespace's changes are gathered.
func (s *space) gathered(now time.Time) bool { return s.window > 0 && now.Sub(s.waited) < calm }

// when is the earliest moment at which a Namespace may trigger a reload.
func (p *Pace) when(ns string, now time.Time) time.Time {
	s := p.spaces[ns]
	switch {
	case s == nil:
		return now
	case s.gathered(now):
		return s.last().Add(s.window)
	case p.Budget > 0 && len(s.recent) >= p.Budget && now.Sub(s.recent[len(s.recent)-p.Budget]) < calm:
		return s.last().Add(firstWindow)
	}
	return now
}

// waits notes that a change has to wait.
func (s *space) waits(now time.Time) {
	if !s.gathered(now) {
		s.window = firstWindow
	}
	s.waited = now
}

// caused notes a reload that some Namespaces have caused, and forgets those that are
// quiet.
func (p *Pace) caused(namespaces []string, now time.Time) {
	p.last = now
	counts := max(p.Budget, 2) // two make one busy
	maps.DeleteFunc(p.spaces, func(_ string, s *space) bool { return !s.gathered(now) && now.Sub(s.last()) >= calm })
	if p.spaces == nil {
		p.spaces = map[string]*space{}
	}
	for _, ns := range namespaces {
		s := p.spaces[ns]
		switch {
		case s == nil:
			s = &space{}
			p.spaces[ns] = s
		case !s.gathered(now):
			s.window = 0
		case !p.when(ns, now).After(now): // and not one of somebody else's
			s.window = min(2*s.window, lastWindow)
		}
		if s.gathered(now) && s.waited.After(s.last()) {
			s.waited = now // until now
		}
		s.recent = append(s.recent[max(0, len(s.recent)-counts+1):], now)
	}
}

// Gathered is the number of Namespaces whose changes are gathered.
func (p *Pace) Gathered(now time.Time) (n int) {
	for _, s := range p.spaces {
		if s.gathered(now) {
			n++
		}
	}
	return n
}

// Problems tells the owners of Namespaces whose changes are gathered. next is when that
// ends for one of them; zero: never.
func (p *Pace) Problems(now time.Time) (problems []route.Problem, next time.Time) {
	for _, ns := range slices.Sorted(maps.Keys(p.spaces)) {
		s := p.spaces[ns]
		if !s.gathered(now) {
			continue
		}
		next = moment.Earliest(next, s.waited.Add(calm))
		problems = append(problems, route.Problem{
			Ref: cluster.Ref{Kind: "Namespace", Name: ns}, Key: "reloads",
			Reason: fmt.Sprintf("its changes go live every %s, or with those of others, since it has caused more than %d reloads of nginx in a minute; "+
				"what it serves stays, and it is as before after a minute in which no change had to wait: change its objects less often, or have the operator raise NAMESPACE_RELOAD_BUDGET",
				inSeconds(s.window), p.Budget),
		})
	}
	return problems, next
}

func inSeconds(d time.Duration) string { return fmt.Sprintf("%d seconds", d/time.Second) }
