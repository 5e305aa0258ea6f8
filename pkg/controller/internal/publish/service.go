package publish

import (
	"net/netip"
	"reflect"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
)

// service is the endpoints of one upstream, which nginx asks for by its name.
type service struct {
	Name      string
	Endpoints []member
	SlowStart int // seconds in which a new Pod comes to its full share; 0: at once
}

// member is one Pod of a service.
type member struct {
	Addr       netip.AddrPort
	Pod        cluster.Ref
	Weight     int   // at least 1
	ReadySince int64 // Unix seconds; 0 if that is not known
}

// servicesOf gives the endpoints of all upstreams of a table, in its order. Where
// nobody is let in, nginx has no upstream to ask for.
func servicesOf(t *route.Table) []service {
	out := make([]service, 0, t.Counts().Locations)
	for _, h := range t.Hosts {
		for _, l := range h.Locations {
			if l.Auth.Closed {
				continue
			}
			s := service{Name: l.Upstream.Name, SlowStart: l.Upstream.SlowStart, Endpoints: make([]member, len(l.Upstream.Endpoints))}
			for i, e := range l.Upstream.Endpoints {
				s.Endpoints[i] = member{Addr: e.Addr, Pod: e.Pod, Weight: max(e.Weight, 1), ReadySince: e.ReadySince}
			}
			out = append(out, s)
		}
	}
	return out
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
	same := make(map[string]bool, next.Counts().Locations)
	for _, h := range next.Hosts {
		before := hosts[h.Name.String()]
		if before == nil || before != h && !reflect.DeepEqual(bare(before), bare(h)) {
			continue
		}
		for _, l := range h.Locations {
			if was := before.Find(l.Path.String(), l.Match); was != nil && reflect.DeepEqual(withoutEndpoints(was), withoutEndpoints(l)) {
				same[l.Upstream.Name] = true
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
	out.Upstream = &upstream
	return out
}
