package entries

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
)

// Suspect is an entry of a table that nginx has not taken yet.
type Suspect struct {
	Entry
	From cluster.Ref // the Namespace that it is to be held against
	Good *Good       // what nginx has taken in its place; nil: nothing
}

// Suspects are the entries that differ from those of the table that nginx took last,
// which may be nil: those of older Namespaces first, so that of two which can't be
// served together it's the newer one's that fails; then by host and path. age gives
// the place of Namespaces, oldest first; others count as newer.
func Suspects(t, good *route.Table, age map[string]int) (out []Suspect) {
	if good == nil {
		good = &route.Table{}
	}
	for _, h := range t.Hosts {
		name := h.Name.String()
		was := good.Named(name)
		if was == nil || !SameHost(was, h) {
			s := Suspect{Entry: Entry{Host: name}, From: h.Owner}
			if was != nil {
				s.Good = &Good{Host: was}
				if joined(was, h) && len(h.From) > 0 {
					s.From = h.From[len(h.From)-1]
				}
			}
			out = append(out, s)
		}
		for _, l := range h.Locations {
			s := Suspect{Entry: Entry{name, l.Key()}, From: l.From}
			if was != nil {
				if before := was.Find(l.Path.String(), l.Match); before != nil {
					if reflect.DeepEqual(before, l) {
						continue
					}
					s.Good = &Good{was, before}
				}
			}
			out = append(out, s)
		}
	}
	rank := func(s Suspect) int {
		if n, known := age[s.From.Name]; known {
			return n
		}
		return len(age)
	}
	slices.SortStableFunc(out, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.From.Name, b.From.Name))
	})
	return out
}

// Ages gives the place of each Namespace, oldest first.
func Ages(s *cluster.Snapshot) map[string]int {
	places := make(map[string]int, len(s.Namespaces))
	for i, ns := range s.Namespaces {
		places[ns.Name] = i
	}
	return places
}

// SameHost reports whether two hosts say the same, whatever their Locations are.
func SameHost(a, b *route.VirtualHost) bool {
	x, y := *a, *b
	x.Locations, y.Locations = nil, nil
	return reflect.DeepEqual(x, y)
}

// SameLocation reports whether two Locations say the same, whoever serves them. Of
// their endpoints, only what owners write counts, if there are any.
func SameLocation(a, b *route.Location) bool {
	x, y := words(a), words(b)
	return reflect.DeepEqual(withoutEndpoints(a), withoutEndpoints(b)) && (len(x) == 0 || len(y) == 0 || slices.Equal(x, y))
}

func withoutEndpoints(l *route.Location) route.Location {
	own, up := *l, *l.Upstream
	up.Endpoints = nil
	if up.Keyed != nil {
		keyed := *up.Keyed
		keyed.Members = slices.Clone(keyed.Members)
		for i := range keyed.Members {
			keyed.Members[i].Endpoint = nil
		}
		up.Keyed = &keyed
	}
	own.Upstream = &up
	return own
}

// written is what owners write of an endpoint.
type written struct {
	weight    int
	name, rev string
}

// words gives what owners have written of a location's endpoints, each once.
func words(l *route.Location) (out []written) {
	for _, e := range l.Upstream.Endpoints {
		out = append(out, written{e.Weight, e.AppName.String(), e.AppRev.String()})
	}
	slices.SortFunc(out, func(a, b written) int {
		return cmp.Or(cmp.Compare(a.weight, b.weight), cmp.Compare(a.name, b.name), cmp.Compare(a.rev, b.rev))
	})
	return slices.Compact(out)
}
