package publish

import (
	"net/netip"
	"reflect"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
)

// service is the endpoints of one upstream, which nginx asks for by its name.
type service struct {
	Name      string
	Endpoints []pod
	SlowStart int // seconds in which a new Pod comes to its full share; 0: at once
}

// pod is one Pod of a service.
type pod struct {
	Addr       netip.AddrPort
	Pod        cluster.Ref
	Weight     int   // at least 1
	ReadySince int64 // Unix seconds; 0 if that is not known
}

// servicesOf gives the endpoints of all upstreams of a table, in its order: those of a
// location, or those of each Pod that has keys of it. Where nobody is let in, or no key
// goes anywhere, nginx has no upstream to ask for.
func servicesOf(t *route.Table) []service {
	n := t.Counts()
	out := make([]service, 0, n.Locations+n.Members)
	for _, h := range t.Hosts {
		for _, l := range h.Locations {
			keyed := l.Upstream.Keyed
			switch {
			case l.Auth.Closed, keyed != nil && len(keyed.Slots) == 0:
			case keyed != nil:
				for _, m := range keyed.Members {
					s := service{Name: m.Upstream}
					if m.Endpoint != nil {
						s.add(*m.Endpoint)
					}
					out = append(out, s)
				}
			default:
				s := service{Name: l.Upstream.Name, SlowStart: l.Upstream.SlowStart, Endpoints: make([]pod, 0, len(l.Upstream.Endpoints))}
				for _, e := range l.Upstream.Endpoints {
					s.add(e)
				}
				out = append(out, s)
			}
		}
	}
	return out
}

func (s *service) add(e route.Endpoint) {
	s.Endpoints = append(s.Endpoints, pod{Addr: e.Addr, Pod: e.Pod, Weight: max(e.Weight, 1), ReadySince: e.ReadySince})
}

// unchanged tells of which upstreams nothing but the endpoints differs between
// the table that nginx serves and the next one: not who owns them, who is let in,
// over which kind of connection, nor anything else of their hosts. Only these may
// get new endpoints before nginx serves the next table.
func unchanged(live, next *route.Table) map[string]bool {
	hosts := make(map[string]*route.VirtualHost, len(live.Hosts))
	for _, h := range live.Hosts {
		hosts[h.Name.String()] = h
	}
	n := next.Counts()
	same := make(map[string]bool, n.Locations+n.Members)
	for _, h := range next.Hosts {
		before := hosts[h.Name.String()]
		if before == nil || before != h && !reflect.DeepEqual(bare(before), bare(h)) {
			continue
		}
		for _, l := range h.Locations {
			was := before.Find(l.Path.String(), l.Match)
			if was == nil || before.Outside(was) != h.Outside(l) || !sameKeys(was.Upstream.Keyed, l.Upstream.Keyed) || !reflect.DeepEqual(withoutEndpoints(was), withoutEndpoints(l)) {
				continue
			}
			same[l.Upstream.Name] = true
			if k := l.Upstream.Keyed; k != nil {
				for _, m := range k.Members {
					same[m.Upstream] = true
				}
			}
		}
	}
	return same
}

// bare is a host without its locations.
func bare(h *route.VirtualHost) route.VirtualHost {
	out := *h
	out.Locations = nil
	return out
}

func withoutEndpoints(l *route.Location) route.Location {
	out, upstream := *l, *l.Upstream
	upstream.Endpoints, upstream.SlowStart = nil, 0 // neither is in the text
	upstream.Keyed = nil                            // see sameKeys
	out.Upstream = &upstream
	return out
}

// sameKeys reports whether nothing but the endpoints of Pods that have keys differs.
func sameKeys(a, b *route.Keyed) bool {
	if a == nil || b == nil || a == b {
		return a == b
	}
	return a.Key == b.Key && a.WhenDown == b.WhenDown && slices.Equal(a.Slots, b.Slots) && slices.Equal(a.Overrides, b.Overrides) &&
		slices.EqualFunc(a.Members, b.Members, func(x, y route.Member) bool { return x.Upstream == y.Upstream && x.Identity == y.Identity })
}
