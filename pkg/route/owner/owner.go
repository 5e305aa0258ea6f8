// Package owner decides which Namespace has which host and which path of it. Claims
// enter, those of the Namespace created first before all others; hosts leave, and a
// Problem on both sides where two want the same. It never lets a later Namespace take
// anything from an older one, and never tells the one more of the other than its name.
package owner

import (
	"fmt"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/challenge"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Options are what Hosts are made with. All functions must be set.
type Options struct {
	Exclusive bool        // no host is shared
	Room      *limit.Room // of all Namespaces together
	// Report takes a Problem.
	Report func(table.Problem)
	// Settle may change a location of a host before it is served; it says why nobody may
	// be asked, "" if somebody may.
	Settle func(namespace string, host value.Host, l *table.Location) string
}

// Claim is a host that an object of a Namespace declares, and what of it.
type Claim struct {
	Name      value.Host
	Ref       cluster.Ref // the object
	Place     string      // in the object, for Problems
	Refused   bool        // it asks for what can't be given, which has been told
	TLS       *table.TLS  // nil: plain HTTP
	Exclusive bool        // the host is for one Namespace alone
	Locations []*table.Location
	Open      map[*table.Location]bool // those that anybody may ask, whatever the Namespace demands
}

// Hosts are all that Namespaces have claimed. Made only by New.
type Hosts struct {
	o        Options
	byName   map[value.Host]*host
	contests contests
}

// New makes Hosts for one Build.
func New(o Options) *Hosts {
	return &Hosts{o: o, byName: map[value.Host]*host{}}
}

// report tells of a location, nil if it isn't about one alone.
func (h *Hosts) report(ref cluster.Ref, key string, l *table.Location, format string, args ...any) {
	p := table.Problem{Ref: ref, Key: key, Reason: fmt.Sprintf(format, args...)}
	if l != nil {
		p.Path = l.Path.String()
	}
	h.o.Report(p)
}

// host is a host while its Namespaces are gone through.
type host struct {
	vhost   *table.VirtualHost
	refused bool
	claimed map[value.Path]cluster.Ref // path without trailing slash → its Namespace
	served  map[table.Key]bool
	open    map[table.Key]bool // those that anybody may ask
	// exclusive: no other Namespace may have any path of it.
	exclusive bool
	places    map[string]string // by Namespace that has some of it: where it declares the host
}

// Add gives a Namespace's locations to one of its hosts, as far as no older Namespace
// has the host's path.
func (h *Hosts) Add(ns cluster.Ref, c Claim) {
	state := h.byName[c.Name]
	if state == nil {
		state = &host{
			vhost:     &table.VirtualHost{Name: c.Name, Owner: ns, TLS: c.TLS},
			refused:   c.Refused,
			claimed:   make(map[value.Path]cluster.Ref, len(c.Locations)),
			served:    make(map[table.Key]bool, len(c.Locations)),
			open:      map[table.Key]bool{},
			exclusive: c.Exclusive || h.o.Exclusive,
			places:    map[string]string{},
		}
		h.byName[c.Name] = state
	}
	if state.vhost.Owner == ns { // several of its objects may declare the host
		state.refused = state.refused || c.Refused
		if state.vhost.TLS == nil {
			state.vhost.TLS = c.TLS
		}
		state.declared(ns, c)
	} else if h.lost(ns, state, c) {
		return
	}
	if !slices.Contains(state.vhost.From, ns) {
		state.vhost.From = append(state.vhost.From, ns)
	}
	h.addLocations(ns, state, c)
}

// declared notes where a Namespace that has some of the host declares it.
func (s *host) declared(ns cluster.Ref, c Claim) {
	if s.places[ns.Name] == "" {
		s.places[ns.Name] = c.Place
		if c.Ref != ns {
			s.places[ns.Name] = c.Ref.String()
		}
	}
}

// lost reports whether another Namespace has the host in such a way that nothing of it is
// left for this one.
func (h *Hosts) lost(ns cluster.Ref, state *host, c Claim) bool {
	owner, place := state.vhost.Owner, c.Place
	var reason string
	args := []any{owner.Name}
	lack := state.vhost.TLS.Lacks(c.TLS)
	switch {
	case c.Refused:
		return true // its Problem has been told
	case state.refused:
		reason = "the host is not served: Namespace %s owns it (it was created first) and its options for the host can't be met"
	case state.exclusive || c.Exclusive:
		reason, args = "the host %s is not served for it: Namespace %s owns it (it was created first), and does not share it", []any{c.Name, owner.Name}
		if h.o.Exclusive {
			reason = "the host %s is not served for it: Namespace %s owns it (it was created first), and no host is shared (HOST_POLICY); write another host"
		}
	case lack != "":
		if c.Ref == ns {
			place += ".ssl"
		}
		reason, args = "none of its paths is served there: Namespace %s owns the host (it was created first), and %s", []any{owner.Name, lack}
	default:
		return false
	}
	h.report(c.Ref, place, nil, reason, args...)
	h.contests.whole(owner, state, ns)
	return true
}

// maxTold is how many paths of a host that another Namespace has, or another object, are
// told one by one.
const maxTold = 3

// addLocations gives locations to a host as far as nobody has their paths yet. What is
// not served in bulk is told as a number.
func (h *Hosts) addLocations(ns cluster.Ref, state *host, c Claim) {
	lost, twice, full := map[string]int{}, 0, 0
	var owners []string
	for _, l := range c.Locations {
		// Both kinds of match count as one path here: or an exact path would be a
		// way to take over another Namespace's prefix.
		path := l.Path.WithoutSlash()
		owner, taken := state.claimed[path]
		switch {
		case state.vhost.Owner != ns && challenge.Reserved(l.Key()):
			h.report(c.Ref, c.Place, l, "the path %s is not served there: who answers below %s gets certificates for the host, which Namespace %s owns (it was created first); take another path, or another host",
				cluster.Quote(l.Path.String()), challenge.Folder, state.vhost.Owner.Name)
		case taken && owner != ns:
			if lost[owner.Name]++; lost[owner.Name] == 1 {
				owners = append(owners, owner.Name)
			}
			if lost[owner.Name] <= maxTold {
				h.report(c.Ref, c.Place, l, "the path %s is not served there: Namespace %s, created first, serves it", cluster.Quote(l.Path.String()), owner.Name)
			}
			h.contests.path(owner, state, ns)
		case state.served[l.Key()]:
			if twice++; twice <= maxTold {
				h.report(c.Ref, c.Place, l, "the path %s of host %s is not served by it: another object of Namespace %s serves it already; remove one of the two",
					cluster.Quote(l.Path.String()), c.Name, ns.Name)
			}
		case !h.o.Room.Take():
			full++
		default:
			state.claimed[path], state.served[l.Key()] = ns, true
			state.declared(ns, c)
			if c.Open[l] {
				state.open[l.Key()] = true
			}
			h.serve(ns, state, c, l)
		}
	}
	for _, name := range owners {
		if n := lost[name] - maxTold; n > 0 {
			h.report(c.Ref, c.Place, nil, "%d more of its paths are not served there: Namespace %s, created first, serves them", n, name)
		}
	}
	if n := twice - maxTold; n > 0 {
		h.report(c.Ref, c.Place, nil, "%d more of its paths of host %s are not served by it: other objects of Namespace %s serve them already; remove one of the two each", n, c.Name, ns.Name)
	}
	if full > 0 {
		h.report(c.Ref, c.Place, nil, "%s", h.o.Room.Beyond(full))
	}
}

// serve puts a location into a host.
func (h *Hosts) serve(ns cluster.Ref, state *host, c Claim, l *table.Location) {
	own, up := *l, *l.Upstream
	own.Upstream = &up
	if why := h.o.Settle(ns.Name, c.Name, &own); why != "" {
		h.report(c.Ref, c.Place, l, "all requests for the path %s are answered with 503: %s", cluster.Quote(l.Path.String()), why)
		own.Backend, own.Stays, up = table.Backend{}, true, table.Upstream{}
	}
	policy.Name(&up, c.Name.String(), l.Path.String(), string(l.Match))
	state.vhost.Locations = append(state.vhost.Locations, &own)
}
