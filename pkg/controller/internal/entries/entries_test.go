package entries

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
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

func ns(name string) cluster.Ref { return cluster.Ref{Kind: "Namespace", Name: name} }

func pod(n byte) route.Endpoint {
	return route.Endpoint{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 80), Pod: cluster.Ref{Kind: "Pod", Namespace: "n", Name: string('a' + rune(n))}}
}

func location(path string, pods ...byte) *route.Location {
	l := &route.Location{Path: must(value.ParsePath(path)), Match: value.Prefix, From: ns("n"), Upstream: &route.Upstream{Name: "pods-" + path}}
	for _, n := range pods {
		l.Upstream.Endpoints = append(l.Upstream.Endpoints, pod(n))
	}
	return l
}

func host(name string, locations ...*route.Location) *route.VirtualHost {
	h := &route.VirtualHost{Owner: ns("n"), From: []cluster.Ref{ns("n")}, Locations: locations}
	if name != "" {
		h.Name = must(value.ParseHost(name))
	}
	return h
}

// What was served before stays as long as nobody could be let in by it, or reached, who
// isn't by what replaces it; else its requests are answered with 503.
func TestWhatStays(t *testing.T) {
	t.Parallel()
	serves := func(e route.Endpoint) bool { return e == pod(2) || e == pod(4) }
	key := must(value.NewKey([]byte("secret")))
	for name, tc := range map[string]struct {
		change func(h *route.VirtualHost, l *route.Location)
		want   []byte // whom the earlier one still reaches; nil: it does not stay
	}{
		"more time":         {func(_ *route.VirtualHost, l *route.Location) { l.Limits.ReadTimeout = 7 }, []byte{1, 2}},
		"another owner":     {func(h *route.VirtualHost, _ *route.Location) { h.Owner = ns("o") }, nil},
		"another Namespace": {func(_ *route.VirtualHost, l *route.Location) { l.From = ns("o") }, nil},
		"a key":             {func(_ *route.VirtualHost, l *route.Location) { l.Auth.Keys = []value.Key{key} }, nil},
		"closed":            {func(_ *route.VirtualHost, l *route.Location) { l.Auth.Closed = true }, nil},
		"sources": {func(_ *route.VirtualHost, l *route.Location) {
			l.Sources = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}, nil},
		"https":   {func(_ *route.VirtualHost, l *route.Location) { l.Backend.HTTPS = true }, nil},
		"one Pod": {func(_ *route.VirtualHost, l *route.Location) { l.Upstream.Policy = value.PolicyOne }, []byte{1, 2}},
	} {
		good := host("a.example", location("/a", 1, 2, 3), location("/b"))
		h, l := host("a.example", location("/a", 1, 4), location("/b")), location("/a", 1, 4)
		h.Locations[0] = l
		tc.change(h, l)
		before := &route.Table{Hosts: []*route.VirtualHost{h}}
		e := Entry{"a.example", l.Key()}
		place := Place{Good: &Good{good, good.Locations[0]}, Claim: true}
		got := Without(before, map[Entry]Place{e: place}, serves).Hosts[0]
		if before.Hosts[0].Locations[0] != l || got.Locations[1] != h.Locations[1] {
			t.Errorf("%s: something else has changed", name)
		}
		at := got.Locations[0]
		if tc.want == nil {
			if len(at.Upstream.Endpoints) > 0 || !isClaim(at) || at.Key() != l.Key() || at.From != l.From || place.Keeps(h, l) {
				t.Errorf("%s: there stays %+v", name, at)
			}
			place.Claim = false
			if got := Without(before, map[Entry]Place{e: place}, serves).Hosts[0]; len(got.Locations) != 1 {
				t.Errorf("%s: without a claim there stays %+v", name, got.Locations[0])
			}
			continue
		}
		var reached []route.Endpoint
		for _, n := range tc.want {
			reached = append(reached, pod(n))
		}
		if !slices.Equal(at.Upstream.Endpoints, reached) || at.Limits != (route.Limits{}) || !place.Keeps(h, l) {
			t.Errorf("%s: there stays %+v", name, at.Upstream)
		}
	}
}

// Where a policy has chosen one Pod, an earlier choice doesn't count.
func TestPolicyChooses(t *testing.T) {
	t.Parallel()
	was, l := location("/a", 1), location("/a", 2)
	was.Upstream.Policy, l.Upstream.Policy = value.PolicyOne, value.PolicyOne
	always := func(route.Endpoint) bool { return true }
	if got := stillServing(was, l, always); len(got.Upstream.Endpoints) > 0 {
		t.Errorf("it reaches %v", got.Upstream.Endpoints)
	}
}

