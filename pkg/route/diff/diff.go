// Package diff says in words what differs between two tables: hosts, their paths, and
// who serves them. Two Tables enter; Changes leave, in a fixed order, each with the
// Namespaces whose objects it comes from. It is pure, and it never shows a key.
package diff

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Effect is what a Change means for nginx.conf.
type Effect int

// The greatest Effect of all that has changed at a place is that of its Change.
const (
	// Silent: nothing of it is in nginx.conf, slowStart for example.
	Silent Effect = iota
	// Endpoints: it is in nginx.conf if endpoints are.
	Endpoints
	// Structural: it is in nginx.conf even if nginx is told the endpoints otherwise.
	Structural
)

// Change is all that differs at one place: at a host itself, or at one of its paths.
type Change struct {
	Host       value.Host // zero: of hosts that nobody declares
	Path       value.Path // zero: the host itself
	Match      value.Match
	Namespaces []string // whose objects it comes from, sorted; at least one
	Effect     Effect
	What       string // in words: "+1 pod, weight 1→3"
	// Comes are the Pods that come, if that is all: the Change is undone once they go.
	Comes []cluster.Ref
}

// String is the one-line form: "host a.com path /x: +1 pod, weight 1→3".
func (c Change) String() string {
	var b strings.Builder
	if c.Host == (value.Host{}) {
		b.WriteString("hosts that nobody declares")
	} else {
		b.WriteString("host " + c.Host.String())
	}
	if !c.Path.IsZero() {
		b.WriteString(" path " + c.Path.Encoded())
		if c.Match == value.Exact {
			b.WriteString(" exactly")
		}
	}
	return b.String() + ": " + c.What
}

// Options are what counts as a difference.
type Options struct {
	// AnyAddress: Pods are the same wherever they are. What is made up from a workload
	// has no address of its own.
	AnyAddress bool
}

// Of gives what differs, by host and path; a host's own Change comes before those of
// its paths. A nil Table has no hosts.
func Of(before, after *table.Table, o Options) []Change {
	d := &differ{Options: o}
	d.before, d.after = hostsOf(before), hostsOf(after)
	names := map[value.Host]bool{}
	for _, hosts := range []map[value.Host]*table.VirtualHost{d.before, d.after} {
		for name := range hosts {
			names[name] = true
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(names), func(a, b value.Host) int { return cmp.Compare(a.String(), b.String()) }) {
		was, is := d.before[name], d.after[name]
		if was == is {
			continue
		}
		d.host(name, was, is)
		d.locations(name, was, is)
	}
	return d.changes
}

type differ struct {
	Options
	before, after map[value.Host]*table.VirtualHost
	changes       []Change
}

func hostsOf(t *table.Table) map[value.Host]*table.VirtualHost {
	if t == nil {
		return nil
	}
	out := make(map[value.Host]*table.VirtualHost, len(t.Hosts))
	for _, h := range t.Hosts {
		out[h.Name] = h
	}
	return out
}

// add adds a Change, unless nothing was noted.
func (d *differ) add(c Change, n *notes) {
	if len(n.words) == 0 {
		return
	}
	slices.Sort(n.namespaces)
	c.Namespaces, c.Effect, c.What = slices.Compact(n.namespaces), n.effect, strings.Join(n.words, ", ")
	if n.other == 0 {
		c.Comes = n.comes
	}
	d.changes = append(d.changes, c)
}

// locations compares the paths of a host, of which one may be missing.
func (d *differ) locations(name value.Host, was, is *table.VirtualHost) {
	old, fresh := locationsOf(was), locationsOf(is)
	for len(old) > 0 || len(fresh) > 0 {
		var order int
		switch {
		case len(old) == 0:
			order = 1
		case len(fresh) == 0:
			order = -1
		default:
			order = table.ByKey(old[0], fresh[0])
		}
		n := &notes{}
		var at *table.Location
		switch {
		case order < 0:
			at, old = old[0], old[1:]
			n.of(at.From.Name)
			n.note(Structural, "removed")
		case order > 0:
			at, fresh = fresh[0], fresh[1:]
			n.of(at.From.Name)
			n.added(at)
		default:
			at = fresh[0]
			d.location(n, place{was, old[0]}, place{is, fresh[0]})
			old, fresh = old[1:], fresh[1:]
		}
		d.add(Change{Host: name, Path: at.Path, Match: at.Match}, n)
	}
}

func locationsOf(h *table.VirtualHost) []*table.Location {
	if h == nil {
		return nil
	}
	return h.Locations
}
