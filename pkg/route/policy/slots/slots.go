// Package slots divides all keys among Pods, so that each key has one Pod, and few
// keys move when Pods come and go. The Pods' names or their number enter; runs of
// units of the key space leave, in the form in which nginx's split_clients takes
// them. It never knows an address, nor whether a Pod was there before.
package slots

import (
	"slices"

	"github.com/30x/dispatcher/pkg/route/table"
)

// Hash is nginx's ngx_murmur_hash2: MurmurHash2 of 32 bits with the seed 0, which
// split_clients takes of its key (src/core/ngx_murmurhash.c).
func Hash(key string) uint32 {
	const m = 0x5bd1e995
	h := uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := uint32(key[0]) | uint32(key[1])<<8 | uint32(key[2])<<16 | uint32(key[3])<<24
		k *= m
		k ^= k >> 24
		k *= m
		h = h*m ^ k
	}
	if len(key) > 0 {
		for i := range len(key) {
			h ^= uint32(key[i]) << (8 * i)
		}
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}

// share is where a run of the given units ends, seen from its start, as split_clients
// reckons it (src/http/modules/ngx_http_split_clients_module.c): rounded down.
func share(units int) uint64 { return uint64(units) * 0xffffffff / table.SlotUnits }

// Of is the unit of a key, from 0 to table.SlotUnits-1. Where a unit borders on
// another run, nginx's rounding may put a key that is next to the border, a few of
// four billion values, into that: Find is exact.
func Of(key string) int {
	h := uint64(Hash(key))
	unit := int(h * table.SlotUnits / 0xffffffff)
	if share(unit+1) <= h { // share rounds down
		unit++
	}
	return min(unit, table.SlotUnits-1)
}

// Find is the index of the run that a key is in, just as nginx finds it where every
// run is one line of a split_clients, in order, and the last is "*"; -1 if there are
// no runs.
func Find(runs []table.Slot, key string) int {
	h, end := uint64(Hash(key)), uint64(0)
	for i, r := range runs {
		if end += share(r.Units); h < end {
			return i
		}
	}
	return len(runs) - 1
}

// join makes one run of neighbours that have the same Member.
func join(runs []table.Slot) []table.Slot {
	out := runs[:0:0]
	for _, r := range runs {
		if n := len(out); n > 0 && out[n-1].Member == r.Member {
			out[n-1].Units += r.Units
		} else {
			out = append(out, r)
		}
	}
	return out
}

// alone makes one run of all, if one Member has them all.
func alone(runs []table.Slot) []table.Slot {
	if len(runs) < 2 || slices.ContainsFunc(runs, func(r table.Slot) bool { return r.Member != runs[0].Member }) {
		return runs
	}
	return []table.Slot{{Units: table.SlotUnits, Member: runs[0].Member}}
}
