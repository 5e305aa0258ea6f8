package traffic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BenchmarkChange measures how long it takes from the event that a Pod is ready, as an
// API server tells it, to the first request at that Pod, while others come and go: the
// same changes at the same random times for each way in which nginx may learn of them.
// A window of 10 ms is the shortest that makes sense, as changes are gathered for that
// long anyhow; 2 s is that of the seed. Where nginx asks for endpoints, it is measured
// when it was told: until then it is Dispatcher's time, then nginx's and the client's.
func BenchmarkChange(b *testing.B) {
	for _, way := range []struct{ name, endpoints, window string }{
		{"dynamic", "dynamic", "2s"},
		{"reload/window=10ms", "reload", "10ms"},
		{"reload/window=2s", "reload", "2s"},
	} {
		b.Run(way.name, func(b *testing.B) {
			d := prepare(b)
			if d.nginxVersion() < 1_027_003 && way.endpoints == "dynamic" {
				b.Skip("NOT MEASURED: this nginx can't ask for endpoints: set NGINX_BINARY=$(scripts/current-nginx.sh)")
			}
			routes, objects := newRoutes(b, 16)
			a := apiServer(b, objects...)
			d.run("--source=kube", "--kube-host="+a.Listener.Addr().String(), "--events=false", "--access-log=false", "--endpoints="+way.endpoints, "--event-window="+way.window)
			for b.Loop() {
				d.measure(b, a, routes)
			}
		})
	}
}

// route has a Pod that stays, and one that comes and goes.
type route struct {
	path  string
	guest *pod
}

func newRoutes(b *testing.B, n int) (routes []route, objects []metav1.Object) {
	b.Helper()
	objects = append(objects, namespace("shop", "www.example.com"))
	for i := range n {
		path := fmt.Sprintf("/%d", i)
		guest := newPod(b, "shop", fmt.Sprintf("guest-%d", i), at(path)).ready(false)
		routes = append(routes, route{path, guest})
		objects = append(objects, guest, newPod(b, "shop", fmt.Sprintf("stays-%d", i), at(path)))
	}
	return routes, objects
}

// measure follows changes. Between two of the same route there is so much time that
// nginx's questions are as old as in production when they are answered.
func (d *dispatcher) measure(b *testing.B, a *api, routes []route) {
	b.Helper()
	const samples = 60
	r, ear := rand.New(rand.NewPCG(1, 2)), d.listenIn()
	pause := func() { time.Sleep(time.Duration(r.Int64N(int64(2 * time.Second)))) }
	var all, untilTold, then []time.Duration
	for i := range samples {
		pause()
		leaves := routes[(i+len(routes)/2)%len(routes)].guest
		a.tell(leaves.ready(false))
		pause()
		next := routes[i%len(routes)]
		first := next.guest.firstly(next.path)
		began := time.Now()
		a.tell(next.guest.ready(true))
		came := d.knock(next.path, first)
		all = append(all, came.Sub(began))
		if told, ok := ear.told(next.guest, "www.example.com", next.path, began); ok {
			untilTold, then = append(untilTold, told.Sub(began)), append(then, came.Sub(told))
		}
	}
	reportTimes(b, "", all)
	if len(then) > 0 {
		reportTimes(b, "told-", untilTold)
		reportTimes(b, "then-", then)
	}
	b.ReportMetric(0, "ns/op") // of no meaning here
}

// knock asks for a path again and again, on a new connection each time, until its
// Pod says when the first request came.
func (d *dispatcher) knock(path string, first <-chan time.Time) time.Time {
	d.t.Helper()
	for deadline := time.Now().Add(patience); ; d.try("www.example.com", path) {
		select {
		case at := <-first:
			return at
		default:
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("no request for %s reaches the Pod that has come", path)
		}
	}
}

// reportTimes reports a distribution in milliseconds.
func reportTimes(b *testing.B, of string, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	for name, at := range map[string]int{"min": 0, "median": len(took) / 2, "p95": len(took) * 95 / 100, "max": len(took) - 1} {
		b.ReportMetric(float64(took[at].Microseconds())/1000, of+name+"-ms")
	}
}
