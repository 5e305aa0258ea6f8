package traffic

import (
	"context"
	"fmt"
	"net/http"
	"os"
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

// TestDynamicRollout: DF28, DX4. 100 Pods of a route are replaced, a few at a time,
// as a Deployment does: a new one becomes ready, an old one is told to end, and ends
// a little later. No request is lost, nginx is never reloaded, and every new Pod gets
// its share. DYNAMICTIME says how long it shall last.
func TestDynamicRollout(t *testing.T) {
	t.Parallel()
	const pods, together, rate = 100, 4, 200
	const grace = 2 * time.Second // preStop, as docs/how-endpoints-change.md advises
	lasts := 20 * time.Second
	if text := os.Getenv("DYNAMICTIME"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("DYNAMICTIME: %v", err)
		}
	}
	d := prepareDynamic(t)
	d.apply(namespace("shop", "www.example.com"))
	old := make([]*pod, pods)
	for i := range old {
		old[i] = newPod(t, "shop", fmt.Sprintf("old-%d", i), at("/app"))
		d.apply(old[i])
	}
	d.runDynamic()
	check := d.unreloaded()
	began, load := time.Now(), d.visit(rate, "www.example.com", "/app", nil)

	type arrival struct {
		ready time.Time
		first <-chan time.Time
	}
	var arrivals []arrival
	var ending sync.WaitGroup
	tick := time.NewTicker(lasts * together / pods)
	defer tick.Stop()
	for i := 0; i < pods; i += together {
		var fresh, leaving []metav1.Object
		for n := i; n < i+together; n++ {
			p := newPod(t, "shop", fmt.Sprintf("new-%d", n), at("/app"))
			arrivals = append(arrivals, arrival{first: p.firstly("/app")})
			fresh, leaving = append(fresh, p.ready(false)), append(leaving, old[n].terminating())
		}
		d.apply(fresh...) // they are created
		<-tick.C
		for n, p := range fresh {
			arrivals[i+n].ready = time.Now()
			d.apply(p.(*pod).ready(true))
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
	var took []time.Duration
	deadline := time.After(patience)
	for i, a := range arrivals {
		select {
		case first := <-a.first:
			took = append(took, first.Sub(a.ready))
		case <-deadline:
			t.Fatalf("new Pod %d has got no request", i)
		}
	}
	ending.Wait()
	asked := load.end()
	check()
	seconds := time.Since(began).Seconds()
	t.Logf("%d requests in %.1f s, %.0f a second, %d failed; endpoints went live %d times", asked, seconds, float64(asked)/seconds, load.failed.Load(), d.told())
	t.Logf("from readiness, as written, to the first request: %s", spread(took))
	if asked < int64(seconds*rate/3) {
		t.Errorf("%d requests in %.1f s are too few to tell", asked, seconds)
	}
}
