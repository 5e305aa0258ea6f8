package slots

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/30x/dispatcher/pkg/route/table"
)

// podNames are names as those of a Deployment's Pods, sorted.
func podNames(n int, seed uint64) []string {
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	random := rand.New(rand.NewPCG(seed, 1))
	names := make([]string, n)
	for i := range names {
		name := []byte("web-7d4b9c6f5d-.....")
		for at := len(name) - 5; at < len(name); at++ {
			name[at] = letters[random.IntN(len(letters))]
		}
		names[i] = string(name)
	}
	slices.Sort(names)
	return names
}

// shares are how many units each of n Members has.
func shares(t testing.TB, runs []table.Slot, n int) []int {
	t.Helper()
	units, all := make([]int, n), 0
	for _, r := range runs {
		if r.Units < 1 || r.Member < 0 || r.Member >= n {
			t.Fatalf("run %+v of %d Pods", r, n)
		}
		units[r.Member] += r.Units
		all += r.Units
	}
	if all != table.SlotUnits {
		t.Fatalf("%d units in all", all)
	}
	return units
}

// owners are the Members of all units, one after the other.
func owners(runs []table.Slot) []int {
	var out []int
	for _, r := range runs {
		out = append(out, slices.Repeat([]int{r.Member}, r.Units)...)
	}
	return out
}

// HF1: MurmurHash2 with the seed 0, as nginx has it; nginx is asked itself in
// TestNginxAgrees.
func TestHash(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]uint32{"": 0, "a": 0x92685f5e, "ab": 0x1aa14063, "abc": 0x13577c9b, "abcd": 0x26873021, "room-1": 0x364e3038} {
		if got := Hash(key); got != want {
			t.Errorf("%q: %#x, want %#x", key, got, want)
		}
	}
}

// A unit is the smallest whose run, if it came first, would hold the key.
func TestOf(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for i := range 200_000 {
		key := strconv.Itoa(i)
		unit := Of(key)
		seen[unit] = true
		h := uint64(Hash(key))
		if unit < 0 || unit >= table.SlotUnits || share(unit) > h || unit < table.SlotUnits-1 && share(unit+1) <= h {
			t.Fatalf("%q with the hash %d has the unit %d", key, h, unit)
		}
	}
	if len(seen) != table.SlotUnits {
		t.Errorf("only %d units have keys", len(seen))
	}
}

// HF2, HX2: shares of a StatefulSet's Pods are the same but for one unit, and what
// moves when it grows by one is the newest Pod's share, and nothing else.
func TestOrdinals(t *testing.T) {
	t.Parallel()
	if got := Ordinals(0); got != nil {
		t.Errorf("none: %v", got)
	}
	before := owners(Ordinals(1))
	for n := 2; n <= 200; n++ {
		runs := Ordinals(n)
		units := shares(t, runs, n)
		if least, most := slices.Min(units), slices.Max(units); most-least > 1 {
			t.Errorf("%d Pods have %d to %d units", n, least, most)
		}
		now := owners(runs)
		for unit := range now {
			if now[unit] != before[unit] && now[unit] != n-1 {
				t.Fatalf("%d Pods: unit %d moved from %d to %d", n, unit, before[unit], now[unit])
			}
		}
		before = now
	}
	if got := shares(t, Ordinals(1000), 1000); slices.Max(got) != 10 || slices.Min(got) != 10 {
		t.Errorf("1000 Pods have %d to %d units", slices.Min(got), slices.Max(got))
	}
	for n, most := range map[int]int{1: 1, 2: 2, 3: 4, 4: 7, 8: 30, 16: 130} {
		if got := len(Ordinals(n)); got > most {
			t.Errorf("%d Pods take %d runs, more than %d", n, got, most)
		}
	}
}

