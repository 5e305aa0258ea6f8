package publish

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/discovery"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

// notes is a Directory that keeps what it is told.
type notes struct{ services []discovery.Service }

func (n *notes) Set(services []discovery.Service) int {
	before := fmt.Sprint(n.services)
	n.services = slices.Clone(services)
	if fmt.Sprint(n.services) == before {
		return 0
	}
	return len(services)
}

// String gives each service with the last bytes of its endpoints' addresses.
func (n *notes) String() string {
	var out []string
	for _, s := range n.services {
		text := s.Name + ":"
		for _, e := range s.Endpoints {
			text += fmt.Sprintf(" %d", e.Addr.Addr().As4()[3])
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// location is a path of a Namespace with Pods at 10.0.0.x.
func location(namespace, path string, pods ...byte) *route.Location {
	l := &route.Location{
		Path: must(value.ParsePath(path)), Match: value.Prefix,
		Upstream: &route.Upstream{Name: strings.Trim(path, "/")},
		From:     cluster.Ref{Kind: "Namespace", Name: namespace},
	}
	for _, p := range pods {
		l.Upstream.Endpoints = append(l.Upstream.Endpoints, route.Endpoint{
			Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, p}), 80), Pod: cluster.Ref{Kind: "Pod", Namespace: namespace, Name: fmt.Sprint(p)},
		})
	}
	return l
}

// table is one host with these locations.
func table(locations ...*route.Location) *route.Table {
	return &route.Table{Hosts: []*route.VirtualHost{{Name: must(value.ParseHost("a.example.com")), Locations: locations}}}
}

// other makes the rules of a location other ones.
func other(l *route.Location) *route.Location {
	l.Target = must(value.ParsePath("/elsewhere"))
	return l
}

// closed lets nobody in: an API key is demanded that doesn't exist.
func closed(l *route.Location) *route.Location {
	l.Auth.Closed = true
	return l
}

// While nginx serves an older table, only what can't be reached by rules of another
// one is told.
func TestEarly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		live, next *route.Table
		want       string
	}{
		"a new Pod":                         {table(location("n", "/a", 1)), table(location("n", "/a", 1, 2)), "a: 1 2"},
		"a Pod gone":                        {table(location("n", "/a", 1, 2)), table(location("n", "/a", 2)), "a: 2"},
		"the last Pod gone":                 {table(location("n", "/a", 1)), table(location("n", "/a")), "a:"},
		"the path gone":                     {table(location("n", "/a", 1), location("n", "/b", 2)), table(location("n", "/b", 2)), "a:, b: 2"},
		"the host gone":                     {table(location("n", "/a", 1)), &route.Table{}, "a:"},
		"a new path":                        {table(location("n", "/a", 1)), table(location("n", "/a", 1), location("n", "/b", 2)), "a: 1, b: 2"},
		"other rules and a new Pod":         {table(location("n", "/a", 1, 3)), table(other(location("n", "/a", 1, 2))), "a: 1"},
		"other rules, and its neighbour":    {table(location("n", "/a", 1), location("n", "/b", 1)), table(other(location("n", "/a", 2)), location("n", "/b", 2)), "a:, b: 2"},
		"nobody is let in any more":         {table(location("n", "/a", 1)), table(closed(location("n", "/a", 1))), "a:"},
		"another owner":                     {table(location("n", "/a", 1)), table(location("m", "/a", 2)), "a:"},
		"another owner, a recycled address": {table(location("n", "/a", 1)), table(location("m", "/a", 1)), "a:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := &notes{}
			p := Publisher{Directory: told}
			p.Live(tc.live, time.Now())
			p.Early(tc.next, time.Now())
			if got := told.String(); got != tc.want {
				t.Errorf("told %q, want %q", got, tc.want)
			}
			p.Live(tc.next, time.Now())
			all := &notes{}
			(&Publisher{Directory: all}).All(tc.next, time.Now())
			if told.String() != all.String() {
				t.Errorf("when it serves: told %q, want %q", told, all)
			}
		})
	}
}

