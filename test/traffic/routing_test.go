package traffic

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestHostsAndPaths: every path of a Pod on every host of its Namespace (DF9),
// prefixes end with a segment (DX26), the longest match wins, host names are
// compared without case (DX30), and what no Pod declares gets 404 (DF14).
func TestHostsAndPaths(t *testing.T) {
	t.Parallel()
	root := newPod(t, "shop", "root", at("/only"))
	app := newPod(t, "shop", "app", at("/nodejs"), at("/nodejs/deep/"), entry{"basePath": "/exact", "match": "exact"})
	deep := newPod(t, "shop", "deep", at("/nodejs/deep/er"))
	ns := namespace("shop", "A.Example.com", "a.example.com.", "b.example.com", "10.0.0.1", "*.wild.example.com")
	whole := newPod(t, "whole", "whole", at("/"))
	d := start(t, ns, root, app, deep, namespace("whole", "whole.example.com"), whole)

	for _, host := range []string{"a.example.com", "A.EXAMPLE.COM", "a.example.com:8080", "a.example.com.", "b.example.com", "10.0.0.1", "x.wild.example.com"} {
		for uri, pod := range map[string]string{
			"/nodejs": "app", "/nodejs/": "app", "/nodejs/x": "app", "/nodejs?q": "app", "//nodejs": "app",
			"/nodejs/deep": "app", "/nodejs/deep/x": "app", "/nodejs/deep/er": "deep", "/nodejs/deep/er/x": "deep", "/nodejs/deep/erx": "app",
			"/exact": "app", "/only/": "root",
			"/nodejsfoo": "", "/nodej": "", "/": "", "/NODEJS": "", "/exact/": "", "/exact/x": "", "/onlyx": "",
		} {
			if got := d.ask(host, uri); got.Pod != pod || pod == "" && got.Status != http.StatusNotFound {
				t.Errorf("%s%s: answered by %q with %d, want %q", host, uri, got.Pod, got.Status, pod)
			}
		}
	}
	for _, uri := range []string{"/", "/x", "/x/y?z", "/dispatcher/status"} {
		if got := d.ask("whole.example.com", uri); got.Pod != "whole" {
			t.Errorf("whole.example.com%s: answered by %q with %d", uri, got.Pod, got.Status)
		}
	}
}

// TestExactWithSlash: an exact path stands for itself alone, without a redirect
// to it from the path without its slash.
func TestExactWithSlash(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", entry{"basePath": "/exact/", "match": "exact"}, entry{"basePath": "/app/exact/", "match": "exact"})
	app := newPod(t, "shop", "app", at("/app").to("/below"))
	d := start(t, namespace("shop", "www.example.com"), web, app)
	for uri, want := range map[string]string{
		"/exact/": "web /exact/", "/exact": " ", "/exact/x": " ",
		"/app/exact/": "web /app/exact/", "/app/exact": "app /below/exact", "/app/exact/x": "app /below/exact/x",
	} {
		if got := d.ask("www.example.com", uri); got.Pod+" "+got.URI != want || got.Pod == "" && got.Status != http.StatusNotFound {
			t.Errorf("%s: answered by %q as %q with %d, want %q", uri, got.Pod, got.URI, got.Status, want)
		}
	}
}

// TestUnknownHost: DF15. The connection is closed without an answer; the status
// path answers 200 there and only there. A wildcard stands for one label.
func TestUnknownHost(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"))
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com", "*.example.org"), web)
	d.run("--nginx-status-path=/is-it-up")
	for _, host := range []string{"other.example.com", "example.com", "x.www.example.com", "example.org", "a.b.example.org", "127.0.0.1", "xn--wgv71a", "_"} {
		for _, uri := range []string{"/", "/app", "/is-it-up/", "/dispatcher/status"} {
			if got := d.try(host, uri); !got.closed() {
				t.Errorf("%s%s: status %d, want a closed connection", host, uri, got.Status)
			}
		}
	}
	if got := d.ask("other.example.com", "/is-it-up"); got.Status != http.StatusOK || got.Pod != "" {
		t.Errorf("status path: %+v", got)
	}
	for _, host := range []string{"www.example.com", "a.example.org"} {
		if got := d.ask(host, "/is-it-up"); got.Status != http.StatusNotFound {
			t.Errorf("status path of a known host: %d, want 404", got.Status)
		}
		if got := d.ask(host, "/app"); got.Pod != "web" || got.Host != host {
			t.Errorf("%s: %+v", host, got)
		}
	}
}

