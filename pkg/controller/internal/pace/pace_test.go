package pace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is a Table with one host for each Namespace: "a=1" gives the host a.example to
// Namespace a, with a path that differs by what follows; "a=1+web-0@10.0.0.1" gives the
// path a Pod.
func world(t *testing.T, parts ...string) *route.Table {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	table := &route.Table{}
	for _, part := range parts {
		name, what, _ := strings.Cut(part, "=")
		path, pod, hasPod := strings.Cut(what, "+")
		ns := cluster.Ref{Kind: "Namespace", Name: name}
		host, err := value.ParseHost(name + ".example")
		must(err)
		p, err := value.ParsePath("/" + path)
		must(err)
		l := &route.Location{Path: p, Match: value.Prefix, From: ns, Upstream: &route.Upstream{Name: "pods-" + name + path}}
		if hasPod {
			pod, addr, _ := strings.Cut(pod, "@")
			l.Upstream.Endpoints = []route.Endpoint{{Addr: netip.AddrPortFrom(netip.MustParseAddr(addr), 80), Pod: cluster.Ref{Kind: "Pod", Namespace: name, Name: pod}}}
		}
		table.Hosts = append(table.Hosts, &route.VirtualHost{Name: host, Owner: ns, From: []cluster.Ref{ns}, Locations: []*route.Location{l}})
	}
	return table
}

// bench is a Pace at a moment that the test sets.
type bench struct {
	*testing.T
	Pace
	now time.Time
}

func newBench(t *testing.T, o Options) *bench {
	b := &bench{t, Pace{Options: o}, start}
	b.ask(Wanted{Table: &route.Table{}})
	return b
}

func (b *bench) ask(w Wanted) (causes []string, wait bool) {
	if w.Snapshot == nil {
		w.Snapshot = &cluster.Snapshot{}
	}
	causes, wait = b.Ask(w, b.now)
	if !wait {
		b.Live(w.Table)
	}
	return causes, wait
}

// changes has Namespaces change, and says whether that has to wait, and for how long.
func (b *bench) changes(table *route.Table, namespaces ...string) time.Duration {
	b.Helper()
	for _, ns := range namespaces {
		b.Arrived(cluster.Ref{Kind: "Pod", Namespace: ns, Name: "any"}, b.now)
	}
	if _, wait := b.ask(Wanted{Table: table}); wait {
		return b.Until().Sub(b.now)
	}
	return 0
}

// TestBudget: a Namespace over its budget has its changes gathered for longer and longer,
// others go at once, and after a minute without a change that waits all is as before.
func TestBudget(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Budget: 3})
	n := 0
	next := func(extra ...string) *route.Table {
		n++
		return world(t, append([]string{fmt.Sprint("a=", n)}, extra...)...)
	}
	for range 3 {
		b.now = b.now.Add(time.Second)
		if wait := b.changes(next(), "a"); wait != 0 {
			t.Fatalf("within its budget it waits for %v", wait)
		}
	}
	for i, seconds := range []int{10, 20, 40, 60, 60} {
		want := time.Duration(seconds)*time.Second - time.Second
		b.now = b.now.Add(time.Second)
		if wait := b.changes(next(), "a"); wait != want || b.Waiting() != Budget || b.Gathered(b.now) != 1 {
			t.Fatalf("window %d: it waits for %v because of %q, want %v", i, wait, b.Waiting(), want)
		}
		problems, until := b.Problems(b.now)
		if len(problems) != 1 || problems[0].Ref.String() != "Namespace/a" || !strings.Contains(problems[0].Reason, fmt.Sprintf("every %d seconds", seconds)) || !until.Equal(b.now.Add(time.Minute)) {
			t.Errorf("the problem is %v, until %v", problems, until)
		}
		b.now = b.Until()
		if wait := b.changes(next(), "a"); wait != 0 {
			t.Fatalf("after window %d it still waits for %v", i, wait)
		}
	}
	b.now = b.now.Add(time.Second)
	waiting := next()
	if b.changes(waiting, "a") == 0 {
		t.Fatal("it does not wait")
	}
	if !b.Arrived(cluster.Ref{Kind: "Namespace", Name: "b"}, b.now) {
		t.Error("another's change does not have it looked at")
	}
	causes, wait := b.ask(Wanted{Table: next("b=1")})
	if wait || !slices.Equal(causes, []string{"a", "b"}) {
		t.Errorf("with another's change it waits: %v, causes %v", wait, causes)
	}
	b.now = b.now.Add(time.Minute)
	if problems, _ := b.Problems(b.now); len(problems) > 0 {
		t.Errorf("there still are %v", problems)
	}
	if wait := b.changes(next("b=1"), "a"); wait != 0 {
		t.Errorf("after a minute it waits for %v", wait)
	}
}

