package source

import (
	"testing"
)

// DX18: the server is down at the start, comes, goes with all connections, and
// comes back. Nothing is withdrawn but what is really gone by then (DF28).
func TestKubeServerComesAndGoes(t *testing.T) {
	for name, streaming := range map[string]bool{"listing by watch": true, "listing": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, streaming)
			a.set("a")
			var log logs
			r := start(t, NewKube(a.client(), narrow, log.logger()).Run)
			eventually(t, "the log to tell that the API is away", func() bool { return log.count("can't be reached") == 1 })
			a.up()
			r.nextSorted("+Namespace//team", "+Pod/team/a")
			r.next("synced")
			a.set("a", "b")
			r.next("+Pod/team/b")
			a.down()
			a.set("a", "c")
			a.up()
			r.nextSorted("+Pod/team/c", "-Pod/team/b")
			a.down()
			a.set("a", "d")
			a.forget()
			a.up()
			r.nextSorted("+Pod/team/d", "-Pod/team/c")
			a.set("a", "d", "e")
			r.next("+Pod/team/e")
			eventually(t, "the log to tell that the API works again", func() bool { return log.count("works again") == 1 })
			r.end()

			watches := 0
			for _, q := range a.queries {
				labels, fields := "routable=true", ""
				if q.Get("resource") == "secrets" {
					labels, fields = "", "metadata.name=routing"
				}
				if q.Get("labelSelector") != labels || q.Get("fieldSelector") != fields {
					t.Errorf("a request with other selectors: %v", q)
				}
				if q.Has("watch") {
					watches++
					if q.Get("allowWatchBookmarks") != "true" {
						t.Errorf("a watch without bookmarks: %v", q)
					}
				}
			}
			if watches < 4 {
				t.Errorf("%d watches, want at least 4", watches)
			}
		})
	}
}

// A refusal is told once, with what to do, and is not the end.
func TestKubeForbidden(t *testing.T) {
	t.Parallel()
	a := newAPI(t, true)
	a.forbidden = true
	a.set("a")
	a.up()
	var log logs
	r := start(t, NewKube(a.client(), narrow, log.logger()).Run)
	r.next("+Namespace//team")
	eventually(t, "some tries", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.refused >= 2 })
	for _, want := range []string{"forbids to list pods in all namespaces", "RBAC", "this rule: list and watch on pods"} {
		if n := log.count(want); n != 1 {
			t.Errorf("%q is in the log %d times, want 1:\n%s", want, n, log.text.String())
		}
	}
	if log.count("\x1b") > 0 || log.count("level=") != 1 {
		t.Errorf("the log holds more than the complaint:\n%s", log.text.String())
	}
	a.mu.Lock()
	a.forbidden = false
	a.mu.Unlock()
	r.next("+Pod/team/a", "synced")
	eventually(t, "the log to tell that it works", func() bool { return log.count("works again") == 1 })
	r.end()
}