// TestRoundRobin: DF8 and DF10. Pods that run share the requests; those that
// don't run, or have no address, get none. DF7: weights count.
func TestRoundRobin(t *testing.T) {
	t.Parallel()
	a, b, c := newPod(t, "shop", "a", at("/")), newPod(t, "shop", "b", at("/")), newPod(t, "shop", "c", at("/"))
	pending, homeless := newPod(t, "shop", "pending", at("/")), newPod(t, "shop", "homeless", at("/"))
	pending.Status.Phase = corev1.PodPending
	homeless.Status.PodIP = ""
	heavy := at("/weights")
	heavy["weight"] = 3
	a.paths(at("/"), heavy)
	b.paths(at("/"), at("/weights"))
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), a, b, c, pending, homeless)
	d.run("--worker-processes=1") // each worker counts by itself

	for uri, want := range map[string]string{"/": "map[a:10 b:10 c:10]", "/weights": "map[a:30 b:10]"} {
		n := 0
		for _, part := range strings.FieldsFunc(want, func(r rune) bool { return r < '0' || r > '9' }) {
			m, _ := strconv.Atoi(part)
			n += m
		}
		if got := fmt.Sprint(d.pods(n, "www.example.com", uri)); got != want {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
}

// TestSharedHost: DF19. On one host and path the older Namespace's Pods serve
// alone; the younger one has its other paths there.
func TestSharedHost(t *testing.T) {
	t.Parallel()
	older, younger := created(namespace("zebra", "www.example.com"), 1), created(namespace("ant", "www.example.com"), 2)
	z1, z2 := newPod(t, "zebra", "z1", at("/app")), newPod(t, "zebra", "z2", at("/app"))
	a := newPod(t, "ant", "a", at("/app"), at("/app/own"))
	d := start(t, older, younger, z1, z2, a)
	if got := d.pods(20, "www.example.com", "/app"); got["a"] != 0 || got["z1"] == 0 || got["z2"] == 0 {
		t.Errorf("/app: %v", got)
	}
	if got := d.ask("www.example.com", "/app/own").Pod; got != "a" {
		t.Errorf("/app/own: answered by %q", got)
	}
	if log := d.log(); !strings.Contains(log, "object=Namespace/ant") || !strings.Contains(log, "Namespace zebra, created first, serves it") {
		t.Error("the younger Namespace's loss is not reported")
	}
	d.remove(older, z1, z2)
	d.serves("www.example.com", "/app", "a")
}

// TestDefaultLocation: DF14, with another status and with a URL.
func TestDefaultLocation(t *testing.T) {
	t.Parallel()
	for status, flag := range map[int]string{503: "503", 0: "444", 299: "299"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			d := prepare(t)
			d.apply(namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
			d.run("--default-location-return=" + flag)
			if got := d.try("www.example.com", "/other"); got.Status != status {
				t.Errorf("status %d, want %d", got.Status, status)
			}
			if got := d.ask("www.example.com", "/app"); got.Pod != "web" {
				t.Errorf("/app: %+v", got)
			}
		})
	}
	t.Run("URL", func(t *testing.T) {
		t.Parallel()
		elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "default of %s%s", r.Host, r.RequestURI)
		}))
		t.Cleanup(elsewhere.Close)
		d := prepare(t)
		d.apply(namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
		d.run("--default-location-return=" + elsewhere.URL)
		if got := d.ask("www.example.com", "/other%2F1?x").Text; got != "default of www.example.com/other%2F1?x" {
			t.Errorf("got %q", got)
		}
	})
}

// TestWellKnownPorts: DX2. A Pod on port 443 is contacted there, as plain HTTP,
// and one on 80 on 80.
func TestWellKnownPorts(t *testing.T) {
	t.Parallel()
	if free, err := strconv.Atoi(strings.TrimSpace(readFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"))); os.Geteuid() != 0 && (err != nil || free > 80) {
		t.Skip("only root may listen on ports 80 and 443 here")
	}
	ip := newLoopback()
	d := start(t, namespace("shop", "www.example.com"),
		newPodAt(t, ip+":443", "shop", "web-443", at("/secure")), newPodAt(t, ip+":80", "shop", "web-80", at("/plain")))
	for uri, pod := range map[string]string{"/secure": "web-443", "/plain": "web-80"} {
		if got := d.ask("www.example.com", uri).Pod; got != pod {
			t.Errorf("%s: answered by %q, want %q", uri, got, pod)
		}
	}
}
