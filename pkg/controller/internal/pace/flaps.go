package pace

import (
	"maps"
	"net/netip"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/moment"
	"github.com/30x/dispatcher/pkg/route"
)

// A Pod that lost its readiness mostLosses times within lossTime has come and gone so often that
// nginx is reloaded for it only once it has stayed for settleTime.
const (
	mostLosses = 5
	lossTime   = 10 * time.Minute
	settleTime = time.Minute
)

// flaps are the Pods that come and go.
type flaps struct {
	present map[cluster.Ref]bool // in the last table
	lost    map[cluster.Ref]*losses
}

// losses are those of one Pod.
type losses struct {
	at    []time.Time // mostLosses at most, oldest first
	since time.Time   // it is there again; zero: it is not
}

// See notes which Pods could serve, by a table and the snapshot of which it was made.
// Where endpoints don't stand in the text, nobody needs to know.
func (p *Pace) See(t *route.Table, s *cluster.Snapshot, now time.Time) {
	if p.Budget == 0 {
		return
	}
	present := make(map[cluster.Ref]bool, len(p.flaps.present))
	for _, h := range t.Hosts {
		for _, l := range h.Locations {
			for _, e := range l.Upstream.Endpoints {
				present[e.Pod] = true
			}
		}
	}
	gone := map[cluster.Ref]bool{}
	for pod := range p.flaps.present {
		if !present[pod] {
			gone[pod] = true
		}
	}
	if len(gone) > 0 {
		for _, pod := range s.Pods {
			if pod.Ready { // its owner wants it otherwise
				delete(gone, pod.Ref)
			}
		}
	}
	p.flaps.see(present, gone, now)
}

// see takes in which Pods are there, and which have been lost.
func (f *flaps) see(present, gone map[cluster.Ref]bool, now time.Time) {
	for pod := range gone {
		l := f.lost[pod]
		if l == nil {
			if f.lost == nil {
				f.lost = map[cluster.Ref]*losses{}
			}
			l = &losses{}
			f.lost[pod] = l
		}
		l.at = append(l.at[max(0, len(l.at)-mostLosses+1):], now)
	}
	maps.DeleteFunc(f.lost, func(_ cluster.Ref, l *losses) bool { return now.Sub(l.at[len(l.at)-1]) >= lossTime })
	for pod, l := range f.lost {
		switch {
		case !present[pod]:
			l.since = time.Time{}
		case l.since.IsZero():
			l.since = now
		}
	}
	f.present = present
}

// settled is from when on nginx may be reloaded for Pods that come. It is zero if one of
// them may come at any time, or if none comes.
func (f *flaps) settled(pods []cluster.Ref, now time.Time) (at time.Time) {
	for _, pod := range pods {
		l := f.lost[pod]
		if l == nil || len(l.at) < mostLosses || now.Sub(l.at[0]) >= lossTime || l.since.IsZero() {
			return time.Time{}
		}
		at = moment.Earliest(at, l.since.Add(settleTime))
	}
	return at
}

// stray reports whether nginx must not go on to serve a table instead of the next one,
// because the address of a Pod that is gone now belongs to a Pod of another Namespace.
func stray(live, next *route.Table, s *cluster.Snapshot) bool {
	type place struct {
		pod  cluster.Ref
		addr netip.Addr
	}
	gone := map[place]bool{}
	each(live, func(e route.Endpoint) { gone[place{e.Pod, e.Addr.Addr()}] = e.Pod.Kind == "Pod" })
	each(next, func(e route.Endpoint) { delete(gone, place{e.Pod, e.Addr.Addr()}) })
	left := map[netip.Addr]string{} // whose it was
	for p, isPod := range gone {
		if isPod {
			left[p.addr] = p.pod.Namespace
		}
	}
	if len(left) == 0 {
		return false
	}
	taken := func(ref cluster.Ref, addr netip.Addr) bool {
		was, ok := left[addr]
		return ok && was != ref.Namespace
	}
	found := false
	for _, pod := range s.Pods {
		found = found || taken(pod.Ref, pod.IP)
	}
	each(next, func(e route.Endpoint) { found = found || taken(e.Pod, e.Addr.Addr()) })
	return found
}

func each(t *route.Table, do func(route.Endpoint)) {
	for _, h := range t.Hosts {
		for _, l := range h.Locations {
			for _, e := range l.Upstream.Endpoints {
				do(e)
			}
		}
	}
}