// HF2, HX2: what a Pod's name gets does not depend on the order of the names; when one
// comes or goes, nothing moves between the others, and the borders of the runs stay.
func TestNames(t *testing.T) {
	t.Parallel()
	if got := Names(nil); got != nil {
		t.Errorf("none: %v", got)
	}
	if got := Names([]string{"a"}); len(got) != 1 || got[0] != (table.Slot{Units: table.SlotUnits}) {
		t.Errorf("one: %v", got)
	}
	names := podNames(24, 1)
	all := Names(names)
	shares(t, all, len(names))
	backwards := slices.Clone(names)
	slices.Reverse(backwards)
	for i, r := range Names(backwards) {
		if backwards[r.Member] != names[all[i].Member] {
			t.Fatalf("run %d: %s in one order, %s in another", i, names[all[i].Member], backwards[r.Member])
		}
	}
	for gone := range names {
		rest := slices.Delete(slices.Clone(names), gone, gone+1)
		for i, r := range Names(rest) {
			if r.Units != all[i].Units || all[i].Member != gone && rest[r.Member] != names[all[i].Member] {
				t.Fatalf("without %s, run %d moved from %s to %s", names[gone], i, names[all[i].Member], rest[r.Member])
			}
		}
	}
}

// HX12: the keys of a Pod that is down are shared by those that serve, which keep
// what they have; among Pods that are told apart by name it is as if it were not there.
func TestDivert(t *testing.T) {
	t.Parallel()
	names := podNames(8, 2)
	for kind, runs := range map[string][]table.Slot{"ordinals": Ordinals(8), "names": Names(names)} {
		before := owners(runs)
		for _, down := range [][]int{{0}, {7}, {2, 3}, {0, 1, 2, 3, 4, 5, 6}} {
			serves := slices.Repeat([]bool{true}, len(names))
			var up []string
			for i := range serves {
				if serves[i] = !slices.Contains(down, i); serves[i] {
					up = append(up, names[i])
				}
			}
			got := Divert(runs, names, serves)
			units := shares(t, got, len(names))
			for unit, now := range owners(got) {
				if !serves[now] || serves[before[unit]] && now != before[unit] {
					t.Fatalf("%s without %v: unit %d went from %d to %d", kind, down, unit, before[unit], now)
				}
			}
			for i, s := range serves {
				if most := 14 * table.SlotUnits / len(up) / 10; s && units[i] > most {
					t.Errorf("%s without %v: %d has %d units, more than %d", kind, down, i, units[i], most)
				}
			}
			if kind == "ordinals" {
				continue
			}
			for i, r := range Names(up) {
				if up[r.Member] != names[got[i].Member] {
					t.Fatalf("without %v: run %d is %s's, want %s", down, i, names[got[i].Member], up[r.Member])
				}
			}
		}
		for _, same := range []bool{true, false} {
			if got := Divert(runs, names, slices.Repeat([]bool{same}, len(names))); !slices.Equal(got, runs) {
				t.Errorf("%s: all or none serve, and the runs differ", kind)
			}
		}
	}
}

// HF2: tables are the same in every Dispatcher, also of another version: a change of
// these sums moves the keys of all users.
func TestTablesLast(t *testing.T) {
	t.Parallel()
	names := []string{"web-0", "web-1", "web-2", "web-3"}
	for want, runs := range map[string][]table.Slot{
		"fdd19ee2cc55ded6": Ordinals(4), "e46f6240b88e369c": Ordinals(100), "e4d722ed0c8c7eba": Names(names),
		"aa2671518028d1c2": Divert(Ordinals(4), names, []bool{true, false, true, true}),
	} {
		sum := sha256.Sum256(fmt.Append(nil, runs))
		if got := hex.EncodeToString(sum[:8]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Find is -1 without runs, and whatever is beyond the last border is the last run's.
func TestFind(t *testing.T) {
	t.Parallel()
	if got := Find(nil, "a"); got != -1 {
		t.Errorf("without runs: %d", got)
	}
	if got := Find([]table.Slot{{Units: 1}, {Units: 1}}, "a"); got != 1 {
		t.Errorf("beyond the last: %d", got)
	}
	if got := Find(Ordinals(4), ""); got != 0 {
		t.Errorf("the empty key is in run %d", got)
	}
}
