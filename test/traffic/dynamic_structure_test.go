package traffic

import (
	"net/http"
	"testing"
	"time"
)

// TestDynamicStructure: DF26, DF28. New paths, hosts and keys take a reload, once a
// window; meanwhile the endpoints of other paths change at once.
func TestDynamicStructure(t *testing.T) {
	t.Parallel()
	const window = 3 * time.Second
	stays, guest := newPod(t, "shop", "stays", at("/app")), newPod(t, "shop", "guest", at("/app"))
	more := newPod(t, "shop", "more", at("/1"))
	ns := namespace("shop", "www.example.com")
	d := prepareDynamic(t)
	d.apply(ns, stays, guest.ready(false), more)
	d.runDynamic("--event-window=" + window.String())
	load := d.visit(50, "www.example.com", "/app", nil)
	d.apply(more.paths(at("/2")))
	d.serves("www.example.com", "/2", "more") // another window begins
	began, lives := time.Now(), d.lives()
	d.apply(more.paths(at("/3")), namespace("shop", "www.example.com", "new.example.com"))
	// They wait for the window's end; the guest does not.
	for _, ready := range []bool{true, false, true} {
		d.apply(guest.ready(ready))
		want := map[bool]int{true: 2, false: 1}[ready]
		d.eventually("the guest comes and goes", func() bool { return len(d.pods(4, "www.example.com", "/app")) == want })
	}
	if since := time.Since(began); since > window {
		t.Logf("this machine is slow: the guest took %v", since)
	} else if n := d.lives() - lives; n != 0 || d.try("www.example.com", "/3").Status != http.StatusNotFound || !d.try("new.example.com", "/app").closed() {
		t.Errorf("%d reloads, or the next configuration is there before the window ends", n)
	}
	d.serves("new.example.com", "/3", "more")
	if got := d.pods(4, "new.example.com", "/app"); got["guest"] != 2 {
		t.Errorf("on the new host: %v", got)
	}
	if n := d.lives() - lives; n != 1 {
		t.Errorf("%d reloads, want 1", n)
	}
	t.Logf("%d requests; the next configuration was live %v after the last", load.end(), time.Since(began))
}
