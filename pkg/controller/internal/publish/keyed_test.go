package publish

import (
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/discovery"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/value"
)

// keyed is a path whose Pods have keys. Each is written as its name and the last byte
// of its address: "x1"; one that is down has no address.
func keyed(path string, pods ...string) *route.Location {
	l := location("n", path)
	k := &route.Keyed{Key: must(value.ParseKeySource("segment:1"))}
	for i, p := range pods {
		m := route.Member{Upstream: strings.Trim(path, "/") + p[:1], Identity: p[:1]}
		if p[1:] != "" {
			e := location("n", path, p[1]-'0').Upstream.Endpoints[0]
			e.Pod.Name = p[:1]
			m.Endpoint = &e
			l.Upstream.Endpoints = append(l.Upstream.Endpoints, e)
		}
		k.Members, k.Slots = append(k.Members, m), append(k.Slots, route.Slot{Units: 10000 / len(pods), Member: i})
	}
	l.Upstream.Policy, l.Upstream.Keyed = value.PolicyHash, k
	return l
}

// change gives a location with something changed.
func change(l *route.Location, by func(l *route.Location)) *route.Location {
	by(l)
	return l
}

// HF1, HX12, KX7: each Pod that has keys is a service of its own. While nginx serves an
// older table, a Pod may go, and come back at another address; but where anything else
// differs, nobody new is told.
func TestKeyed(t *testing.T) {
	t.Parallel()
	pin := func(l *route.Location) {
		l.Upstream.Keyed.Overrides = []route.Override{{Key: must(value.ParseOverrideKey("room"))}}
	}
	for name, tc := range map[string]struct {
		live, next *route.Location
		want       string
	}{
		"a Pod is down":                {keyed("/a", "x1", "y2"), keyed("/a", "x1", "y"), "ax: 1, ay:"},
		"it is back elsewhere":         {keyed("/a", "x1", "y"), keyed("/a", "x1", "y3"), "ax: 1, ay: 3"},
		"a new one":                    {keyed("/a", "x1"), keyed("/a", "x1", "y2"), "ax: 1, ay: 2"}, // nginx doesn't ask for it yet
		"one is gone":                  {keyed("/a", "x1", "y2"), keyed("/a", "x1"), "ax: 1, ay:"},
		"other slots, another address": {keyed("/a", "x1", "y2"), change(keyed("/a", "x1", "y3"), func(l *route.Location) { l.Upstream.Keyed.Slots[0].Units++ }), "ax: 1, ay:"},
		"overrides, another address":   {keyed("/a", "x1", "y2"), change(keyed("/a", "x1", "y3"), pin), "ax: 1, ay:"},
		"the same overrides":           {change(keyed("/a", "x1"), pin), change(keyed("/a", "x3"), pin), "ax: 3"},
		"another key":                  {keyed("/a", "x1"), change(keyed("/a", "x3"), func(l *route.Location) { l.Upstream.Keyed.Key = must(value.ParseKeySource("host")) }), "ax:"},
		"keys, where were none":        {location("n", "/a", 1), keyed("/a", "x1"), "a:, ax: 1"},
		"no keys any more":             {keyed("/a", "x1"), location("n", "/a", 1), "a: 1, ax:"},
		"other rules":                  {keyed("/a", "x1"), other(keyed("/a", "x2")), "ax:"},
		"nobody is let in":             {keyed("/a", "x1"), closed(keyed("/a", "x1")), "ax:"},
		"no place for keys":            {keyed("/a", "x1"), change(keyed("/a", "x1"), func(l *route.Location) { l.Upstream.Keyed.Slots = nil }), "ax:"},
	} {
		told := &notes{}
		p := Publisher{Directory: told}
		p.Live(table(tc.live), time.Now())
		p.Early(table(tc.next), time.Now())
		if got := told.String(); got != tc.want {
			t.Errorf("%s: told %q, want %q", name, got, tc.want)
		}
	}
}

// EX8: an address outside the cluster waits for the rules by which it does not learn who
// clients are.
func TestOutside(t *testing.T) {
	t.Parallel()
	tableOf := func(kind string, clients bool) *route.Table {
		tb := table(change(location("n", "/a", 1), func(l *route.Location) { l.Upstream.Endpoints[0].Pod.Kind = kind }))
		tb.Hosts[0].TLS = &route.TLS{}
		if clients {
			tb.Hosts[0].TLS.Clients = &certificate.Bundle{}
		}
		return tb
	}
	for clients, want := range map[bool]string{true: "a:", false: "a: 1"} {
		told := &notes{}
		p := Publisher{Directory: told}
		p.Live(tableOf("Pod", clients), time.Now())
		p.Early(tableOf("EndpointSlice", clients), time.Now())
		if got := told.String(); got != want {
			t.Errorf("clients show certificates: %v: told %q, want %q", clients, got, want)
		}
	}
}

// KX1, KX11: where one Pod gets all requests, nginx is told of the next one in the place
// of the first, at once; never of both.
func TestOne(t *testing.T) {
	t.Parallel()
	one := func(pod byte) *route.Table {
		return table(change(location("n", "/a", pod), func(l *route.Location) { l.Upstream.Policy = value.PolicyOne }))
	}
	told := &diary{}
	p := Publisher{Directory: told}
	now := time.Now()
	p.Live(one(1), now)
	p.Early(one(2), now)
	p.Applying(one(2)) // for another path's sake
	p.Early(one(3), now)
	p.Applied(now, now)
	next := one(4)
	other(next.Hosts[0].Locations[0])
	p.Early(next, now)
	p.Live(next, now)
	if got, want := strings.Join(told.days, ", "), "a: 1, a: 2, a: 3, a: 3, a:, a: 4"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

// diary keeps all that was told.
type diary struct {
	notes
	days []string
}

func (d *diary) Set(services []discovery.Service) int {
	n := d.notes.Set(services)
	d.days = append(d.days, d.String())
	return n
}
