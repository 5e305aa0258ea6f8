package traffic

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestHostileReloads: a Namespace that changes its routes all the time does not have nginx
// reloaded all the time, and does not hold up the routes of another one.
func TestHostileReloads(t *testing.T) {
	t.Parallel()
	const budget, lasts, each = 5, 20 * time.Second, 50 * time.Millisecond
	hostile, quiet := newPod(t, "hostile", "web", at("/base")), newPod(t, "quiet", "web", at("/base"))
	d := prepare(t)
	d.env = append(d.env, fmt.Sprint("NAMESPACE_RELOAD_BUDGET=", budget))
	d.apply(namespace("hostile", "hostile.example.com"), hostile, namespace("quiet", "quiet.example.com"), quiet)
	d.run("--event-window=10ms")
	before, began := d.lives(), time.Now()
	var took []time.Duration
	edits, next := 0, began.Add(lasts/8)
	for tick := time.NewTicker(each); time.Since(began) < lasts; <-tick.C {
		d.apply(hostile.paths(at("/base"), at(fmt.Sprintf("/edit-%d", edits))))
		edits++
		if time.Now().After(next) {
			path := fmt.Sprintf("/route-%d", len(took))
			asked := time.Now()
			d.apply(quiet.paths(at("/base"), at(path)))
			d.within(5*time.Second, "the quiet Namespace's route is live", func() bool { return d.try("quiet.example.com", path).Status == 200 })
			took = append(took, time.Since(asked))
			next = time.Now().Add(lasts / 5)
		}
	}
	reloads := d.lives() - before
	slices.Sort(took)
	t.Logf("%d changes of the hostile Namespace, %d of the quiet one: %d reloads; the quiet one's were live after %v", edits, len(took), reloads, took)
	// Its budget, a window of 10 seconds, and what the quiet one causes.
	if limit := budget + 2 + len(took); reloads > limit || edits < 100 || len(took) < 3 {
		t.Errorf("%d reloads, want at most %d", reloads, limit)
	}
	if slowest := took[len(took)-1]; slowest > 2*time.Second {
		t.Errorf("a route took %v to be live", slowest)
	}
	d.eventually("the owner is told", func() bool { return strings.Contains(d.log(), "object=Namespace/hostile key=reloads") })
	if _, text := d.probe("/metrics"); !strings.Contains(text, `dispatcher_reloads_caused_total{namespace="hostile"}`) || !strings.Contains(text, "dispatcher_namespaces_gathered 1") {
		t.Error("the metrics don't tell of it")
	}
	// All of it goes live in the end.
	last := fmt.Sprintf("/edit-%d", edits-1)
	d.within(30*time.Second, "the hostile Namespace's last route is live", func() bool { return d.try("hostile.example.com", last).Status == 200 })
	d.serves("hostile.example.com", last, "web")
}
