package owner

import (
	"cmp"
	"slices"

	"github.com/30x/dispatcher/pkg/route/challenge"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// List puts the hosts in order. dynamic is whether claims stay that nobody serves.
func (h *Hosts) List(dynamic bool) (all []*table.VirtualHost) {
	for name, state := range h.byName {
		// A wildcard that covers the host must not serve it instead.
		cover := h.cover(name)
		state.vhost.Shadowed = cover != nil && cover.TLS != nil && (state.refused || state.vhost.TLS == nil)
		if state.refused {
			state.dropProtected()
			if cover == nil && len(state.vhost.Locations) == 0 {
				continue
			}
			state.vhost.Refused, state.vhost.TLS = true, nil
		}
		slices.SortFunc(state.vhost.Locations, table.ByKey)
		if !dynamic {
			state.vhost.DropClaims()
		}
		if l := challenge.Claim(state.vhost); l != nil {
			state.vhost.Locations = append(state.vhost.Locations, l)
			slices.SortFunc(state.vhost.Locations, table.ByKey)
		}
		all = append(all, state.vhost)
	}
	slices.SortFunc(all, func(x, y *table.VirtualHost) int { return cmp.Compare(x.Name.String(), y.Name.String()) })
	return all
}

// dropProtected leaves of a refused host only what anybody may ask without TLS: the
// answers by which an authority makes sure that a certificate may be given for it.
func (s *host) dropProtected() {
	s.vhost.Locations = slices.DeleteFunc(s.vhost.Locations, func(l *table.Location) bool { return !s.open[l.Key()] })
	if len(s.vhost.Locations) == 0 {
		s.vhost.From = nil
	}
}

// cover is the wildcard host that requests for a host would go to if it had no
// server of its own; nil if there is none.
func (h *Hosts) cover(name value.Host) *table.VirtualHost {
	wildcard, err := value.ParseHost("*" + name.Parent())
	if err != nil || name.Wildcard() {
		return nil
	}
	if state := h.byName[wildcard]; state != nil && !state.refused {
		return state.vhost
	}
	return nil
}