// TestNobodysDoing: what no Namespace has done waits for nobody; nor does what an
// operator does, nor more room for endpoints.
func TestNobodysDoing(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Budget: 1})
	b.changes(world(t, "a=1"), "a")
	if b.changes(world(t, "a=2"), "a") == 0 {
		t.Fatal("it does not wait")
	}
	if _, wait := b.ask(Wanted{Table: world(t, "a=3"), Prompt: true}); wait {
		t.Error("an operator waits")
	}
	if _, wait := b.ask(Wanted{Table: world(t, "a=4"), Room: 9}); wait {
		t.Error("everybody's endpoints wait")
	}
	if causes, wait := b.ask(Wanted{Table: world(t, "a=4"), Room: 9}); wait || len(causes) > 0 {
		t.Errorf("what is nobody's doing waits, or comes from %v", causes)
	}
	if _, wait := b.ask(Wanted{Table: world(t, "a=4+web-0@10.0.0.1"), Dynamic: true, Room: 9}); wait {
		t.Error("endpoints that are told wait")
	}
}

// TestVictims: where a Namespace changes what another one has, only the one whose
// objects changed has caused it; unless it may have been the clock.
func TestVictims(t *testing.T) {
	t.Parallel()
	both := func(from string) *route.Table {
		table := world(t, "a=1")
		table.Hosts[0].Locations[0].From = cluster.Ref{Kind: "Namespace", Name: from}
		return table
	}
	b := newBench(t, Options{Budget: 9})
	b.ask(Wanted{Table: both("a")})
	b.Arrived(cluster.Ref{Kind: "Namespace", Name: "b"}, b.now)
	if causes, _ := b.ask(Wanted{Table: both("b")}); !slices.Equal(causes, []string{"b"}) {
		t.Errorf("it comes from %v", causes)
	}
	b.Arrived(cluster.Ref{Kind: "Namespace", Name: "b"}, b.now)
	b.Anybody()
	if causes, _ := b.ask(Wanted{Table: both("a")}); !slices.Equal(causes, []string{"a", "b"}) {
		t.Errorf("it comes from %v", causes)
	}
}

// TestDraining: while too many old workers are there, the changes of those are gathered
// that have caused several reloads lately; once there are twice as many, everybody's are.
func TestDraining(t *testing.T) {
	t.Parallel()
	for _, budget := range []int{0, 30} {
		b := newBench(t, Options{Budget: budget, MaxDraining: 2})
		workers := 2
		ask := func(ns string, table *route.Table) bool {
			b.Arrived(cluster.Ref{Kind: "Namespace", Name: ns}, b.now)
			_, wait := b.ask(Wanted{Table: table, Draining: func() int { return workers }})
			return wait
		}
		for i := range 2 {
			if b.now = b.now.Add(time.Second); ask("a", world(t, fmt.Sprint("a=", i+1))) {
				t.Fatal("it waits although there are not too many")
			}
			b.Live(world(t, fmt.Sprint("a=", i+1)))
		}
		workers = 3
		last := b.now
		if b.now = b.now.Add(time.Second); !ask("a", world(t, "a=3")) || b.Until() != last.Add(30*time.Second) || b.Waiting() != Draining {
			t.Errorf("who has caused several waits until %v because of %q", b.Until(), b.Waiting())
		}
		if !b.Arrived(cluster.Ref{Kind: "Namespace", Name: "b"}, b.now) || ask("b", world(t, "a=3", "b=1")) {
			t.Error("who has caused none waits")
		}
		b.Live(world(t, "a=3", "b=1"))
		workers, last = 5, b.now
		if b.now = b.now.Add(time.Second); !ask("c", world(t, "a=3", "b=1", "c=1")) || b.Until() != last.Add(30*time.Second) {
			t.Errorf("with twice as many, who has caused none waits until %v", b.Until())
		}
		if b.Arrived(cluster.Ref{Kind: "Namespace", Name: "d"}, b.now) || b.Until() != b.now.Add(time.Second) {
			t.Errorf("it is looked at again at %v", b.Until())
		}
		if b.now = last.Add(30 * time.Second); ask("c", world(t, "a=3", "b=1", "c=1")) {
			t.Error("it waits for ever")
		}
	}
}

