package backend

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Clients are those that are let in. The zero value is everybody.
type Clients struct {
	limited  bool
	networks []netip.Prefix
}

// Only are the clients in these networks; none if there are no networks.
func Only(networks []netip.Prefix) Clients { return Clients{true, networks} }

// Nobody reports whether no client is let in.
func (c Clients) Nobody() bool { return c.limited && len(c.networks) == 0 }

// And are those that both let in.
func (c Clients) And(o Clients) Clients {
	switch {
	case !c.limited:
		return o
	case !o.limited:
		return c
	}
	var both []netip.Prefix
	for _, a := range c.networks {
		for _, b := range o.networks {
			if a.Overlaps(b) { // then one lies in the other
				both = append(both, narrower(a, b))
			}
		}
	}
	slices.SortFunc(both, netip.Prefix.Compare)
	return Only(slices.Compact(both))
}

func narrower(a, b netip.Prefix) netip.Prefix {
	if a.Bits() >= b.Bits() {
		return a
	}
	return b
}

// Sources are the networks as a table.Location has them, where none is everybody. For
// nobody it is the address 0.0.0.0 alone: no connection has it as its source (RFC 1122,
// 3.2.1.3), so whoever lays out the list turns everybody away, and nothing can forget to.
func (c Clients) Sources() []netip.Prefix {
	if c.Nobody() {
		none := netip.IPv4Unspecified()
		return []netip.Prefix{netip.PrefixFrom(none, none.BitLen())}
	}
	return c.networks
}

// maxRanges is how many networks of a Service count: each is a line of nginx.conf for
// each path.
const maxRanges = 256

// sourceRanges reads spec.loadBalancerSourceRanges. One that is no network is left out:
// it lets nobody in.
func sourceRanges(o *cluster.Service) (c Clients, notes []Note) {
	note := func(format string, args ...any) {
		notes = append(notes, Note{Ref: o.Ref, Key: "spec.loadBalancerSourceRanges", Reason: fmt.Sprintf(format, args...)})
	}
	var networks []netip.Prefix
	for _, text := range o.SourceRanges {
		text = strings.TrimSpace(text)
		if p, err := netip.ParsePrefix(text); err == nil {
			text = p.Masked().String() // to Kubernetes, bits behind the mask count for nothing
		}
		ranges, err := value.ParseRanges(text)
		if err != nil {
			note("the entry lets nobody in: %v", err)
			continue
		}
		networks = append(networks, ranges.Prefixes()...)
	}
	if len(networks) > maxRanges {
		note("all requests are answered with 403: there are %d networks; write up to %d", len(networks), maxRanges)
		networks = nil
	}
	slices.SortFunc(networks, netip.Prefix.Compare)
	return Only(slices.Compact(networks)), notes
}
