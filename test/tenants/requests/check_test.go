package requests

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// exchange is a case: what a client writes, and what has to come of it.
type exchange struct {
	name string
	raw  string
	sni  string // see dial
	want string // the statuses in order; "closed": not a byte; "raw": what is no answer
	or   string // what other versions of nginx answer; if that is a refusal, no Pod sees the request

	pods  string   // who sees a request, in order of names: exactly these
	sees  []string // what stands in the last request that a Pod sees
	hides []string // and what does not, in upper or lower case
	gets  []string // the same of what the client gets
	lacks []string

	row string // its row in docs/requests.md
}

// hits are how many requests each Pod has seen.
type hits map[string]int

func (w *world) hits() hits {
	out := hits{}
	for name, p := range w.pods {
		out[name] = len(p.seen(0))
	}
	return out
}

// since lists the Pods with new requests, a name for each request, and the text of
// the last one.
func (w *world) since(before hits) (names, last string) {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(w.pods)) {
		for _, r := range w.pods[name].seen(before[name]) {
			out, last = append(out, name), r
		}
	}
	return strings.Join(out, " "), last
}

// check makes the exchanges of a group, each as a test of its own. Witnesses
// answer before and after, and nobody has seen anything beside what was expected.
func (w *world) check(t *testing.T, group []exchange) {
	t.Helper()
	before, want := w.hits(), hits{}
	w.witness(t)
	for _, e := range group {
		t.Run(e.name, func(t *testing.T) { w.exchange(t, &e) })
		for name := range strings.FieldsSeq(e.pods) { // as the exchange has left it
			want[name]++
		}
	}
	w.witness(t)
	for name, n := range w.hits() {
		if n -= before[name]; !strings.HasPrefix(name, "witness") && n != want[name] {
			t.Errorf("after all, %s has seen %d requests, want %d", name, n, want[name])
		}
	}
}

// witness asks tenants who must keep answering.
func (w *world) witness(t *testing.T) {
	t.Helper()
	for _, host := range witnesses() {
		before := w.hits()
		got := w.Ask(host, "/witness")
		if who, _ := w.since(before); got.Status != http.StatusOK || "witness-"+strings.TrimSuffix(host, ".witness.test") != who {
			t.Errorf("%s answers with %d by %q", host, got.Status, who)
		}
	}
}

func (w *world) exchange(t *testing.T, e *exchange) {
	before := w.hits()
	received, err := w.send(e.sni, e.raw)
	method, _, _ := strings.Cut(e.raw, " ")
	got := statuses(method, received)
	switch refused := got == closed || strings.HasPrefix(got, "4"); {
	case err != nil, got != e.want && (got != e.or || e.or == ""):
		t.Errorf("%.300q is answered with %s, want %s; %v\n%.500q", e.raw, got, e.want, err, received)
	case got != e.want && refused:
		e.pods, e.sees = "", nil
	}
	e.seen(t, w, before)
	e.received(t, received)
}

// seen judges what Pods have seen.
func (e *exchange) seen(t *testing.T, w *world, before hits) {
	t.Helper()
	names, last := w.since(before)
	if names != e.pods {
		t.Errorf("%q has seen it, want %q: %.300q", names, e.pods, last)
	}
	for _, p := range w.pods {
		for _, r := range p.seen(before[p.Name]) {
			believes(t, r)
		}
	}
	for _, part := range e.sees {
		if !strings.Contains(last, part) {
			t.Errorf("the Pod does not see %q, but %q", part, last)
		}
	}
	for _, part := range e.hides {
		if strings.Contains(strings.ToLower(last), strings.ToLower(part)) {
			t.Errorf("the Pod sees %q: %q", part, last)
		}
	}
}

// received judges what the client has got.
func (e *exchange) received(t *testing.T, received string) {
	t.Helper()
	for _, part := range e.gets {
		if !strings.Contains(received, part) {
			t.Errorf("the client does not get %q, but %.500q", part, received)
		}
	}
	for _, part := range e.lacks {
		if strings.Contains(strings.ToLower(received), strings.ToLower(part)) {
			t.Errorf("the client gets %q: %.500q", part, received)
		}
	}
}

// inAllModes runs a test with nginx as it is, and again with endpoints in the text
// where they would be told by DNS.
func inAllModes(t *testing.T, test func(t *testing.T, w *world), flags ...string) {
	t.Helper()
	dynamic := false
	t.Run("as it is", func(t *testing.T) {
		w := begin(t, flags...)
		dynamic = strings.Contains(w.Log(), " endpoints=dynamic ")
		test(t, w)
	})
	if dynamic {
		t.Run("with reloads", func(t *testing.T) { test(t, begin(t, append(flags, "--endpoints=reload")...)) })
	}
}

// TestRequests makes all exchanges of all groups.
func TestRequests(t *testing.T) {
	t.Parallel()
	inAllModes(t, func(t *testing.T, w *world) {
		groups := groups(w)
		n := 0
		for _, name := range slices.Sorted(maps.Keys(groups)) {
			t.Run(name, func(t *testing.T) { w.check(t, groups[name]) })
			n += len(groups[name])
		}
		t.Log(fmt.Sprint(n, " exchanges"))
	})
}
