package discovery_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/discovery"
)

// Endpoints come, go, come back, and are none: nginx uses each change at once.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	p := pods(t, 2)
	b := newBed(t, conf{upstreams: []string{"a", "b"}}, service("a", p[0]), service("b", p[0]))
	t.Logf("after nginx's start: %v", b.answers("a", 200, p[0].String()))
	steps := []struct {
		name   string
		set    []netip.AddrPort
		status int
		pod    string
	}{
		{"another", p[1:], 200, p[1].String()},
		{"none", nil, 503, ""},
		{"one again", p[:1], 200, p[0].String()},
		{"both", p, 200, p[1].String()},
		{"one", p[:1], 200, p[0].String()},
	}
	for _, s := range steps {
		b.settled(2)
		before := b.responder.Stats()
		if n := b.responder.Set([]discovery.Service{service("b", p[0]), service("a", s.set...)}); n != 1 {
			t.Errorf("%s: %d services have changed", s.name, n)
		}
		t.Logf("%s: %v", s.name, b.answers("a", s.status, s.pod))
		if after := b.responder.Stats(); after.Woken != before.Woken+1 {
			t.Errorf("%s: %d queries were answered", s.name, after.Woken-before.Woken)
		}
		if !b.responder.Fetched("a") || b.responder.Wait(t.Context()) != nil {
			t.Errorf("%s: not fetched: %+v", s.name, b.responder.Stats())
		}
	}
}

// nginx shares requests by weight, and uses those of a higher priority only if no
// other answers.
func TestWeightsAndPriorities(t *testing.T) {
	t.Parallel()
	p := pods(t, 3)
	weigh := func(weights ...uint16) discovery.Service {
		s := service("a", p[:len(weights)]...)
		for i := range weights {
			s.Endpoints[i].Weight = weights[i]
		}
		return s
	}
	b := newBed(t, conf{upstreams: []string{"a"}}, weigh(1, 1, 1))
	b.settled(1)
	b.responder.Set([]discovery.Service{weigh(1, 2, 5)})
	took := b.wait("weights", func() bool { // 8 requests in a row show them
		count := b.count(8)
		return count[p[0].String()] == 1 && count[p[1].String()] == 2 && count[p[2].String()] == 5
	})
	t.Logf("weights: %v, with 8 requests", took)
	dead := freeAddr(t)
	backup := service("a", dead, p[0], p[1])
	backup.Endpoints[1].Priority, backup.Endpoints[2].Priority = 1, 1
	b.settled(1)
	b.responder.Set([]discovery.Service{backup})
	t.Logf("backups: %v", b.wait("backups", func() bool {
		count := b.count(10)
		return count[p[0].String()]+count[p[1].String()] == 10 && count[p[0].String()] > 0 && count[p[1].String()] > 0
	}))
	backup.Endpoints[0].Addr = p[2]
	b.settled(1)
	b.responder.Set([]discovery.Service{backup})
	b.answers("a", 200, p[2].String())
	if count := b.count(20); count[p[2].String()] != 20 {
		t.Errorf("with backups: %v", count)
	}
	backup.Endpoints = backup.Endpoints[1:]
	b.settled(1)
	b.responder.Set([]discovery.Service{backup})
	b.answers("a", 200, p[0].String())
	b.answers("a", 200, p[1].String())
}

// count asks n times, and says who answered.
func (b *bed) count(n int) map[string]int {
	count := map[string]int{}
	for range n {
		_, pod := b.get("/a/")
		count[pod]++
	}
	return count
}

// Endpoints of both families work, alone and together. The empty answer for the
// other family costs no time and no peers.
func TestFamilies(t *testing.T) {
	t.Parallel()
	v4, v6 := pods(t, 2), pod6(t)
	b := newBed(t, conf{upstreams: []string{"a"}}, service("a", v4[0], v6))
	for _, step := range []struct {
		name string
		set  []netip.AddrPort
	}{{"both", []netip.AddrPort{v4[0], v6}}, {"IPv6", []netip.AddrPort{v6}}, {"IPv4", v4}, {"all", []netip.AddrPort{v4[0], v6, v4[1]}}} {
		b.settled(1)
		b.responder.Set([]discovery.Service{service("a", step.set...)})
		t.Logf("%s: %v", step.name, b.wait("all of them", func() bool {
			n, count := len(step.set), b.count(2*len(step.set))
			return len(count) == n && !slices.ContainsFunc(step.set, func(a netip.AddrPort) bool { return count[a.String()] != 2 })
		}))
	}
	if log := b.log(); strings.Contains(log, "resolve") {
		t.Errorf("nginx says %s", log)
	}
}

// With ipv6=off nginx leaves out what has an IPv6 address only, and uses the rest.
func TestFamilyOff(t *testing.T) {
	t.Parallel()
	v4, v6 := pods(t, 1), pod6(t)
	b := newBed(t, conf{upstreams: []string{"a"}, resolver: "ipv6=off"}, service("a", v6, v4[0]))
	b.answers("a", 200, v4[0].String())
	if count := b.count(10); count[v4[0].String()] != 10 {
		t.Errorf("%v answered", count)
	}
	b.settled(1)
}

// pod6 is a Pod with an IPv6 address.
func pod6(t *testing.T) netip.AddrPort {
	t.Helper()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Context().Value(http.LocalAddrContextKey))
	})}
	t.Cleanup(func() { _ = server.Close() })
	return start(t, server, netip.MustParseAddrPort("[::1]:0"))
}

// A Pod that gets another address keeps its requests if it has a Target, as fast as
// any other change, and the others keep theirs.
func TestIdentity(t *testing.T) {
	t.Parallel()
	p := pods(t, 6)
	b := newBed(t, conf{upstreams: []string{"a"}, upstream: "hash $arg_k consistent;", resolver: "ipv6=off"})
	at := func(addrs ...netip.AddrPort) []discovery.Service {
		s := service("a", addrs...)
		for i := range s.Endpoints {
			s.Endpoints[i].Target = fmt.Sprintf("web-%d", i)
		}
		return []discovery.Service{s}
	}
	who := func() (of [100]string) {
		for k := range of {
			_, of[k] = b.get(fmt.Sprintf("/a/?k=%d", k))
		}
		return of
	}
	b.responder.Set(at(p[0], p[1], p[2]))
	b.answers("a", 200, "")
	first := who()
	k := slices.Index(first[:], p[0].String())
	if k < 0 {
		t.Fatalf("%s has no keys: %v", p[0], first)
	}
	var took []time.Duration
	for i, to := range []netip.AddrPort{p[3], p[4], p[5], p[0], p[3]} {
		b.settled(1)
		b.responder.Set(at(to, p[1], p[2]))
		took = append(took, b.wait("the new address", func() bool {
			_, pod := b.get(fmt.Sprintf("/a/?k=%d", k))
			return pod == to.String()
		}))
		for k, pod := range who() {
			want := first[k]
			if want == p[0].String() {
				want = to.String()
			}
			if pod != want {
				t.Errorf("change %d: key %d goes to %s, not %s", i, k, pod, want)
			}
		}
	}
	t.Logf("new addresses: %v", took)
}
