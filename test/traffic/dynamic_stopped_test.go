package traffic

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// dynamicTime is how long tests of endpoints may last that show more when they last
// longer: DYNAMICTIME; 0 if it is not set.
func dynamicTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("DYNAMICTIME")
	if text == "" {
		return 0
	}
	long, err := time.ParseDuration(text)
	if err != nil || long <= 0 {
		t.Fatalf("DYNAMICTIME=%q is no time: set it to 150s, for example", text)
	}
	return long
}

// comes makes a Pod ready, has Dispatcher back, and wants the Pod to get its first
// request within the limit from then on.
func (d *dispatcher) comes(p *pod, limit time.Duration, back func()) {
	d.t.Helper()
	first := p.firstly("/app")
	d.apply(p.ready(true))
	began := time.Now()
	back()
	select {
	case at := <-first:
		took := at.Sub(began).Round(100 * time.Microsecond)
		d.t.Logf("%s got its first request after %v", p.Name, took)
		if took > limit {
			d.t.Errorf("%s got its first request after %v, want %v", p.Name, took, limit)
		}
	case <-time.After(4 * patience):
		d.t.Fatalf("%s gets no request", p.Name)
	}
}

// while lets the load go on for so long.
func (f *flow) while(what string, lasts time.Duration) {
	f.d.t.Helper()
	began := time.Now()
	n := f.asked.Load() + 100
	f.d.within(lasts+patience, what, func() bool { return time.Since(began) >= lasts && f.asked.Load() > n })
}

// TestDynamicStopped: DX20, DF28. What tells nginx of endpoints stands still under
// load: no request fails. When it goes on, what has changed meanwhile is soon live,
// and so is what changes then. With DYNAMICTIME it does so for 30 s, which is as long
// as nginx waits for an answer.
func TestDynamicStopped(t *testing.T) {
	t.Parallel()
	lasts := 3 * time.Second
	if dynamicTime(t) > 0 {
		lasts = 30 * time.Second
	}
	stays, meanwhile, later := newPod(t, "shop", "stays", at("/app")), newPod(t, "shop", "meanwhile", at("/app")), newPod(t, "shop", "later", at("/app"))
	d := startDynamic(t, namespace("shop", "www.example.com"), stays, meanwhile.ready(false), later.ready(false))
	check := d.unreloaded()
	load := d.visit(200, "www.example.com", "/app", nil)
	d.listens(1)
	d.signal(syscall.SIGSTOP)
	t.Cleanup(func() { d.signal(syscall.SIGCONT) })
	load.while("it stands still", lasts)
	d.comes(meanwhile, 2*time.Second, func() { d.signal(syscall.SIGCONT) })
	d.listens(1)
	d.comes(later, 2*time.Second, func() {})
	t.Logf("it stood still for %v; %d requests, %d failed", lasts, load.end(), load.failed.Load())
	check()
}

// TestDynamicGone: DX20, DF28. Dispatcher is killed under load, and started again only
// after nginx has given up asking: no request fails, and soon nginx knows what has
// changed. This takes 30 s, so DYNAMICTIME has to be set.
func TestDynamicGone(t *testing.T) {
	t.Parallel()
	if dynamicTime(t) == 0 {
		t.Skip("this takes long: set DYNAMICTIME=150s")
	}
	stays, meanwhile, later := newPod(t, "shop", "stays", at("/app")), newPod(t, "shop", "meanwhile", at("/app")), newPod(t, "shop", "later", at("/app"))
	d := startDynamic(t, namespace("shop", "www.example.com"), stays, meanwhile.ready(false), later.ready(false))
	serving := d.nginxPIDs()
	load := d.visit(200, "www.example.com", "/app", nil)
	d.listens(1)
	load.while("its questions are noted", time.Second)
	d.kill()
	load.while("it is gone", 30*time.Second)
	d.comes(meanwhile, 8*time.Second, func() { d.run() }) // nginx asks again after 5 s, or is made to after 6
	d.listens(1)
	d.comes(later, 2*time.Second, func() {})
	t.Logf("%d requests, %d failed; nginx was reloaded: %v", load.end(), load.failed.Load(), !slices.Equal(d.nginxPIDs(), serving))
}
