package message

import (
	"cmp"
	"net/netip"
	"slices"
)

// Normalise appends those endpoints that can be told to out: sorted, each once. It
// says how many can't, or are there twice.
func Normalise(out, endpoints []Endpoint) (all []Endpoint, invalid int) {
	for _, e := range endpoints {
		e.Weight = max(e.Weight, 1)
		e.Addr = netip.AddrPortFrom(e.Addr.Addr().Unmap(), e.Addr.Port())
		if !e.Addr.IsValid() || e.Addr.Port() == 0 || e.Addr.Addr().Zone() != "" || e.Addr.Addr().IsUnspecified() || e.Target != "" && !IsLabel(e.Target) {
			invalid++
			continue
		}
		out = append(out, e)
	}
	if !slices.IsSortedFunc(out, compare) {
		slices.SortFunc(out, compare)
	}
	n := len(out)
	out = slices.CompactFunc(out, func(a, b Endpoint) bool {
		return a.Target == b.Target && (a.Target != "" || a.Addr == b.Addr)
	})
	return out, invalid + n - len(out)
}

func compare(a, b Endpoint) int {
	return cmp.Or(cmp.Compare(a.Target, b.Target), a.Addr.Compare(b.Addr), cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Weight, b.Weight))
}
