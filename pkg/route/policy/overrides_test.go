package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/table"
)

// pins is a ConfigMap of overrides: "key=Pod" pairs.
func pins(pairs ...string) *cluster.ConfigMap {
	m := &cluster.ConfigMap{Ref: cluster.Ref{Kind: "ConfigMap", Namespace: "a", Name: "pins"}, Data: map[string]string{}}
	for _, p := range pairs {
		key, name, _ := strings.Cut(p, "=")
		m.Data[key] = name
	}
	return m
}

// pinned decides with the overrides for three Pods, of which web-1 is down.
func pinned(t *testing.T, m *cluster.ConfigMap, more ...string) (*table.Keyed, []Note) {
	t.Helper()
	pods := web(0, 1, 2)
	down(&pods[1])
	up, notes, _ := apply(Input{Options: options(t, append(more, "policy=hash", "key=host")...), Candidates: pods, Overrides: m})
	return up.Keyed, notes
}

// told are the overrides as "key=Pod", and the Notes' keys.
func told(k *table.Keyed, notes []Note) (overrides, keys string) {
	for _, o := range k.Overrides {
		overrides += " " + o.Key.String() + "=" + k.Members[o.Member].Identity
	}
	for _, n := range notes {
		keys += " " + n.Key
	}
	return strings.TrimSpace(overrides), strings.TrimSpace(keys)
}

// HF3, HX9, HX10: an override beats the hash for exactly its key, if it names one of
// the Pods; all that can't be used is told at its key, and the hash decides.
func TestOverrides(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pins      *cluster.ConfigMap
		options   []string
		want, bad string
	}{
		"none yet":               {nil, []string{"overrides=pins"}, "", ""},
		"not asked for":          {pins("a=web-0"), nil, "", ""},
		"some":                   {pins("b=web-2", "a=web-0", "B=web-0"), []string{"overrides=pins"}, "B=web-0 a=web-0 b=web-2", ""},
		"with a line's end":      {pins("a=web-0\n"), []string{"overrides=pins"}, "a=web-0", ""},
		"down":                   {pins("a=web-1"), []string{"overrides=pins"}, "a=web-1", ""},
		"down, and next":         {pins("a=web-1", "b=web-2"), []string{"overrides=pins", "whenDown=next"}, "b=web-2", ""},
		"none of the Pods":       {pins("a=web-3", "b=web-0", "c=", "d=WEB-0"), []string{"overrides=pins"}, "b=web-0", "data.a data.c data.d"},
		"something else (HX10)":  {pins("a=evil.example:80/x?", "b=10.0.0.1", "c=web-0 include"), []string{"overrides=pins"}, "", "data.a data.b data.c"},
		"no key of a ConfigMap":  {pins("a;b=web-0"), []string{"overrides=pins"}, "", "data"},
		"nor is this":            {pins("~x=web-0"), []string{"overrides=pins"}, "", "data"},
		"the ConfigMap is empty": {pins(), []string{"overrides=pins"}, "", ""},
	} {
		k, notes := pinned(t, test.pins, test.options...)
		if got, bad := told(k, notes); got != test.want || bad != test.bad {
			t.Errorf("%s: %s, want %s; told of %s, want %s", name, got, test.want, bad, test.bad)
		}
		for _, n := range notes {
			if n.Ref != test.pins.Ref || !strings.Contains(n.Reason, "the hash decides") || !strings.Contains(n.Reason, "write") || strings.ContainsAny(n.Reason, "\n;") && !strings.Contains(n.Reason, `"`) {
				t.Errorf("%s: %+v", name, n)
			}
		}
	}
}

// Ten thousand overrides count, the first by key; and many that can't be used are told
// of in few Notes.
func TestManyOverrides(t *testing.T) {
	t.Parallel()
	m := pins()
	for i := range 10_002 {
		m.Data[fmt.Sprintf("room-%05d", i)] = "web-0"
	}
	k, notes := pinned(t, m, "overrides=pins")
	if n := len(k.Overrides); n != 10_000 || k.Overrides[n-1].Key.String() != "room-09999" || len(notes) != 1 || notes[0].Key != "data" || !strings.Contains(notes[0].Reason, "the last 2 overrides") {
		t.Errorf("%d overrides, %v", n, notes)
	}
	for key := range m.Data {
		m.Data[key] = "web-9"
	}
	k, notes = pinned(t, m, "overrides=pins")
	if len(k.Overrides) != 0 || len(notes) != 22 || notes[0].Key != "data.room-00000" || notes[20].Key != "data" || !strings.Contains(notes[20].Reason, "9980 more") {
		t.Errorf("%d overrides, %d Notes, of which the last: %v", len(k.Overrides), len(notes), notes[max(0, len(notes)-2):])
	}
}

// HF2, HF3: Lookup says who serves a key, and why.
func TestLookup(t *testing.T) {
	t.Parallel()
	free, _ := pinned(t, nil)
	k, _ := pinned(t, pins("lobby=web-2", "room-1=web-1", "room-3=web-0"), "overrides=pins")
	for key, name := range map[string]string{"lobby": "web-2", "room-1": "web-1", "room-3": "web-0", "Lobby": "", "room-2": "", "": ""} {
		d, hash := Lookup(k, key), Lookup(free, key)
		if d.Override != (name != "") || name != "" && k.Members[d.Member].Identity != name {
			t.Errorf("%q: %+v, want %s", key, d, name)
		}
		if d.Unit != hash.Unit || d.Slot != hash.Slot || hash.Member != k.Slots[d.Slot].Member || !d.Override && d != hash {
			t.Errorf("%q: %+v, and without overrides %+v", key, d, hash)
		}
	}
	if d := Lookup(&table.Keyed{}, "x"); d.Member != -1 || d.Slot != -1 || d.Override {
		t.Errorf("nobody there: %+v", d)
	}
}
