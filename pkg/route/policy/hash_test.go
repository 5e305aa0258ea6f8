package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/policy/slots"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// statefulSet is what is known of StatefulSet web.
func statefulSet(start, replicas int) map[string]*cluster.StatefulSet {
	return map[string]*cluster.StatefulSet{"web": {Start: start, Replicas: replicas}}
}

// web are Pods of StatefulSet web, by number.
func web(numbers ...int) (out []Candidate) {
	for _, n := range numbers {
		out = append(out, pod(fmt.Sprintf("web-%d", n), 1, of("web"), at(fmt.Sprintf("10.0.0.%d:80", 1+n%250))))
	}
	return out
}

// members are the identities, in brackets if they don't serve.
func members(k *table.Keyed) string {
	var out []string
	for _, m := range k.Members {
		if m.Endpoint == nil {
			m.Identity = "(" + m.Identity + ")"
		}
		out = append(out, m.Identity)
	}
	return strings.Join(out, " ")
}

// HX1, HX12: which Pods have keys, whether they serve or not.
func TestMembers(t *testing.T) {
	t.Parallel()
	edit := func(pods []Candidate, i int, change func(*Candidate)) []Candidate {
		change(&pods[i])
		return pods
	}
	for name, test := range map[string]struct {
		pods     []Candidate
		sets     map[string]*cluster.StatefulSet
		want     string
		ordinals bool
	}{
		"a StatefulSet":               {web(0, 1, 2), statefulSet(0, 3), "web-0 web-1 web-2", true},
		"one of them is gone for now": {web(0, 2), statefulSet(0, 3), "web-0 (web-1) web-2", true},
		"one of them is deleted":      {edit(web(0, 1, 2), 1, deleting), statefulSet(0, 3), "web-0 (web-1) web-2", true},
		"it shrinks":                  {web(0, 1, 2), statefulSet(0, 2), "web-0 web-1", true},
		"to nothing":                  {web(0, 1, 2), statefulSet(0, 0), "", true},
		"to less":                     {web(0, 1, 2), statefulSet(0, -1), "", true},
		"it starts later":             {web(5, 6), statefulSet(5, 2), "web-5 web-6", true},
		"it has many":                 {web(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), statefulSet(0, 11), "web-0 web-1 web-10 web-2 web-3 web-4 web-5 web-6 web-7 web-8 web-9", true},
		"it isn't known":              {web(0, 2), nil, "web-0 (web-1) web-2", true},
		"another one is":              {web(0, 1), map[string]*cluster.StatefulSet{"db": {Replicas: 9}}, "web-0 web-1", true},
		"others":                      {[]Candidate{pod("a", 1), pod("b", 1, down), pod("c", 1, pending), pod("d", 1, deleting)}, nil, "a (b) (c)", false},
		"both":                        {append(web(0, 1), pod("a", 1)), statefulSet(0, 3), "a web-0 web-1 (web-2)", false},
		"no number":                   {append(web(0), pod("web-x", 1, of("web")), pod("web-01", 1, of("web")), pod("web--1", 1, of("web"))), nil, "web--1 web-0 web-01 web-x", false},
		"too large a number":          {[]Candidate{pod("web-9223372036854775807", 1, of("web"))}, nil, "", true},
		"another's number":            {[]Candidate{pod("db-3", 1, of("web"))}, nil, "db-3", false},
		"two of one name":             {[]Candidate{pod("a", 1), pod("a", 2)}, nil, "a", false},
	} {
		up, notes, until := apply(Input{Options: options(t, "policy=hash", "key=host"), Candidates: test.pods, Sets: test.sets})
		if got := members(up.Keyed); got != test.want || len(notes) > 0 || until != 0 {
			t.Errorf("%s: %s, want %s; %v, %d", name, got, test.want, notes, until)
		}
		n := len(up.Keyed.Members)
		if like := slots.Ordinals(n); len(like) != len(up.Keyed.Slots) && test.ordinals || n > 1 && !test.ordinals && len(up.Keyed.Slots) != 2000 {
			t.Errorf("%s: %d slots for %d Pods", name, len(up.Keyed.Slots), n)
		}
		if served := len(up.Endpoints); served != n-strings.Count(test.want, "(") {
			t.Errorf("%s: %d endpoints", name, served)
		}
	}
}

// The tenth Pod of a StatefulSet is the tenth, although its name comes before others.
func TestOrdinalsKeepTheirShares(t *testing.T) {
	t.Parallel()
	up, _, _ := apply(Input{Options: options(t, "policy=hash", "key=host"), Candidates: web(0), Sets: statefulSet(3, 12)})
	want := slots.Ordinals(12)
	for i, s := range up.Keyed.Slots {
		if got, name := up.Keyed.Members[s.Member].Identity, fmt.Sprintf("web-%d", 3+want[i].Member); got != name || s.Units != want[i].Units {
			t.Errorf("slot %d is %s's, want %s", i, got, name)
		}
	}
}

