package diff_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/diff"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func namespace(name string) cluster.Ref { return cluster.Ref{Kind: "Namespace", Name: name} }

func endpoint(pod string, last byte, weight int) table.Endpoint {
	return table.Endpoint{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, last}), 80), Weight: weight, Pod: cluster.Ref{Kind: "Pod", Namespace: "shop", Name: pod}}
}

// shop is a Table with one host and the path /x, as the functions change it.
func shop(change ...func(h *table.VirtualHost, l *table.Location)) *table.Table {
	l := &table.Location{
		Path: must(value.ParsePath("/x")), Match: value.Prefix, From: namespace("shop"),
		Upstream: &table.Upstream{Name: "pods-1", Endpoints: []table.Endpoint{endpoint("web-0", 1, 1), endpoint("web-1", 2, 1)}},
	}
	h := &table.VirtualHost{Name: must(value.ParseHost("a.com")), Owner: namespace("shop"), From: []cluster.Ref{namespace("shop")}, Locations: []*table.Location{l}}
	for _, c := range change {
		c(h, l)
	}
	return &table.Table{Hosts: []*table.VirtualHost{h}}
}

func lines(changes []diff.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%s %v %d %d", c, c.Namespaces, c.Effect, len(c.Comes)))
	}
	return strings.Join(out, "\n")
}

