package traffic

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// with sets a field of a path's entry.
func (e entry) with(field string, value any) entry {
	e[field] = value
	return e
}

// TestDynamicWeights: DF7. A change of weights acts without a reload.
func TestDynamicWeights(t *testing.T) {
	t.Parallel()
	pods := []*pod{newPod(t, "shop", "a", at("/app")), newPod(t, "shop", "b", at("/app")), newPod(t, "shop", "c", at("/app"))}
	d := startDynamic(t, namespace("shop", "www.example.com"), pods[0], pods[1], pods[2])
	check := d.unreloaded()
	for _, weights := range [][3]int{{1, 2, 5}, {1, 1, 1}, {100, 1, 1}, {3, 3, 2}} {
		sum := 0
		for i, p := range pods {
			d.apply(p.paths(at("/app").with("weight", weights[i])))
			sum += weights[i]
		}
		d.eventually(fmt.Sprintf("weights %v", weights), func() bool {
			count := d.pods(sum, "www.example.com", "/app")
			return count["a"] == weights[0] && count["b"] == weights[1] && count["c"] == weights[2]
		})
	}
	check()
}

// TestDynamicBalance: DF7. Where least_conn is asked for, busy Pods get no more, also
// if Pods come; with random all get something. To change that takes a reload.
func TestDynamicBalance(t *testing.T) {
	t.Parallel()
	busy, idle, comes := newPod(t, "shop", "busy", at("/app").with("balance", "least_conn")), newPod(t, "shop", "idle", at("/app")), newPod(t, "shop", "comes", at("/app"))
	g := newGate()
	for _, p := range []*pod{busy, idle, comes} {
		p.on("/app/slow", g.hold(p.backend))
	}
	d := startDynamic(t, namespace("shop", "www.example.com"), busy, idle.ready(false), comes.ready(false))
	check := d.unreloaded()
	const slow = 5
	results := make(chan answer, slow)
	for range slow {
		go func() { results <- d.try("www.example.com", "/app/slow") }()
		<-g.reached
	}
	d.apply(idle.ready(true))
	d.eventually("the idle Pod serves", func() bool { return d.try("www.example.com", "/app").Pod == "idle" })
	if got := d.pods(20, "www.example.com", "/app"); got["idle"] != 20 {
		t.Errorf("while the other has %d requests: %v", slow, got)
	}
	d.apply(comes.ready(true))
	d.eventually("the third Pod serves", func() bool { return d.try("www.example.com", "/app").Pod == "comes" })
	if got := d.pods(20, "www.example.com", "/app"); got["busy"] != 0 || got["idle"] == 0 || got["comes"] == 0 {
		t.Errorf("with a third Pod: %v", got)
	}
	check()
	close(g.open)
	for range slow {
		if got := <-results; got.Pod != "busy" {
			t.Errorf("a slow request was answered by %q with %d", got.Pod, got.Status)
		}
	}

	lives := d.lives()
	d.apply(busy.paths(at("/app").with("balance", "random")))
	d.eventually("another configuration", func() bool { return d.lives() > lives })
	d.eventually("all get something", func() bool { return len(d.pods(20, "www.example.com", "/app")) == 3 })
	lives = d.lives()
	d.apply(comes.ready(false))
	d.eventually("two get something", func() bool { return len(d.pods(20, "www.example.com", "/app")) == 2 })
	if d.lives() != lives {
		t.Error("a change of endpoints has reloaded nginx")
	}
}