// HF2, KX7, HX12: whatever becomes of a Pod with "wait", its keys stay its own: nothing
// but its endpoint differs. With "next" they go to others, and come back.
func TestKeysOfAPodThatIsDown(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"StatefulSet", "others"} {
		pods := func(changes ...func(*Candidate)) []Candidate {
			out := web(0, 1, 2, 3)
			for i := range out {
				if kind == "others" {
					out[i].StatefulSet = ""
				}
			}
			for _, change := range changes {
				change(&out[1])
			}
			return out
		}
		keyed := func(whenDown string, pods []Candidate) *table.Keyed {
			up, _, _ := apply(Input{Options: options(t, "policy=hash", "key=host", "whenDown="+whenDown), Candidates: pods})
			return up.Keyed
		}
		all := keyed("wait", pods())
		if k := keyed("next", pods()); !reflect.DeepEqual(k.Slots, all.Slots) || k.WhenDown != value.DownNext || all.WhenDown != value.DownWait {
			t.Errorf("%s: all serve, and the slots differ", kind)
		}
		for name, change := range map[string]func(*Candidate){"down": down, "pending": pending, "moved": at("10.9.9.9:80")} {
			if k := keyed("wait", pods(change)); !reflect.DeepEqual(k.Slots, all.Slots) || reflect.DeepEqual(k.Members[1], all.Members[1]) || k.Members[1].Identity != "web-1" {
				t.Errorf("%s, %s: %v", kind, name, members(k))
			}
		}
		next := keyed("next", pods(down))
		for i := range 1000 {
			key := fmt.Sprint(i)
			was, now := Lookup(all, key), Lookup(next, key)
			if was.Member != 1 && now.Member != was.Member || now.Member == 1 || now.Unit != was.Unit {
				t.Fatalf("%s: %q went from %+v to %+v", kind, key, was, now)
			}
		}
		none := slices.Clone(pods())
		for i := range none {
			down(&none[i])
		}
		if k := keyed("next", none); !reflect.DeepEqual(k.Slots, all.Slots) {
			t.Errorf("%s: nobody serves, and the slots differ", kind)
		}
	}
}

// A number that somebody wrote makes no more than a thousand Members.
func TestManyReplicas(t *testing.T) {
	t.Parallel()
	db := append(web(0), pod("db-0", 1, of("db")))
	for name, test := range map[string]struct {
		pods  []Candidate
		sets  map[string]*cluster.StatefulSet
		want  int
		notes string
	}{
		"as many as may be": {web(0), statefulSet(0, 1000), 1000, ""},
		"one more":          {web(0), statefulSet(0, 1001), 1000, "the first 1000 of the 1001 Pods of StatefulSet web"},
		"of two":            {db, map[string]*cluster.StatefulSet{"db": {Replicas: 600}, "web": {Replicas: 600}}, 1000, "the first 400 of the 600 Pods of StatefulSet web"},
		"by a name":         {web(2_000_000_000), nil, 1000, "the first 1000 of the 2000000001 Pods of StatefulSet web"},
	} {
		up, notes, _ := apply(Input{Options: options(t, "policy=hash", "key=host"), Candidates: test.pods, Sets: test.sets})
		text := fmt.Sprint(notes)
		if len(up.Keyed.Members) != test.want || !strings.Contains(text, test.notes) || (len(notes) > 0) != (test.notes != "") {
			t.Errorf("%s: %d Members, %s", name, len(up.Keyed.Members), text)
		}
	}
}

// Without a key nothing is served: spreading requests would put the state of one key
// on many Pods.
func TestNoKey(t *testing.T) {
	t.Parallel()
	up, notes, _ := apply(Input{Options: options(t, "policy=hash"), Candidates: web(0, 1)})
	if up.Policy != value.PolicyHash || up.Keyed == nil || len(up.Keyed.Members)+len(up.Keyed.Slots)+len(up.Endpoints) != 0 {
		t.Errorf("%+v", up)
	}
	if len(notes) != 1 || notes[0].Key != "key" || !strings.Contains(notes[0].Reason, "503") || !strings.Contains(notes[0].Reason, "write a key") {
		t.Errorf("%v", notes)
	}
}

// Decisions for a location with 1,000 Pods take less than 5 ms.
func BenchmarkApply(b *testing.B) {
	var ready, some []Candidate
	for i := range 1000 {
		ready = append(ready, pod(fmt.Sprintf("web-%d", i), int64(i), of("web")))
		c := pod(fmt.Sprintf("web-%d", i), int64(i))
		if i%10 == 0 {
			down(&c)
		}
		some = append(some, c)
	}
	for name, in := range map[string]Input{
		"balance":          {Candidates: ready},
		"one":              {Candidates: some, Options: options(b, "policy=one", "readyGrace=1m")},
		"hash-ordinals":    {Candidates: ready, Options: options(b, "policy=hash", "key=host"), Sets: statefulSet(0, 1000)},
		"hash-names":       {Candidates: some, Options: options(b, "policy=hash", "key=host")},
		"hash-names-next":  {Candidates: some, Options: options(b, "policy=hash", "key=host", "whenDown=next")},
		"hash-names-of-16": {Candidates: some[:16], Options: options(b, "policy=hash", "key=host")},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				apply(in)
			}
		})
	}
}
