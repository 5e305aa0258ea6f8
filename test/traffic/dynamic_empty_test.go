package traffic

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestDynamicEmpty: DF28, DX4. A path without a Pod that serves answers 503, at once,
// and its Pods again when there is one: never 502, and nginx is not reloaded.
func TestDynamicEmpty(t *testing.T) {
	t.Parallel()
	const rounds = 2
	// The path with a target, an exact one, and one whose Pods are never ready.
	web := newPod(t, "shop", "web", at("/app"), at("/from").to("/to"), entry{"basePath": "/exact", "match": "exact"})
	other, never := newPod(t, "shop", "other", at("/other")), newPod(t, "shop", "never", at("/never"))
	d := startDynamic(t, namespace("shop", "www.example.com"), web, other, never.ready(false))
	if got := d.ask("www.example.com", "/never"); got.Status != http.StatusServiceUnavailable {
		t.Errorf("before its Pod was ever ready: status %d", got.Status)
	}
	check := d.unreloaded()
	idle := func(a answer) bool { return a.Status == http.StatusServiceUnavailable }
	loads := []*flow{d.visit(100, "www.example.com", "/app", idle), d.visit(40, "www.example.com", "/exact", idle)}
	others := d.visit(40, "www.example.com", "/other", nil)
	for range rounds {
		for _, ready := range []bool{false, true} {
			d.apply(web.ready(ready))
			for _, uri := range []string{"/app", "/from/x", "/exact"} {
				d.answers("www.example.com", uri, map[bool]int{false: http.StatusServiceUnavailable, true: http.StatusOK}[ready])
			}
		}
	}
	for _, l := range append(loads, others) {
		l.end()
		t.Logf("%d requests: %d with 200, %d with 503", l.asked.Load(), l.count(200), l.count(503))
	}
	if loads[0].count(http.StatusServiceUnavailable) == 0 || loads[0].count(http.StatusOK) == 0 {
		t.Error("too few requests to tell")
	}
	if got := d.ask("www.example.com", "/nobody"); got.Status != http.StatusNotFound {
		t.Errorf("a path that nobody declares: status %d", got.Status)
	}
	check()
}

// TestDynamicFamilies: Pods with addresses of IPv4 and of IPv6 serve alone and
// together, also if Dispatcher tells nginx of them over IPv6.
func TestDynamicFamilies(t *testing.T) {
	t.Parallel()
	if !hasIPv6() {
		t.Skip("NOT TESTED: this machine has no IPv6 loopback address")
	}
	for _, resolver := range []string{"", "[::1]:" + portPair(t)} {
		t.Run("resolver "+resolver, func(t *testing.T) {
			t.Parallel()
			four, six, both := newPod(t, "shop", "four", at("/app")), newPodAt(t, "[::1]:0", "shop", "six", at("/app")), newPodAt(t, "[::1]:0", "shop", "both", at("/app"))
			both.Status.PodIPs = append(both.Status.PodIPs, podIPs("::1", newLoopback())...) // the first one counts
			d := prepareDynamic(t)
			d.apply(namespace("shop", "www.example.com"), four, six.ready(false), both.ready(false))
			var flags []string
			if resolver != "" {
				flags = append(flags, "--resolver-addr="+resolver)
			}
			d.runDynamic(flags...)
			check := d.unreloaded()
			load := d.visit(100, "www.example.com", "/app", nil)
			for _, want := range [][]*pod{{four, six, both}, {six}, {four, both}} {
				var names []string
				for _, p := range []*pod{four, six, both} {
					p.ready(false)
				}
				for _, p := range want {
					names = append(names, p.ready(true).Name)
				}
				d.apply(four, six, both)
				d.eventually(fmt.Sprintf("%v answer, and nobody else", names), func() bool {
					count := map[string]int{}
					for range 4 * len(want) {
						count[d.try("www.example.com", "/app").Pod]++
					}
					for _, name := range names {
						if count[name] == 0 {
							return false
						}
					}
					return len(count) == len(want)
				})
			}
			t.Logf("%d requests", load.end())
			check()
			if strings.Contains(d.log(), "could not be resolved") {
				t.Error("nginx could not resolve something")
			}
		})
	}
}
