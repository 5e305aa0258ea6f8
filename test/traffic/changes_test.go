package traffic

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestLeaving: DF28 and DX4. A Pod leaves when it loses its label, its readiness
// or its phase, is being deleted or is gone, and joins again when that is over.
func TestLeaving(t *testing.T) {
	t.Parallel()
	ns := namespace("shop", "www.example.com")
	web := newPod(t, "shop", "web", at("/app"))
	d := start(t, ns, web)
	now := metav1.Now()
	// Where endpoints change without a reload, the path stays while a Pod declares it.
	idle := http.StatusNotFound
	if d.dynamic() {
		idle = http.StatusServiceUnavailable
	}
	for _, c := range []struct {
		name        string
		leave, join func()
		status      int
	}{
		{"label lost", func() { delete(web.Labels, routable) }, func() { web.Labels[routable] = "true" }, http.StatusNotFound},
		{"label changed", func() { web.Labels[routable] = "false" }, func() { web.Labels[routable] = "true" }, http.StatusNotFound},
		{"not ready", func() { web.ready(false) }, func() { web.ready(true) }, idle},
		{"failed", func() { web.Status.Phase = corev1.PodFailed }, func() { web.Status.Phase = corev1.PodRunning }, http.StatusNotFound},
		{"no address", func() { web.Status.PodIP = "" }, func() { web.Status.PodIP = web.ip }, idle},
		{"terminating", func() { web.DeletionTimestamp = &now }, func() { web.DeletionTimestamp = nil }, idle},
		{"paths lost", func() { web.Annotations[pathsKey] = "[]" }, func() { web.paths(at("/app")) }, http.StatusNotFound},
	} {
		c.leave()
		d.apply(web)
		d.answers("www.example.com", "/app", c.status)
		c.join()
		d.apply(web)
		d.serves("www.example.com", "/app", "web")
		if t.Failed() {
			t.Fatal(c.name)
		}
	}
	d.remove(web)
	d.answers("www.example.com", "/app", http.StatusNotFound)
	d.apply(web)
	d.serves("www.example.com", "/app", "web")

	// A Namespace takes its hosts with it.
	delete(ns.Labels, routable)
	d.apply(ns)
	d.answers("www.example.com", "/app", 0)
	ns.Labels[routable] = "true"
	d.apply(ns)
	d.serves("www.example.com", "/app", "web")
	d.remove(ns)
	d.answers("www.example.com", "/app", 0)
}

// TestJoining: DX4. A Pod that becomes ready shares the traffic; one that moves
// to another address is followed there.
func TestJoining(t *testing.T) {
	t.Parallel()
	a, b, c := newPod(t, "shop", "a", at("/app")), newPod(t, "shop", "b", at("/app")), newPod(t, "shop", "c", at("/app"))
	d := start(t, namespace("shop", "www.example.com"), a, b.ready(false))
	if got := d.pods(10, "www.example.com", "/app"); got["a"] != 10 {
		t.Errorf("before: %v", got)
	}
	d.apply(b.ready(true))
	d.serves("www.example.com", "/app", "b")
	c.Name = "a" // the same Pod at another address
	d.apply(c)
	d.serves("www.example.com", "/app", "c")
	a.hits.Store(0)
	if got := d.pods(10, "www.example.com", "/app"); got["b"]+got["c"] != 10 {
		t.Errorf("after the move: %v", got)
	}
}

// TestBatches: DF26. Many changes within the window take few reloads, and
// changes that mean nothing to routing take none.
func TestBatches(t *testing.T) {
	t.Parallel()
	const window, edits = 500 * time.Millisecond, 40
	web := newPod(t, "shop", "web", at("/app"))
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web)
	d.run("--event-window=" + window.String())
	before, began := d.lives(), time.Now()
	for i := range edits {
		d.apply(web.paths(at("/app"), at(fmt.Sprintf("/edit-%d", i))))
	}
	d.serves("www.example.com", fmt.Sprintf("/edit-%d", edits-1), "web")
	d.eventually("that is logged", func() bool { return strings.Contains(d.log(), "locations=2") })
	limit := 2 + int(time.Since(began)/window)
	if n := d.lives() - before; n > limit || limit >= edits/2 {
		t.Errorf("%d edits took %d reloads, want at most %d", edits, n, limit)
	}

	// The new Problem shows that the edit was taken in.
	before = d.lives()
	web.Labels["colour"], web.Annotations["note"] = "blue", "x"
	e := at(fmt.Sprintf("/edit-%d", edits-1))
	e["unheard"] = "of"
	d.apply(web.paths(at("/app"), e))
	d.eventually("the Problem is told", func() bool { return strings.Contains(d.log(), "unheard") })
	d.eventually("the turn has ended", func() bool { _, text := d.probe("/readyz"); return strings.Contains(text, "1 problems") })
	if n := d.lives() - before; n != 0 {
		t.Errorf("an edit that changes nothing took %d reloads", n)
	}
}

// TestHalfWrittenFile: a manifest that can't be read keeps its last good
// content, which is reported, and everything else goes on.
func TestHalfWrittenFile(t *testing.T) {
	t.Parallel()
	web, other := newPod(t, "shop", "web", at("/app")), newPod(t, "shop", "other", at("/other"))
	d := start(t, namespace("shop", "www.example.com"), web, other)
	path := filepath.Join(d.manifests, manifestFile(web))
	whole := readFile(path)
	for _, half := range []string{whole[:len(whole)/2] + "\n  broken: [", "}{"} {
		logged := len(d.log())
		if err := os.WriteFile(path, []byte(half), 0o644); err != nil {
			t.Fatal(err)
		}
		d.eventually("the broken file is reported", func() bool {
			log := d.log()[logged:]
			return strings.Contains(log, manifestFile(web)) && strings.Contains(log, "last good content")
		})
		d.apply(other.paths(at("/other"), at(fmt.Sprintf("/after-%d", logged))))
		d.serves("www.example.com", fmt.Sprintf("/after-%d", logged), "other")
		if got := d.ask("www.example.com", "/app"); got.Pod != "web" {
			t.Errorf("answered by %q with %d", got.Pod, got.Status)
		}
	}
	d.apply(web.paths(at("/whole-again")))
	d.serves("www.example.com", "/whole-again", "web")
}
