package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/30x/dispatcher/pkg/route/policy/slots"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// divide sets Keyed and Endpoints. Which Pod has a key depends on the Pods' names alone,
// and for those of one StatefulSet on their number. It is not the Pod that another kind
// of router would have found: nginx has one hash function that spares an extra module,
// MurmurHash2, and the remainder by the number of Pods would move nearly all keys.
func divide(in Input) (notes []Note) {
	keyed := &table.Keyed{Key: in.Options.Key, WhenDown: cmp.Or(in.Options.WhenDown, value.DownWait)}
	in.Upstream.Keyed = keyed
	if in.Options.Key == (value.KeySource{}) {
		return []Note{{Key: "key", Reason: "all requests are answered with 503: policy \"hash\" needs to know where a request's key stands: write a key like \"segment:1\", \"arg:room\" or \"header:X-Room\""}}
	}
	names, ordinals, notes := identities(in)
	index := make(map[string]int, len(names))
	for i, name := range names {
		index[name] = i
		keyed.Members = append(keyed.Members, table.Member{Identity: name})
	}
	serves := make([]bool, len(names))
	for i := range in.Candidates {
		c := &in.Candidates[i]
		if m, ok := index[c.Identity]; ok && c.Serves && !serves[m] {
			serves[m] = true
			endpoint := c.Endpoint
			keyed.Members[m].Endpoint = &endpoint
			in.Upstream.Endpoints = append(in.Upstream.Endpoints, endpoint)
		}
	}
	if ordinals != nil {
		keyed.Slots = slots.Ordinals(len(ordinals))
		for i, s := range keyed.Slots {
			keyed.Slots[i].Member = index[ordinals[s.Member]]
		}
	} else {
		keyed.Slots = slots.Names(names)
	}
	if keyed.WhenDown == value.DownNext {
		keyed.Slots = slots.Divert(keyed.Slots, names, serves)
	}
	return append(notes, pin(in, keyed, index)...)
}

// identities are the names of all Pods that have keys, sorted. A Pod of a StatefulSet
// has them as long as its number is one of the set's, even while there is no such Pod;
// any other as long as it is there and is not being deleted. If all are of one
// StatefulSet, ordinals are the same names by number. There may be so many, whether they
// are there or not, as a path may have: a number in a spec costs nothing, but each is an
// upstream of nginx.
func identities(in Input) (names, ordinals []string, notes []Note) {
	sizes := map[string]int{} // of sets of which nothing is known but their Pods
	found := map[string]bool{}
	var others []*Candidate
	left := false // one without a number is there, if only to be deleted
	for i := range in.Candidates {
		c := &in.Candidates[i]
		number, ok := ordinal(c)
		switch {
		case ok:
			sizes[c.StatefulSet] = max(sizes[c.StatefulSet], number+1) // 0, if that is too much for an int
		case !c.Deleting:
			others = append(others, c)
			fallthrough
		default:
			left = true
		}
	}
	for _, set := range slices.Sorted(maps.Keys(sizes)) {
		start, size := 0, sizes[set]
		if s := in.Sets[set]; s != nil {
			start, size = s.Start, s.Replicas
		}
		if room := in.Limits.Pods - len(ordinals); size > room {
			notes = append(notes, Note{Key: "policy", Reason: fmt.Sprintf("keys go to the first %d of the %d Pods of StatefulSet %s only: %s", room, size, set, in.Limits.Beyond(size-room))})
			size = room
		}
		for i := range size {
			name := set + "-" + strconv.Itoa(start+i)
			ordinals = append(ordinals, name)
			found[name] = true
		}
	}
	slices.SortStableFunc(others, func(a, b *Candidate) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Identity, b.Identity))
	})
	beyond := map[string]bool{}
	for _, c := range others {
		if len(found) < in.Limits.Pods {
			found[c.Identity] = true
		} else if !found[c.Identity] {
			beyond[c.Identity] = true
		}
	}
	if len(beyond) > 0 {
		notes = append(notes, Note{Key: "policy", Reason: in.Limits.Beyond(len(beyond))})
	}
	if left || len(sizes) != 1 {
		ordinals = nil
	}
	return slices.Sorted(maps.Keys(found)), ordinals, notes
}

// ordinal is the number of a Pod in its StatefulSet, false if it has none.
func ordinal(c *Candidate) (int, bool) {
	text, ok := strings.CutPrefix(c.Identity, c.StatefulSet+"-")
	n, err := strconv.Atoi(text)
	return n, ok && c.StatefulSet != "" && err == nil && n >= 0 && strconv.Itoa(n) == text
}
