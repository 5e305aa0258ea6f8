package policy

import (
	"cmp"
	"math"
)

// Chosen is the index of the Pod that gets all requests, -1 if there is none, and when
// its grace ends, Unix seconds, 0 if it needs none. It is the one that has been ready
// longest without a break; then the one created first; then the first by name. Since
// another Pod can't become ready earlier than now, it stays until it leaves, and does
// not get its place back.
//
// Breaks of at most grace seconds don't count, and a Pod is kept for as long while it
// is not ready, if it was seen to become so: a Dispatcher that has started since does
// not know whether it was ready before. A Pod of which nobody tells since when it is ready, as
// in manifests, counts as the newest, so creation and name decide. Times are those of
// the Pods' nodes, in whole seconds: of Pods that became ready in the same second the
// older one is chosen, even if it was the later.
func Chosen(candidates []Candidate, grace int, now int64) (index int, until int64) {
	index = -1
	var since int64
	for i := range candidates {
		c := &candidates[i]
		start, end, ok := c.steady(int64(grace))
		if !ok || end != 0 && end <= now {
			continue
		}
		if index < 0 || cmp.Or(cmp.Compare(start, since), c.compare(&candidates[index])) < 0 {
			index, since, until = i, start, end
		}
	}
	return index, until
}

// steady is since when the Pod has been ready without a break that counts, and from
// when on it does not do any more, 0 if it is ready. It must be ready, or in its grace.
func (c *Candidate) steady(grace int64) (start, end int64, ok bool) {
	spans := c.WasReady
	switch {
	case c.Serves && c.ReadySince == 0:
		return math.MaxInt64, 0, true
	case c.Serves:
		start = c.ReadySince
	case grace > 0 && c.Reachable && !c.Deleting && len(spans) > 0 && spans[len(spans)-1].To == c.UnreadySince:
		start = c.UnreadySince
		end = start + grace + 1 // the last second counts to its end
	default:
		return 0, 0, false
	}
	// Without a grace, what only some Dispatchers may have seen must not count.
	for i := len(spans) - 1; i >= 0 && grace > 0 && start-spans[i].To <= grace; i-- {
		start = spans[i].From
	}
	return start, end, true
}

// compare orders Pods that have been ready for the same time.
func (c *Candidate) compare(o *Candidate) int {
	return cmp.Or(cmp.Compare(c.Created, o.Created), cmp.Compare(c.Ref.Name, o.Ref.Name), cmp.Compare(c.Identity, o.Identity))
}