// TestWords: each Change says in words what it is, whose it is, and what it means for
// nginx.conf.
func TestWords(t *testing.T) {
	t.Parallel()
	keyed := func(overrides int, pods ...string) func(*table.VirtualHost, *table.Location) {
		return func(_ *table.VirtualHost, l *table.Location) {
			k := &table.Keyed{Key: must(value.ParseKeySource("host"))}
			for _, p := range pods {
				k.Slots = append(k.Slots, table.Slot{Units: table.SlotUnits / len(pods), Member: len(k.Members)})
				k.Members = append(k.Members, table.Member{Upstream: "pods-" + p, Identity: p})
			}
			for i := range overrides {
				k.Overrides = append(k.Overrides, table.Override{Key: must(value.ParseOverrideKey(fmt.Sprint("key", i)))})
			}
			l.Upstream.Keyed = k
		}
	}
	for name, tt := range map[string]struct {
		before, after *table.Table
		any           bool
		want          string
	}{
		"nothing":     {before: shop(), after: shop()},
		"a new host":  {after: shop(), want: "host a.com: added, of Namespace shop [shop] 2 2\nhost a.com path /x: added, with 2 pods [shop] 2 2"},
		"no host any": {before: shop(), want: "host a.com: removed [shop] 2 0\nhost a.com path /x: removed [shop] 2 0"},
		"one more, heavier": {before: shop(), after: shop(func(_ *table.VirtualHost, l *table.Location) {
			l.Upstream.Endpoints = []table.Endpoint{endpoint("web-0", 1, 3), endpoint("web-1", 2, 1), endpoint("web-2", 3, 1)}
		}), want: "host a.com path /x: +1 pod, weight 1→3 [shop] 1 0"},
		"one more alone": {before: shop(), after: shop(func(_ *table.VirtualHost, l *table.Location) {
			l.Upstream.Endpoints = append(l.Upstream.Endpoints, endpoint("web-2", 3, 1))
		}), want: "host a.com path /x: +1 pod [shop] 1 1"},
		"one less": {before: shop(), after: shop(func(_ *table.VirtualHost, l *table.Location) { l.Upstream.Endpoints = l.Upstream.Endpoints[1:] }),
			want: "host a.com path /x: -1 pod [shop] 1 0"},
		"other addresses": {before: shop(), after: shop(func(_ *table.VirtualHost, l *table.Location) {
			l.Upstream.Endpoints = []table.Endpoint{endpoint("web-0", 2, 1), endpoint("web-1", 1, 1)}
		}), want: "host a.com path /x: another address of 2 pods [shop] 1 0"},
		"any address": {any: true, before: shop(), after: shop(func(_ *table.VirtualHost, l *table.Location) {
			l.Upstream.Endpoints = []table.Endpoint{endpoint("web-0", 2, 1), endpoint("web-1", 1, 1)}
		})},
		"another key": {before: shop(func(_ *table.VirtualHost, l *table.Location) {
			l.Auth.Keys = []value.Key{must(value.NewKey([]byte("hidden")))}
		}),
			after: shop(func(_ *table.VirtualHost, l *table.Location) {
				l.Auth.Keys = []value.Key{must(value.NewKey([]byte("covert")))}
			}), want: "host a.com path /x: API key changed [shop] 2 0"},
		"a key": {before: shop(), after: shop(func(_ *table.VirtualHost, l *table.Location) {
			l.Auth.Keys = []value.Key{must(value.NewKey([]byte("hidden")))}
		}), want: "host a.com path /x: an API key is demanded [shop] 2 0"},
		"closed": {before: shop(), after: shop(func(_ *table.VirtualHost, l *table.Location) { l.Auth.Closed = true }),
			want: "host a.com path /x: 403 for all, since an API key is demanded and there is none [shop] 2 0"},
		"slow start": {before: shop(), after: shop(func(_ *table.VirtualHost, l *table.Location) { l.Upstream.SlowStart = 30 }),
			want: "host a.com path /x: slowStart standard→30s [shop] 0 0"},
		"limits and sources": {before: shop(), after: shop(func(_ *table.VirtualHost, l *table.Location) {
			l.Limits = table.Limits{MaxBody: must(value.ParseSize("1m")), ReadTimeout: 5}
			l.Sources = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}), want: "host a.com path /x: allowSourceRanges anywhere→10.0.0.0/8, maxBodySize standard→1m, readTimeout standard→5s [shop] 2 0"},
		"another Namespace": {before: shop(), after: shop(func(h *table.VirtualHost, l *table.Location) {
			h.From, l.From = append(h.From, namespace("blog")), namespace("blog")
		}), want: "host a.com: also of Namespace blog [blog] 2 0\nhost a.com path /x: Namespace shop→blog [blog shop] 2 0"},
		"another owner": {before: shop(), after: shop(func(h *table.VirtualHost, _ *table.Location) {
			h.From, h.Owner = []cluster.Ref{namespace("blog"), namespace("shop")}, namespace("blog")
		}), want: "host a.com: owner shop→blog [blog shop] 2 0"},
		"turned away": {before: shop(), after: shop(func(h *table.VirtualHost, _ *table.Location) { h.Refused = true }),
			want: "host a.com: turned away, since its options can't be met [shop] 2 0"},
		"keys": {before: shop(keyed(1, "web-0", "web-1")), after: shop(keyed(2, "web-0")),
			want: "host a.com path /x: -1 pod with keys, 50% of the keys move, overrides 1→2 [shop] 2 0"},
		"hosts that nobody declares": {before: shop(func(h *table.VirtualHost, _ *table.Location) { h.Name = value.Host{} }),
			after: shop(func(h *table.VirtualHost, l *table.Location) {
				h.Name, l.Target = value.Host{}, must(value.ParsePath("/y"))
			}),
			want: "hosts that nobody declares path /x: targetPath none→/y [shop] 2 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := lines(diff.Of(tt.before, tt.after, diff.Options{AnyAddress: tt.any})); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestShadows: that a host is kept from a wildcard host comes from whoever owns that.
func TestShadows(t *testing.T) {
	t.Parallel()
	world := func(shadowed bool) *table.Table {
		return &table.Table{Hosts: []*table.VirtualHost{
			{Name: must(value.ParseHost("*.a.com")), Owner: namespace("wild"), From: []cluster.Ref{namespace("wild")}},
			{Name: must(value.ParseHost("b.a.com")), Owner: namespace("shop"), From: []cluster.Ref{namespace("shop")}, Shadowed: shadowed},
		}}
	}
	changes := diff.Of(world(false), world(true), diff.Options{})
	if len(changes) != 1 || !slices.Equal(changes[0].Namespaces, []string{"wild"}) {
		t.Errorf("got %+v", changes)
	}
}
