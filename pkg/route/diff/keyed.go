package diff

import (
	"slices"
	"strconv"

	"github.com/30x/dispatcher/pkg/route/table"
)

// keyed compares which Pod has which keys.
func (d *differ) keyed(n *notes, was, is *table.Keyed) {
	switch {
	case was == nil && is == nil:
		return
	case was == nil:
		n.note(Structural, "by the key %s", is.Key)
		return
	case is == nil:
		n.note(Structural, "no longer by a key")
		return
	}
	from(n, Structural, "key", "none", was.Key, is.Key)
	from(n, Silent, "whenDown", "wait", was.WhenDown, is.WhenDown)
	d.members(n, was, is)
	switch units := moved(was, is); {
	case units > 0:
		n.note(Structural, "%s%% of the keys move", strconv.FormatFloat(float64(units)*100/table.SlotUnits, 'f', -1, 64))
	case !slices.Equal(named(was), named(is)):
		n.note(Structural, "the keys are laid out anew")
	}
	if a, b := overrides(was), overrides(is); !slices.Equal(a, b) {
		if len(a) == len(b) {
			n.note(Structural, "other overrides")
		} else {
			n.note(Structural, "overrides %d→%d", len(a), len(b))
		}
	}
}

// members compares the Pods that have keys.
func (d *differ) members(n *notes, was, is *table.Keyed) {
	old := make(map[string]table.Member, len(was.Members))
	for _, m := range was.Members {
		old[m.Identity] = m
	}
	come, gone, renamed, back, away := 0, len(was.Members), false, 0, 0
	stay := &tally{}
	for _, m := range is.Members {
		before, known := old[m.Identity]
		if !known {
			come++
			continue
		}
		gone--
		renamed = renamed || before.Upstream != m.Upstream
		switch {
		case before.Endpoint == nil && m.Endpoint != nil:
			back++
		case before.Endpoint != nil && m.Endpoint == nil:
			away++
		case m.Endpoint != nil:
			stay.compare(*before.Endpoint, *m.Endpoint, d.AnyAddress)
		}
	}
	if come > 0 {
		n.note(Structural, "+%s with keys", inPods(come))
	}
	if gone > 0 {
		n.note(Structural, "-%s with keys", inPods(gone))
	}
	if back > 0 {
		n.note(Endpoints, "%s with keys back", inPods(back))
		n.other-- // they come
	}
	if away > 0 {
		n.note(Endpoints, "%s with keys away", inPods(away))
	}
	for _, what := range stay.words { // most have been told of the endpoints
		if !slices.Contains(n.words, what) && !slices.Contains(n.words, what+" of "+inPods(stay.pods[what])) {
			n.note(Endpoints, "%s", what)
		}
	}
	if renamed || come+gone == 0 && !slices.EqualFunc(was.Members, is.Members, func(a, b table.Member) bool { return a.Identity == b.Identity }) {
		n.note(Structural, "other upstreams of its keys")
	}
}

// run is a Slot by the name of the Pod that serves it.
type run struct {
	units int
	pod   string
}

func named(k *table.Keyed) []run {
	out := make([]run, len(k.Slots))
	for i, s := range k.Slots {
		out[i] = run{s.Units, k.Members[s.Member].Identity}
	}
	return out
}

// moved is how many units of the key space go to another Pod.
func moved(before, after *table.Keyed) (units int) {
	was, is := named(before), named(after)
	for len(was) > 0 && len(is) > 0 {
		step := min(was[0].units, is[0].units)
		if was[0].pod != is[0].pod {
			units += step
		}
		was[0].units -= step
		is[0].units -= step
		if was[0].units == 0 {
			was = was[1:]
		}
		if is[0].units == 0 {
			is = is[1:]
		}
	}
	for _, rest := range [][]run{was, is} {
		for _, r := range rest {
			units += r.units
		}
	}
	return units
}

type override struct{ key, pod string }

func overrides(k *table.Keyed) []override {
	out := make([]override, len(k.Overrides))
	for i, o := range k.Overrides {
		out[i] = override{o.Key.String(), k.Members[o.Member].Identity}
	}
	return out
}
