package keyed

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// upstream has the Members a, b and c, of which b is down, with these slots.
func upstream(key string, slots ...route.Slot) *route.Upstream {
	return &route.Upstream{Name: "pods-loc", Policy: value.PolicyHash, Keyed: &route.Keyed{
		Key: must(value.ParseKeySource(key)), Slots: slots,
		Members: []route.Member{{Upstream: "pods-a", Identity: "a", Endpoint: &route.Endpoint{}}, {Upstream: "pods-b", Identity: "b"}, {Upstream: "pods-c", Identity: "c", Endpoint: &route.Endpoint{}}},
	}}
}

// HF1: slots become lines of split_clients, in hundredths of a percent; the last takes
// the rest. Neighbours are not joined.
func TestSlots(t *testing.T) {
	t.Parallel()
	up := upstream("segment:1", route.Slot{Units: 3334}, route.Slot{Units: 5, Member: 2}, route.Slot{Units: 5, Member: 2}, route.Slot{Units: 1100, Member: 1}, route.Slot{Units: 10}, route.Slot{Units: 5546, Member: 2})
	for dynamic, down := range map[bool]string{true: "pods-b", false: None} {
		k := New(up, 1, dynamic)
		want := rows("33.34% pods-a", "0.05% pods-c", "0.05% pods-c", "11% "+down, "0.10% pods-a", "* pods-c")
		if k.Slots != want || k.HasNone != !dynamic || k.Name != "loc" || k.Overrides != nil {
			t.Errorf("dynamic %v: %+v", dynamic, k)
		}
	}
	if k := New(upstream("host", route.Slot{Units: table.SlotUnits, Member: 2}), 0, false); k.Slots != rows("* pods-c") || k.HasNone {
		t.Errorf("one Pod: %+v", k)
	}
}

// HF1: the variables in which nginx has the keys.
func TestVariable(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"segment:1": "$segment_3", "segment:8": "$segment_10", "arg:Room_1": "$arg_room_1", "header:X-Room": "$http_x_room", "cookie:Room": "$cookie_room", "host": "$host_label",
	} {
		if got := New(upstream(key), 2, true).Key; got != want {
			t.Errorf("%s stands in %s, want %s", key, got, want)
		}
	}
}

// HF3: words with a meaning in a map lose it, and keys that differ by case alone stand
// in maps of their own.
func TestOverrides(t *testing.T) {
	t.Parallel()
	up := upstream("arg:room")
	for i, key := range []string{"ROOM", "Room", "default", "Default", "hostnames", "include", "other", "room", "volatile"} {
		up.Keyed.Overrides = append(up.Keyed.Overrides, route.Override{Key: must(value.ParseOverrideKey(key)), Member: i % 2})
	}
	k := New(up, 0, false)
	want := []Level{
		{"loc", rows(`"ROOM" pods-a`, `"\default" pods-a`, `"\hostnames" pods-a`, `"\include" none`, `"other" pods-a`, `"\volatile" pods-a`),
			rows(`"ROOM" "=ROOM"`, `"\default" "=default"`, `"\hostnames" "=hostnames"`, `"\include" "=include"`, `"other" "=other"`, `"\volatile" "=volatile"`)},
		{"loc_2", rows(`"Room" none`, `"Default" none`), rows(`"Room" "=Room"`, `"Default" "=Default"`)},
		{"loc_3", rows(`"room" none`), rows(`"room" "=room"`)},
	}
	if !slices.Equal(k.Overrides, want) || !k.HasNone {
		t.Errorf("got %+v,\nwant %+v", k.Overrides, want)
	}
}

// rows are lines of a block.
func rows(lines ...string) string {
	return indent + strings.Join(lines, ";"+indent) + ";"
}

// DX21: keys that have one hash in nginx, which it would not take in one map, are
// divided; others are not.
func TestCollisions(t *testing.T) {
	t.Parallel()
	collide, differ := make([]route.Override, 10000), make([]route.Override, 10000)
	pad := strings.Repeat("x", 200)
	for i := range collide {
		var b strings.Builder
		for bit := range 14 { // in ngx_hash "an" is as much as "c0"
			b.WriteString([]string{"an", "c0"}[i>>bit&1])
		}
		collide[i].Key, differ[i].Key = must(value.ParseOverrideKey(pad+b.String())), must(value.ParseOverrideKey(fmt.Sprintf("%s%05d", pad+pad[:48], i)))
	}
	if n := len(levels(differ)); n != 1 {
		t.Errorf("%d maps for keys that differ", n)
	}
	found := levels(collide)
	total := 0
	for i, level := range found {
		load := 0
		for _, o := range level {
			if hash(o.Key.String()) != hash(collide[0].Key.String()) {
				t.Fatal("the keys do not collide")
			}
			load += 8 + (len(o.Key.String())+2+7)/8*8
		}
		if total += len(level); load+8 > MapBucket {
			t.Errorf("map %d has %d bytes in one bucket", i, load)
		}
	}
	if total != len(collide) || len(found) > 200 {
		t.Errorf("%d of %d keys stand in %d maps", total, len(collide), len(found))
	}
}
