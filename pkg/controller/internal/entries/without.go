// Package entries takes single entries out of tables. Tables enter; the entries in which
// they differ leave, and tables without some of them. It is pure, and never changes a
// table that it gets.
package entries

import (
	"reflect"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Entry is what can be left out of a table by itself: a Location of a host or, with
// the zero Key, the host's own options, without which it has no Locations.
type Entry struct {
	Host string
	Key  table.Key
}

// IsHost reports whether the entry is a host.
func (e Entry) IsHost() bool { return e.Key == table.Key{} }

// String names the entry, for Problems.
func (e Entry) String() string {
	host := "host " + cluster.Quote(e.Host)
	if e.Host == "" {
		host = "hosts that nobody declares"
	}
	switch {
	case e.IsHost():
		return host
	case e.Key.Match == value.Exact:
		return host + ", exact path " + cluster.Quote(e.Key.Path)
	}
	return host + ", path " + cluster.Quote(e.Key.Path)
}

// Place says what stands in the place of an entry that is left out.
type Place struct {
	// Good is what nginx took last, in its host; it stays if it still may. Its Location
	// is nil where the entry is a host. Nil: there is none.
	Good *Good
	// Claim: else nobody answers, and no other entry does: a Location answers 503, and
	// requests for a host are turned away. If not, it is as if nobody had declared it.
	Claim bool
	// Stale: the host stays as it was, with all its Locations that are still declared.
	Stale bool
}

// Good is an entry as nginx has taken it.
type Good struct {
	Host     *route.VirtualHost
	Location *route.Location
}

// Serving tells of an endpoint whether its Pod is still there, at that address, and
// serves.
type Serving func(route.Endpoint) bool

// Pods is Serving by what is known of Pods.
func Pods(s *cluster.Snapshot) Serving {
	var pods map[cluster.Ref]*cluster.Pod // made when it is needed
	return func(e route.Endpoint) bool {
		if pods == nil {
			pods = make(map[cluster.Ref]*cluster.Pod, len(s.Pods))
			for _, p := range s.Pods {
				pods[p.Ref] = p
			}
		}
		p := pods[e.Pod]
		return p != nil && p.Serves() && p.IP == e.Addr.Addr()
	}
}

// Without gives the table without some of its entries, and with what stands in their
// place. The table stays as it is.
func Without(t *route.Table, out map[Entry]Place, serving Serving) *route.Table {
	if len(out) == 0 {
		return t
	}
	left := *t
	left.Hosts = make([]*route.VirtualHost, 0, len(t.Hosts))
	for _, h := range t.Hosts {
		e := Entry{Host: h.Name.String()}
		place, held := out[e]
		host := h
		if place.Stale {
			left.Hosts = append(left.Hosts, stale(place.Good.Host, h, serving))
			continue
		}
		if held {
			host = place.host(t, h)
		}
		if host == nil {
			continue
		}
		own, changed := *host, held
		own.Locations = make([]*route.Location, 0, len(host.Locations))
		for _, l := range host.Locations {
			at := l
			if place, held := out[Entry{e.Host, l.Key()}]; held {
				at, changed = place.location(h, l, serving), true
			}
			if at != nil {
				own.Locations = append(own.Locations, at)
			}
		}
		if !changed {
			left.Hosts = append(left.Hosts, h)
			continue
		}
		left.Hosts = append(left.Hosts, &own)
	}
	return &left
}

// Keeps reports whether what was there before stays in the place of a location of a
// host, or of the host's own options if it is nil.
func (p Place) Keeps(h *route.VirtualHost, l *route.Location) bool {
	if l == nil {
		return p.Good != nil && joined(p.Good.Host, h)
	}
	return p.Good.mayStay(h, l)
}

// host gives what stands in the place of a host of t; nil: nothing.
func (p Place) host(t *route.Table, h *route.VirtualHost) *route.VirtualHost {
	if p.Keeps(h, nil) {
		before := *h
		before.From = p.Good.Host.From
		before.Locations = slices.DeleteFunc(slices.Clone(h.Locations), func(l *route.Location) bool { return !slices.Contains(before.From, l.From) })
		return &before
	}
	if !p.Claim || h.Name == (value.Host{}) {
		return nil
	}
	return &route.VirtualHost{Name: h.Name, Owner: h.Owner, Refused: true, Shadowed: covered(t, h)}
}

// stale gives a host as it was, but for what has gone.
func stale(was, h *route.VirtualHost, serving Serving) *route.VirtualHost {
	own := *was
	own.Locations = nil
	for _, l := range was.Locations {
		if now := h.Find(l.Path.String(), l.Match); now != nil {
			own.Locations = append(own.Locations, stillServing(l, now, serving))
		}
	}
	return &own
}

// joined reports whether all that has become different of a host is who declares it
// beside its owner.
func joined(before, h *route.VirtualHost) bool {
	was := *before
	was.From = h.From
	return SameHost(&was, h) && !slices.Equal(before.From, h.From)
}

// covered reports whether a wildcard host with TLS covers a host's name.
func covered(t *route.Table, h *route.VirtualHost) bool {
	wildcard := t.Named("*" + h.Name.Parent())
	return wildcard != nil && wildcard != h && wildcard.TLS != nil
}

// location gives what stands in the place of a location of h; nil: nothing.
func (p Place) location(h *route.VirtualHost, l *route.Location, serving Serving) *route.Location {
	switch {
	case p.Keeps(h, l):
		return stillServing(p.Good.Location, l, serving)
	case p.Claim:
		return claim(l)
	}
	return nil
}

// mayStay reports whether requests may still be served by an earlier Location: whose
// it is, and who is let in, must not have changed.
func (g *Good) mayStay(h *route.VirtualHost, l *route.Location) bool {
	if g == nil || g.Location == nil || isClaim(g.Location) {
		return false
	}
	was := g.Location
	return g.Host.Owner == h.Owner && was.From == l.From && reflect.DeepEqual(was.Auth, l.Auth) &&
		slices.Equal(was.Sources, l.Sources) && was.Backend == l.Backend && sameTLS(g.Host.TLS, h.TLS)
}

func sameTLS(a, b *route.TLS) bool {
	if a == nil || b == nil {
		return a == b
	}
	id := func(b *certificate.Bundle) string {
		if b == nil {
			return ""
		}
		return b.ID()
	}
	return a.Pair.ID() == b.Pair.ID() && id(a.Clients) == id(b.Clients) && a.Redirect == b.Redirect
}

// stillServing gives an earlier Location with those of its endpoints that still serve.
// Where a policy decides who that is, l says whom it has chosen.
func stillServing(was, l *route.Location, serving Serving) *route.Location {
	gone := func(e route.Endpoint) bool {
		same := func(o route.Endpoint) bool { return o.Addr == e.Addr && o.Pod == e.Pod }
		return !slices.ContainsFunc(l.Upstream.Endpoints, same) && (was.Upstream.Policy == value.PolicyOne || !serving(e))
	}
	own, up := *was, *was.Upstream
	up.Endpoints = slices.DeleteFunc(slices.Clone(up.Endpoints), gone)
	if up.Keyed != nil {
		keyed := *up.Keyed
		keyed.Members = slices.Clone(keyed.Members)
		for i, m := range keyed.Members {
			if m.Endpoint != nil && gone(*m.Endpoint) {
				keyed.Members[i].Endpoint = nil
			}
		}
		up.Keyed = &keyed
	}
	own.Upstream = &up
	return &own
}

// claim gives a Location that answers 503, whether endpoints are in the text or not:
// there is no place for any key.
func claim(l *route.Location) *route.Location {
	return &route.Location{
		Path: l.Path, Match: l.Match, From: l.From, Org: l.Org, Env: l.Env, Stays: true,
		Upstream: &route.Upstream{Name: l.Upstream.Name, Keyed: &route.Keyed{}},
	}
}

func isClaim(l *route.Location) bool {
	k := l.Upstream.Keyed
	return l.Stays && k != nil && len(k.Slots)+len(k.Members) == 0
}