// TestDynamicSticky: with a cookie a client stays at its Pod while others come and go,
// and nginx is reloaded; when its Pod goes, it gets another one.
func TestDynamicSticky(t *testing.T) {
	t.Parallel()
	const clients = 12
	var pods []*pod
	objects := []metav1.Object{namespace("shop", "www.example.com")}
	for i := range 4 {
		pods = append(pods, newPod(t, "shop", fmt.Sprintf("p%d", i), at("/app").with("sticky", "pod")))
		objects = append(objects, pods[i].ready(i < 3))
	}
	d := prepareDynamic(t)
	if d.nginxVersion() < 1_029_006 {
		t.Skip("NOT TESTED: this nginx is older than 1.29.6, which knows the directive sticky")
	}
	d.apply(objects...)
	d.runDynamic()
	check := d.unreloaded()
	cookies, at := make([]string, clients), make([]string, clients)
	shape := regexp.MustCompile(`^(pod=[0-9a-zA-Z]+); (.*)$`)
	for i := range clients {
		got := d.ask("www.example.com", "/app/x")
		m := shape.FindStringSubmatch(got.Received.Get("Set-Cookie"))
		if m == nil || !strings.EqualFold(m[2], "HttpOnly; SameSite=Lax; Path=/app") && !strings.EqualFold(m[2], "path=/app; httponly; samesite=lax") {
			t.Fatalf("cookie %q", got.Received.Values("Set-Cookie"))
		}
		cookies[i], at[i] = "Cookie: "+m[1], got.Pod
	}
	// stay checks that clients are where they were, but for those of one Pod.
	stay := func(when, gone string) {
		t.Helper()
		for i, cookie := range cookies {
			for range 2 {
				got := d.ask("www.example.com", "/app", cookie)
				if got.Pod != at[i] && at[i] != gone {
					t.Errorf("%s: client %d was at %s and is at %q, status %d", when, i, at[i], got.Pod, got.Status)
				}
			}
		}
	}
	stay("at first", "")
	d.apply(pods[3].ready(true))
	d.eventually("the fourth serves", func() bool { return d.try("www.example.com", "/app").Pod == "p3" })
	stay("when another Pod has come", "")
	d.apply(pods[0].ready(false))
	d.eventually("the first has gone", func() bool { _, there := d.pods(12, "www.example.com", "/app")["p0"]; return !there })
	stay("when another Pod has gone", "p0")
	for i, cookie := range cookies {
		if at[i] != "p0" {
			continue
		}
		got := d.ask("www.example.com", "/app", cookie)
		m := shape.FindStringSubmatch(got.Received.Get("Set-Cookie"))
		if got.Pod == "p0" || m == nil {
			t.Fatalf("the client of the Pod that has gone: %q, cookie %q", got.Pod, got.Received.Values("Set-Cookie"))
		}
		cookies[i], at[i] = "Cookie: "+m[1], got.Pod
	}
	stay("after that", "")
	check()
	d.apply(pods[1].paths(entry{"basePath": "/app", "sticky": "pod"}, entry{"basePath": "/new"}))
	d.serves("www.example.com", "/new", "p1")
	stay("after a reload", "")
}

// TestDynamicSlowStart: a Pod that has just become ready gets its share little by
// little, without a reload.
func TestDynamicSlowStart(t *testing.T) {
	t.Parallel()
	const slow = 3 * time.Second
	old, fresh := newPod(t, "shop", "old", at("/app").with("slowStart", "3s")), newPod(t, "shop", "fresh", at("/app"))
	d := startDynamic(t, namespace("shop", "www.example.com"), old, fresh.ready(false))
	check := d.unreloaded()
	// Readiness is told in whole seconds: the first step lasts a little longer.
	fresh.Status.Conditions[0].LastTransitionTime = metav1.NewTime(time.Now().Add(time.Second))
	first := fresh.firstly("/app")
	d.apply(fresh.ready(true))
	began := time.Now()
	var shares []string
	var of []bool // the fresh Pod's, since its first
	for len(of) == 0 || time.Since(began) < slow+2*time.Second {
		got := d.ask("www.example.com", "/app")
		select {
		case began = <-first:
			of = append(of, true)
			continue
		default:
		}
		if len(of) > 0 {
			of = append(of, got.Pod == "fresh")
		}
		time.Sleep(5 * time.Millisecond)
	}
	part := len(of) / 10 // about half a second
	if part < 10 {
		t.Fatalf("%d requests are too few to tell", len(of))
	}
	share := func(from, to int) float64 {
		n := 0
		for _, hit := range of[from:to] {
			if hit {
				n++
			}
		}
		return float64(n) / float64(to-from)
	}
	for i := range 10 {
		shares = append(shares, fmt.Sprintf("%.0f %%", 100*share(i*part, (i+1)*part)))
	}
	t.Logf("the fresh Pod's share, each half second: %s", strings.Join(shares, ", "))
	if early := share(0, part); early > 0.35 {
		t.Errorf("at first it got %.0f %% of the requests", 100*early)
	}
	d.eventually("it has its full share", func() bool {
		count := d.pods(20, "www.example.com", "/app")
		return count["fresh"] == 10
	})
	check()
	if got := d.ask("www.example.com", "/app"); got.Status != http.StatusOK {
		t.Errorf("status %d", got.Status)
	}
}
