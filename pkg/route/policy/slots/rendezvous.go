package slots

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/30x/dispatcher/pkg/route/table"
)

// grid is how many units go together to a Pod where Pods are told apart by name.
const grid = 5

// Names divides the units among Pods by their names, which must differ: in steps of
// the grid, each to the Pod whose name and the step together have the highest hash
// (rendezvous hashing). So a new Pod takes its share from all others, and one that
// goes leaves its share to all others; no key moves between those that stay. The
// steps are not joined where two neighbours have the same Pod: nginx rounds each run
// down, so borders would move by a hair, and a few keys with them. Members of the
// runs are indices of names.
func Names(names []string) []table.Slot {
	if len(names) == 0 {
		return nil
	}
	seeds := seedsOf(names)
	runs := make([]table.Slot, table.SlotUnits/grid)
	for step := range runs {
		runs[step] = table.Slot{Units: grid, Member: highest(seeds, step)}
	}
	return alone(runs)
}

// Divert gives the units of Pods that do not serve to those that do, and lets each
// keep what it has: every step of the grid goes to the Pod that has the highest hash
// for it among those that serve. Without one that serves, runs come back as they are.
func Divert(runs []table.Slot, names []string, serves []bool) []table.Slot {
	var serving []int // indices of names
	var up []string
	for i, s := range serves {
		if s {
			serving, up = append(serving, i), append(up, names[i])
		}
	}
	if len(serving) == 0 || len(serving) == len(names) {
		return runs
	}
	seeds := seedsOf(up)
	var out []table.Slot
	from, steady := 0, true
	for _, r := range runs {
		to := from + r.Units
		steady = steady && r.Units == grid
		for !serves[r.Member] && from < to {
			step := from / grid
			end := min((step+1)*grid, to)
			out = append(out, table.Slot{Units: end - from, Member: serving[highest(seeds, step)]})
			from = end
		}
		if from < to {
			out = append(out, table.Slot{Units: to - from, Member: r.Member})
		}
		from = to
	}
	if steady {
		return alone(out)
	}
	return join(out)
}

// seedsOf are 64 bits of each name.
func seedsOf(names []string) []uint64 {
	seeds := make([]uint64, len(names))
	for i, n := range names {
		sum := sha256.Sum256([]byte(n))
		seeds[i] = binary.BigEndian.Uint64(sum[:])
	}
	return seeds
}

// highest is the index of the seed that has the highest hash together with the step,
// the first of those that have.
func highest(seeds []uint64, step int) int {
	best, top := 0, uint64(0)
	salt := mix(uint64(step) + 1)
	for i, s := range seeds {
		if h := mix(s ^ salt); h > top {
			best, top = i, h
		}
	}
	return best
}

// mix is the finaliser of SplitMix64, whose bits all depend on all bits of x. It must
// stay as it is: another one moves nearly all keys.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