// A host that is left out is turned away, by no wildcard served, and over TLS neither. One
// that others have joined stays as it was, with what its Namespaces serve.
func TestHosts(t *testing.T) {
	t.Parallel()
	wildcard, h := host("*.b.example"), host("a.b.example", location("/a", 1))
	wildcard.TLS = &route.TLS{}
	whole := &route.Table{Until: 7, Hosts: []*route.VirtualHost{host("", location("/", 1)), wildcard, h}}
	claims := map[Entry]Place{{Host: "a.b.example"}: {Claim: true}, {}: {Claim: true}}
	got := Without(whole, claims, nil)
	if v := got.Named("a.b.example"); len(got.Hosts) != 2 || got.Until != 7 || v == nil || !v.Refused || !v.Shadowed || v.TLS != nil || len(v.Locations) > 0 {
		t.Errorf("there stays %+v", got.Hosts)
	}
	if got := Without(whole, map[Entry]Place{{Host: "a.b.example"}: {}}, nil); got.Named("a.b.example") != nil || len(got.Hosts) != 2 {
		t.Errorf("without a claim there stays %+v", got.Hosts)
	}
	joins := location("/b", 2)
	joins.From = ns("o")
	now := host("a.b.example", location("/a", 1), joins)
	now.From = append(now.From, ns("o"))
	suspects := Suspects(&route.Table{Hosts: []*route.VirtualHost{now}}, whole, nil)
	if len(suspects) != 2 || suspects[0].From != ns("o") || !suspects[0].IsHost() || suspects[1].Key.Path != "/b" {
		t.Fatalf("suspects are %+v", suspects)
	}
	left := Without(&route.Table{Hosts: []*route.VirtualHost{now}}, map[Entry]Place{{Host: "a.b.example"}: {Good: suspects[0].Good, Claim: true}}, nil).Hosts[0]
	if len(left.From) != 1 || len(left.Locations) != 1 || left.Locations[0] != now.Locations[0] || left.Refused {
		t.Errorf("there stays %+v", left)
	}
	stale := Without(&route.Table{Hosts: []*route.VirtualHost{now}}, map[Entry]Place{{Host: "a.b.example"}: {Good: &Good{Host: h}, Stale: true}}, nil).Hosts[0]
	if !reflect.DeepEqual(stale, h) {
		t.Errorf("while it waits it is %+v", stale)
	}
}

// An entry is another one if its owner has written something else, and not if its Pods
// come and go.
func TestSameLocation(t *testing.T) {
	t.Parallel()
	weighs := location("/a", 1)
	weighs.Upstream.Endpoints[0].Weight = 5
	asks := location("/a", 1)
	asks.Limits.ReadTimeout = 5
	for name, tc := range map[string]struct {
		l    *route.Location
		want bool
	}{"the same": {location("/a", 1), true}, "other Pods": {location("/a", 2, 3), true}, "no Pods": {location("/a"), true}, "a weight": {weighs, false}, "an option": {asks, false}} {
		if SameLocation(location("/a", 1), tc.l) != tc.want || SameLocation(tc.l, location("/a", 1)) != tc.want {
			t.Errorf("%s: not %v", name, tc.want)
		}
	}
}

// A line of the configuration leads to the entry around it.
func TestAt(t *testing.T) {
	t.Parallel()
	exact := location("/e", 1)
	exact.Match = value.Exact
	tb := &route.Table{Hosts: []*route.VirtualHost{host("a.example", location("/", 1), location("/a", 1), exact)}}
	tb.Hosts[0].Locations[1].Upstream.Keyed = &route.Keyed{Members: []route.Member{{Upstream: "pods-m"}}}
	tb.Hosts[0].Locations[1].Upstream.Name = "pods-k"
	const conf = `events {}
http {
  upstream pods-/ {
    server 10.0.0.1:80;
  }
  upstream pods-m { server 10.0.0.1:80; }
  split_clients $x $slot_k { * pods-m; }
  server {
    server_name a.example;
    # a comment
    location = /a {
      x on;
    }
    location /a/ { x on; }
    location = /e { x on; }
    location / {
    }
    location @again { x on; }
  }
  server { server_name b.example; }
}
`
	root, at, e := table.Key{Path: "/", Match: value.Prefix}, table.Key{Path: "/a", Match: value.Prefix}, exact.Key()
	want := map[int]*table.Key{4: &root, 6: &at, 7: &at, 9: {}, 12: &at, 14: &at, 15: &e, 17: &root, 18: {}}
	for line := range 22 {
		got, ok := At([]byte(conf), line, tb)
		key := want[line]
		if key == nil {
			if ok && (line < 3 || line > 19) {
				t.Errorf("line %d: %v", line, got)
			}
			continue
		}
		if !ok || got != (Entry{"a.example", *key}) {
			t.Errorf("line %d: %v %v, want %v", line, got, ok, *key)
		}
	}
	if _, ok := At([]byte("http { \" "), 1, tb); ok {
		t.Error("what can't be read leads somewhere")
	}
}
