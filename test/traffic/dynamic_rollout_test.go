package traffic

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// firstly notes when a path of a Pod is asked for the first time.
func (p *pod) firstly(path string) <-chan time.Time {
	first := make(chan time.Time, 1)
	var once sync.Once
	p.on(path, func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { first <- time.Now() })
		p.echo(w, r)
	})
	return first
}

// TestDynamicRollout: DF28, DX4. 100 Pods of a route are replaced, a few at a time or
// one by one if there is time, as a Deployment does: a new one becomes ready, an old
// one is told to end, and ends a little later. No request is lost, nginx is never
// reloaded, and every new Pod gets its share. DYNAMICTIME says how long it shall last.
func TestDynamicRollout(t *testing.T) {
	t.Parallel()
	const pods, rate, fast = 100, 200, 1000
	const grace = 2 * time.Second // preStop, as docs/how-endpoints-change.md advises
	lasts, long := 20*time.Second, dynamicTime(t)
	paths := func() []entry { return []entry{at("/app")} }
	if long > 0 {
		lasts, paths = long, func() []entry { return []entry{at("/app"), at("/fast")} }
	}
	// nginx follows one change a second, but a few Pods may change together.
	together := max(1, int(math.Ceil(0.8*pods/lasts.Seconds())))
	d := prepareDynamic(t)
	d.apply(namespace("shop", "www.example.com"))
	old := make([]*pod, pods)
	for i := range old {
		old[i] = newPod(t, "shop", fmt.Sprintf("old-%d", i), paths()...)
		d.apply(old[i])
	}
	d.runDynamic()
	ear, check := d.listenIn(), d.unreloaded()
	began, loads := time.Now(), []*flow{d.visit(rate, "www.example.com", "/app", nil)}
	if long > 0 {
		loads = append(loads, d.visit(fast, "www.example.com", "/fast", nil))
	}

	arrivals := make([]arrival, 0, pods)
	var ending sync.WaitGroup
	tick := time.NewTicker(lasts * time.Duration(together) / pods)
	defer tick.Stop()
	for i := 0; i < pods; i += together {
		var fresh, leaving []metav1.Object
		for n := i; n < min(i+together, pods); n++ {
			p := newPod(t, "shop", fmt.Sprintf("new-%d", n), paths()...)
			arrivals = append(arrivals, arrival{pod: p, first: []<-chan time.Time{p.firstly("/app"), p.firstly("/fast")}})
			fresh, leaving = append(fresh, p.ready(false)), append(leaving, old[n].terminating())
		}
		d.apply(fresh...) // they are created
		<-tick.C
		for n := range fresh {
			arrivals[i+n].ready = time.Now()
			d.apply(arrivals[i+n].pod.ready(true))
		}
		d.apply(leaving...)
		ending.Go(func() {
			time.Sleep(grace)
			for _, p := range leaving {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				if err := p.(*pod).server.Shutdown(ctx); err != nil {
					t.Errorf("%s does not end: %v", p.GetName(), err)
				}
				cancel()
			}
			d.remove(leaving...)
		})
	}
	for i, path := range []string{"/app", "/fast"}[:len(loads)] {
		ear.follow(arrivals, i, path, pods*time.Second/[]time.Duration{rate, fast}[i])
	}
	ending.Wait()
	for _, l := range loads {
		asked := l.end()
		seconds := time.Since(began).Seconds()
		t.Logf("%d requests in %.1f s, %.0f a second, %d failed", asked, seconds, float64(asked)/seconds, l.failed.Load())
		if asked < int64(seconds*rate/3) {
			t.Errorf("%d requests in %.1f s are too few to tell", asked, seconds)
		}
	}
	check()
	t.Logf("no reload, %d Pods together; endpoints went live %d times", together, d.told())
}

// arrival is a Pod that comes: when it was written that it is ready, and its first
// requests.
type arrival struct {
	pod   *pod
	ready time.Time
	first []<-chan time.Time
}

// follow tells how long it took from readiness until nginx was told of each Pod, and
// from then until it got its first request of a path, for which nginx goes round all
// Pods. Each Pod must get one.
func (e *ear) follow(arrivals []arrival, of int, path string, round time.Duration) {
	e.d.t.Helper()
	var told, turn, all []time.Duration
	deadline, inTime := time.After(patience), 0
	for _, a := range arrivals {
		select {
		case first := <-a.first[of]:
			all = append(all, first.Sub(a.ready))
			if at, ok := e.told(a.pod, "www.example.com", path, a.ready); ok {
				told, turn = append(told, at.Sub(a.ready)), append(turn, first.Sub(at))
				if first.Sub(at) <= round {
					inTime++
				}
			}
		case <-deadline:
			e.d.t.Fatalf("%s has got no request for %s", a.pod.Name, path)
		}
	}
	e.d.t.Logf("%s: from readiness, as written, to the first request: %s", path, spread(all))
	e.d.t.Logf("%s: of that, until nginx was told (files must be quiet for 50 ms, and changes are gathered for 10 ms): %s", path, spread(told))
	e.d.t.Logf("%s: and then until its turn came, which comes once in %v: %s; %d within that", path, round, spread(turn), inTime)
}
