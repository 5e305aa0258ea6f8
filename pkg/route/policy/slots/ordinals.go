package slots

import "github.com/30x/dispatcher/pkg/route/table"

// Ordinals divides the units among n numbered Pods, by replaying how they came, one
// after the other: each takes an equal part from every one before it. All have the
// same share, but for one unit; from n to n+1 Pods, one part in n+1 moves, all of it
// to the new one, and back when it goes. Since nginx rounds each run down, less than
// one key in 100,000 may move between others, too. Members of the runs are the numbers,
// from 0.
func Ordinals(n int) []table.Slot {
	if n < 1 {
		return nil
	}
	type span struct{ from, to int }
	pods := make([][]span, n) // what each has
	pods[0] = []span{{0, table.SlotUnits}}
	for newest := 1; newest < n; newest++ {
		before, after := divide(newest), divide(newest+1)
		for i := range newest {
			for give := before.part(i) - after.part(i); give > 0; {
				last := &pods[i][len(pods[i])-1]
				taken := span{max(last.from, last.to-give), last.to}
				if last.to = taken.from; last.from == last.to {
					pods[i] = pods[i][:len(pods[i])-1]
				}
				pods[newest] = append(pods[newest], taken)
				give -= taken.to - taken.from
			}
		}
	}
	units := make([]table.Slot, table.SlotUnits)
	for i, spans := range pods {
		for _, s := range spans {
			for unit := s.from; unit < s.to; unit++ {
				units[unit] = table.Slot{Units: 1, Member: i}
			}
		}
	}
	return join(units)
}

// division is how many units each of some Pods has: the first get what is left over.
type division struct{ share, left int }

func divide(pods int) division { return division{table.SlotUnits / pods, table.SlotUnits % pods} }

func (d division) part(i int) int {
	if i < d.left {
		return d.share + 1
	}
	return d.share
}