// Host-wide rules count, too: a TLS host, for example.
func TestEarlyHost(t *testing.T) {
	t.Parallel()
	told := &notes{}
	p := Publisher{Directory: told}
	p.Live(table(location("n", "/a", 1)), time.Now())
	next := table(location("n", "/a", 1, 2))
	next.Hosts[0].TLS = &route.TLS{Redirect: true}
	p.Early(next, time.Now())
	if got := told.String(); got != "a: 1" {
		t.Errorf("told %q", got)
	}
}

// A Pod that was reached by the rules that nginx serves may come back, as long as
// nginx serves them; one that wasn't may not come by them, nor one that has come just
// before they changed.
func TestComeBack(t *testing.T) {
	t.Parallel()
	told := &notes{}
	p := Publisher{Directory: told}
	expect := func(changed int, want string) {
		t.Helper()
		if got := told.String(); got != want || changed == 0 {
			t.Errorf("told %q (%d changed), want %q", got, changed, want)
		}
	}
	now := time.Now()
	expect(p.Live(table(location("n", "/a", 1)), now), "a: 1")
	expect(p.Early(table(location("n", "/a", 1, 2)), now), "a: 1 2")
	now = now.Add(together)
	expect(p.Early(table(location("n", "/a", 1, 2, 3)), now), "a: 1 2 3")
	now = now.Add(together - 1)
	expect(p.Early(table(other(location("n", "/a", 1, 3))), now), "a: 1")
	expect(p.Early(table(other(location("n", "/a", 1, 2, 3, 4))), now), "a: 1 2")
	if p.Early(table(other(location("n", "/a", 1, 2, 5))), now) != 0 {
		t.Error("nothing new, but something was told")
	}
	expect(p.Live(table(other(location("n", "/a", 3))), now), "a: 3")
	if p.Early(table(location("n", "/a", 1, 2, 3)), now) != 0 {
		t.Errorf("those of the rules before the last came back: %s", told)
	}
}

// A new Pod's weight rises to its full share in ten steps; meanwhile all are
// multiplied alike.
func TestSlowStart(t *testing.T) {
	t.Parallel()
	ready := time.Unix(1_800_000_000, 0)
	addr := func(n byte) netip.AddrPort { return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 80) }
	s := service{Name: "a", SlowStart: 60, Endpoints: []pod{
		{Addr: addr(1), Weight: 2, ReadySince: ready.Unix() - 600},
		{Addr: addr(2), Weight: 2, ReadySince: ready.Unix()},
		{Addr: addr(3), Weight: 1}, // nobody knows since when
	}}
	for _, tc := range []struct {
		after time.Duration
		want  [3]uint16
		next  time.Duration // after ready; 0: never
	}{
		{-5 * time.Second, [3]uint16{200, 20, 100}, 6 * time.Second},
		{0, [3]uint16{200, 20, 100}, 6 * time.Second},
		{5999 * time.Millisecond, [3]uint16{200, 20, 100}, 6 * time.Second},
		{6 * time.Second, [3]uint16{200, 40, 100}, 12 * time.Second},
		{30 * time.Second, [3]uint16{200, 120, 100}, 36 * time.Second},
		{53 * time.Second, [3]uint16{200, 180, 100}, 54 * time.Second},
		{54 * time.Second, [3]uint16{2, 2, 1}, 0},
		{time.Hour, [3]uint16{2, 2, 1}, 0},
	} {
		now := ready.Add(tc.after)
		var got [3]uint16
		for i, e := range weigh(s, now) {
			got[i] = e.Weight
		}
		next := nextStep(s, now)
		if got != tc.want || next.IsZero() != (tc.next == 0) || tc.next > 0 && !next.Equal(ready.Add(tc.next)) {
			t.Errorf("after %v: weights %v, next %v; want %v, %v", tc.after, got, next.Sub(ready), tc.want, tc.next)
		}
	}
	s.Endpoints[0].Weight = value.MaxWeight // it can't be multiplied
	if got := weigh(s, ready); got[0].Weight != value.MaxWeight || got[1].Weight != 1 {
		t.Errorf("got %v", got)
	}
	s.SlowStart = 0
	if got := weigh(s, ready); got[1].Weight != 2 || !nextStep(s, ready).IsZero() {
		t.Errorf("without a slow start: %v", got)
	}
}
