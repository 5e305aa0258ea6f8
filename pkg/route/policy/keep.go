package policy

import (
	"cmp"
	"math"
	"slices"

	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/table"
)

// keep leaves of an Upstream's endpoints as many as there may be: those that have been
// ready longest, then by name. So a new Pod never takes the place of one that serves, and
// Pods that come and go beyond the limit change nothing. One of which nobody tells since
// when it is ready counts as the newest.
func keep(up *table.Upstream, l limit.Limits) []Note {
	beyond := len(up.Endpoints) - l.Pods
	if beyond <= 0 {
		return nil
	}
	since := func(e *table.Endpoint) int64 {
		if e.ReadySince == 0 {
			return math.MaxInt64
		}
		return e.ReadySince
	}
	order := make([]int, len(up.Endpoints))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &up.Endpoints[i], &up.Endpoints[j]
		return cmp.Or(cmp.Compare(since(a), since(b)), cmp.Compare(a.Pod.Name, b.Pod.Name))
	})
	order = order[:l.Pods]
	slices.Sort(order) // as they came
	kept := make([]table.Endpoint, l.Pods)
	for i, at := range order {
		kept[i] = up.Endpoints[at]
	}
	up.Endpoints = kept
	return []Note{{Key: "policy", Reason: l.Beyond(beyond)}}
}
