// Package pace says when nginx may be reloaded. Each reload is attributed to the
// Namespaces it comes from; those that cause many have their changes gathered, so that
// one tenant's changes don't cost all others a reload each. Tables and the time enter;
// whether a reload may take place leaves, or when it may. It never holds up what another
// Namespace changes, and it never reads a clock.
package pace

import (
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/moment"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/diff"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Options are what an operator allows; 0 is no limit.
type Options struct {
	Budget      int // reloads that a Namespace may cause in a minute, before its changes are gathered
	MaxDraining int // old workers of nginx that may finish their connections, before changes are gathered
}

// Why a change waits.
const (
	Budget   = "budget"   // its Namespace has caused too many reloads
	Flapping = "flapping" // only Pods come with it that come and go
	Draining = "draining" // too many old workers finish their connections
)

// Reasons are all of these.
func Reasons() []string { return []string{Budget, Flapping, Draining} }

const (
	// drainWindow is the time between two reloads while too many old workers are there.
	drainWindow = 30 * time.Second
	// lookAgain is how often those who have to wait are looked at, if they go on to change:
	// an address may have come to belong to somebody else.
	lookAgain = time.Second
)

// Pace keeps what there is to know of the reloads of the last minutes.
type Pace struct {
	Options

	live    *route.Table    // what nginx took last; nil: that is not known
	changed map[string]bool // Namespaces of which an object has changed since then
	anybody bool            // so has something that may be of any Namespace
	last    time.Time       // the last reload
	room    int             // Wanted.Room then
	spaces  map[string]*space
	flaps   flaps
	held    *hold // nil: nothing waits
}

// hold is a reload that waits.
type hold struct {
	reason string
	until  time.Time
	looked time.Time
	all    bool            // whatever changes waits, too
	spaces map[string]bool // whose changes wait, too
}

// Wanted is a reload that is asked for.
type Wanted struct {
	Table    *route.Table
	Snapshot *cluster.Snapshot // of which it was made
	Dynamic  bool              // endpoints are not in the text
	Prompt   bool              // it is for an operator's sake
	Room     int               // that nginx is to have for endpoints; more of it is for everybody's sake
	// Draining counts the old workers of nginx; nil: that can't be known.
	Draining func() int
}

// Live says that nginx has taken a table.
func (p *Pace) Live(t *route.Table) { p.live = t }

// Same says that nginx serves a table already: there is nothing that it doesn't.
func (p *Pace) Same(t *route.Table) {
	p.live, p.changed, p.anybody, p.held = t, nil, false, nil
}

// Arrived notes that an object has changed. It reports whether what waits is to be
// looked at now, because of somebody who may not have to wait.
func (p *Pace) Arrived(ref cluster.Ref, now time.Time) (lifted bool) {
	namespace := ref.Namespace
	if ref.Kind == "Namespace" {
		namespace = ref.Name
	}
	if namespace == "" {
		p.anybody = true
	} else {
		if p.changed == nil {
			p.changed = map[string]bool{}
		}
		p.changed[namespace] = true
	}
	h := p.held
	switch {
	case h == nil:
		return false
	case h.all || h.spaces[namespace]:
		if again := h.looked.Add(lookAgain); again.Before(h.until) {
			h.until = again
			if again.Before(now) {
				h.until = now
			}
		}
		return false
	}
	p.held = nil
	return true
}

// Anybody notes that something has changed that may be of any Namespace: the clock, or
// what an operator says. It reports whether something waited.
func (p *Pace) Anybody() (lifted bool) {
	lifted = p.held != nil
	p.anybody, p.held = true, nil
	return lifted
}

// Until is when what waits is to be looked at again; zero: nothing waits.
func (p *Pace) Until() time.Time {
	if p.held == nil {
		return time.Time{}
	}
	return p.held.until
}

// Waiting is why a change waits, "" if none does.
func (p *Pace) Waiting() string {
	if p.held == nil {
		return ""
	}
	return p.held.reason
}

// Ask asks for a reload. It says which Namespaces that comes from, none if it is of no
// one's doing, and whether it has to wait. If not, it counts as having taken place.
func (p *Pace) Ask(w Wanted, now time.Time) (causes []string, wait bool) {
	defer func() {
		if !wait {
			p.caused(causes, now)
			p.room, p.changed, p.anybody, p.held = w.Room, nil, false, nil
		}
	}()
	if p.live == nil {
		return nil, false
	}
	var (
		triggers []string
		settled  time.Time               // when a Pod that came and went may come back
		others   = map[value.Host]bool{} // hosts of which other rules wait
		blocked  bool                    // endpoints can't be told before that
	)
	for _, c := range diff.Of(p.live, w.Table, diff.Options{}) {
		if c.Path.IsZero() && c.Effect == diff.Structural {
			others[c.Host] = true
		}
		switch {
		case c.Effect == diff.Silent, w.Dynamic && c.Effect == diff.Endpoints && !others[c.Host]:
			continue
		case w.Dynamic && c.Effect == diff.Endpoints:
			blocked = true
		}
		of := p.causers(c)
		causes = append(causes, of...)
		if at := p.flaps.settled(c.Comes, now); at.After(now) {
			settled = moment.Earliest(settled, at)
		} else {
			triggers = append(triggers, of...)
		}
	}
	causes, triggers = unique(causes), unique(triggers)
	if len(causes) == 0 || w.Prompt || w.Room > p.room {
		return causes, false
	}
	h := p.earliest(w, triggers, settled, now)
	if blocked && h != nil && h.reason == Draining {
		h = nil
	}
	if h == nil || !w.Dynamic && stray(p.live, w.Table, w.Snapshot) {
		return causes, false
	}
	h.looked, p.held = now, h
	return causes, true
}

// causers are the Namespaces that a Change comes from: those of its places, as far as
// one of their objects has changed.
func (p *Pace) causers(c diff.Change) []string {
	if p.anybody {
		return c.Namespaces
	}
	if of := slices.DeleteFunc(slices.Clone(c.Namespaces), func(ns string) bool { return !p.changed[ns] }); len(of) > 0 {
		return of
	}
	return c.Namespaces
}

// earliest says when there may be a reload; nil: now.
func (p *Pace) earliest(w Wanted, triggers []string, settled, now time.Time) *hold {
	switch {
	case len(triggers) == 0:
		if settled.After(now) {
			return &hold{reason: Flapping, until: settled}
		}
	case p.Budget > 0:
		h := &hold{reason: Budget, until: settled, spaces: map[string]bool{}}
		for _, ns := range triggers {
			at := p.when(ns, now)
			if !at.After(now) {
				h = nil
				break
			}
			h.until, h.spaces[ns] = moment.Earliest(h.until, at), true
		}
		if h != nil {
			for _, ns := range triggers {
				p.spaces[ns].waits(now)
			}
			return h
		}
	}
	return p.drains(w, triggers, now)
}

// drains says when there may be a reload while too many old workers are there; nil: now.
// Those wait that have caused several reloads lately, as they have the workers; once there
// are twice as many workers all wait.
func (p *Pace) drains(w Wanted, triggers []string, now time.Time) *hold {
	until := p.last.Add(drainWindow)
	if p.MaxDraining == 0 || w.Draining == nil || !until.After(now) {
		return nil
	}
	switch n := w.Draining(); {
	case n <= p.MaxDraining:
		return nil
	case n > 2*p.MaxDraining:
		return &hold{reason: Draining, until: until, all: true}
	}
	h := &hold{reason: Draining, spaces: map[string]bool{}}
	for _, ns := range triggers {
		if !p.spaces[ns].busy(now) {
			return nil
		}
		h.until, h.spaces[ns] = moment.Earliest(h.until, p.spaces[ns].last().Add(drainWindow)), true
	}
	if !h.until.After(now) {
		return nil
	}
	return h
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
