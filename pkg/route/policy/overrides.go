package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/policy/slots"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

const (
	maxTwins = 8  // keys that differ by case alone: nginx has to be told of each in maps of its own
	maxTold  = 20 // entries of a ConfigMap that get a Note of their own
)

// pin sets Keyed.Overrides. Each must name one of the Pods that have keys; of a key
// whose override can't be used, the slot decides. So it does with whenDown "next" while
// the Pod of the override does not serve.
func pin(in Input, keyed *table.Keyed, index map[string]int) (notes []Note) {
	if in.Overrides == nil || in.Options.Overrides == (value.ObjectName{}) {
		return nil
	}
	ref, silent, most := in.Overrides.Ref, 0, in.Limits.Overrides // each is a line of nginx.conf
	note := func(key, reason string) {
		if len(notes) < maxTold {
			notes = append(notes, Note{Ref: ref, Key: key, Reason: reason})
		} else {
			silent++
		}
	}
	keys, twins := slices.Sorted(maps.Keys(in.Overrides.Data)), map[string]int{}
	for _, text := range keys[:min(len(keys), most)] {
		key, err := value.ParseOverrideKey(text)
		if err != nil {
			note("data", fmt.Sprintf("the override is dropped, the hash decides: %v", err))
			continue
		}
		name := strings.TrimSpace(in.Overrides.Data[text])
		member, ok := index[name]
		switch {
		case !ok:
			note("data."+text, fmt.Sprintf("the override is dropped, the hash decides: %s is none of the Pods that have keys of the path: write one of their names%s", cluster.Quote(name), example(keyed)))
		case twins[strings.ToLower(text)] == maxTwins:
			note("data."+text, fmt.Sprintf("the override is dropped, the hash decides: %d others differ from its key by case alone; remove some", maxTwins))
		case keyed.Members[member].Endpoint != nil || keyed.WhenDown != value.DownNext:
			twins[strings.ToLower(text)]++
			keyed.Overrides = append(keyed.Overrides, table.Override{Key: key, Member: member})
		}
	}
	if silent > 0 {
		notes = append(notes, Note{Ref: ref, Key: "data", Reason: fmt.Sprintf("%d more overrides are dropped for such reasons, the hash decides: correct the others first", silent)})
	}
	if rest := len(keys) - most; rest > 0 {
		notes = append(notes, Note{Ref: ref, Key: "data", Reason: fmt.Sprintf("the last %d overrides by key are dropped, the hash decides: there may be %d; remove some, or have the operator raise MAX_OVERRIDES", rest, most)})
	}
	return notes
}

// example is the first of the names that may be written.
func example(keyed *table.Keyed) string {
	if len(keyed.Members) == 0 {
		return ""
	}
	return fmt.Sprintf(", like %q", keyed.Members[0].Identity)
}

// Decision is where the requests of a key go, and why.
type Decision struct {
	Unit     int  // of the key space, from 0 to table.SlotUnits-1
	Slot     int  // index in Keyed.Slots; -1: there are none
	Member   int  // index in Keyed.Members; -1: none
	Override bool // the Member is that of an override, not of the slot
}

// Lookup finds where nginx sends the requests of a key, the text that Keyed.Key finds
// in a request.
func Lookup(k *table.Keyed, key string) Decision {
	d := Decision{Unit: slots.Of(key), Slot: slots.Find(k.Slots, key), Member: -1}
	if d.Slot >= 0 {
		d.Member = k.Slots[d.Slot].Member
	}
	i, found := slices.BinarySearchFunc(k.Overrides, key, func(o table.Override, key string) int { return strings.Compare(o.Key.String(), key) })
	if found {
		d.Member, d.Override = k.Overrides[i].Member, true
	}
	return d
}