// TestFlapping: a Pod that comes and goes is taken in again only once it stays; it goes
// at once.
func TestFlapping(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Budget: 1000})
	with, without := world(t, "a=1+web-0@10.0.0.1"), world(t, "a=1")
	see := func(table *route.Table) time.Duration {
		b.now = b.now.Add(5 * time.Second)
		b.See(table, &cluster.Snapshot{}, b.now)
		return b.changes(table, "a")
	}
	for i := range 5 {
		if see(with) != 0 || see(without) != 0 {
			t.Fatalf("it waits after %d losses", i)
		}
	}
	if wait := see(with); wait != time.Minute || b.Waiting() != Flapping {
		t.Errorf("it waits for %v because of %q", wait, b.Waiting())
	}
	b.now = b.now.Add(55 * time.Second)
	if wait := see(with); wait != 0 {
		t.Errorf("it has stayed, and waits for %v", wait)
	}
	if wait := see(without); wait != 0 {
		t.Errorf("it goes, and that waits for %v", wait)
	}
	b.now = b.now.Add(10 * time.Minute)
	if wait := see(with); wait != 0 || len(b.flaps.lost) > 0 {
		t.Errorf("after a quiet time it waits for %v; known: %v", wait, b.flaps.lost)
	}
}

// TestStrayAddress: an address that is now another tenant's Pod's does not stay in the
// text for the sake of a budget.
func TestStrayAddress(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pods []*cluster.Pod
		next []string
		want bool
	}{
		"nobody's":                   {next: []string{"a=1+web-1@10.0.0.2"}},
		"a Pod's of the same":        {next: []string{"a=1+web-1@10.0.0.1"}},
		"a Pod's of another":         {next: []string{"a=1+web-1@10.0.0.2"}, pods: []*cluster.Pod{{Ref: cluster.Ref{Kind: "Pod", Namespace: "b", Name: "x"}, IP: netip.MustParseAddr("10.0.0.1")}}, want: true},
		"an endpoint's of another":   {next: []string{"a=1+web-1@10.0.0.2", "b=1+x@10.0.0.1"}, want: true},
		"shared, and it is not gone": {next: []string{"a=2+web-0@10.0.0.1", "b=1+x@10.0.0.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Options{Budget: 1})
			b.changes(world(t, "a=1+web-0@10.0.0.1", "b=2"), "a", "b") // which uses up their budgets
			b.Arrived(cluster.Ref{Kind: "Pod", Namespace: "a", Name: "web-0"}, b.now)
			if _, wait := b.ask(Wanted{Table: world(t, tt.next...), Snapshot: &cluster.Snapshot{Pods: tt.pods}}); wait == tt.want {
				t.Errorf("it waits: %v", wait)
			}
		})
	}
}

// TestForgotten: what is quiet takes up no memory.
func TestForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Budget: 2})
	for i := range 100 {
		ns := fmt.Sprint("n", i)
		b.changes(world(t, ns+"=1"), ns)
	}
	b.now = b.now.Add(time.Minute)
	b.changes(world(t, "z=1"), "z")
	if len(b.spaces) > 2 {
		t.Errorf("%d Namespaces are known", len(b.spaces))
	}
}
