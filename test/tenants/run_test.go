package tenants

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/test/internal/judge"
)

// hour is when the hostile Namespace of a case was created: the witness's is from 5.
func (a *attack) hour(n int) int {
	if a.age == older || a.age == either && n%2 == 0 {
		return 1
	}
	return 9
}

// try writes a case's objects, checks what comes of them and whom they harm, removes
// them and checks that nothing is left.
func (w *world) try(t *testing.T, a *attack, n int) {
	t.Helper()
	from := len(w.Log())
	t.Cleanup(func() { w.recover(t) })
	h := newHostile(t, w, a.hour(n))
	a.make(h)
	if h.raw != "" {
		w.put(t, raw, h.raw)
	}
	w.put(t, "hostile.json", h.text())
	w.add(t)
	wants := slices.Clone(a.wants)
	if wants == nil {
		wants = good
	}
	for i := range wants {
		if wants[i].status == idle {
			wants[i].status = w.idle()
		}
	}
	for _, q := range wants {
		last := ""
		w.await(t, "an answer is right", func() bool {
			wrong := w.wrong(q)
			if wrong != "" && wrong != last {
				t.Log(wrong)
			}
			last = wrong
			return wrong == ""
		})
	}
	w.await(t, "nginx has confirmed its configuration", w.Settled)
	w.count(t, wants)
	if a.after != nil {
		a.after(t, w)
	}
	w.checkLog(t, a, from)
	w.checkText(t)
	w.witness.check(t)
	w.clear(t, wants)
	w.witness.check(t)
}

// count asks once more, and counts who has got requests.
func (w *world) count(t *testing.T, wants []want) {
	t.Helper()
	evil, meant := w.pods["evil"].Hits.Load(), int64(0)
	for _, q := range wants {
		if wrong := w.wrong(q); wrong != "" {
			t.Error(wrong)
		}
		if q.pod == "evil" {
			meant++
		}
	}
	if got := w.pods["evil"].Hits.Load() - evil; got != meant {
		t.Errorf("the hostile Pod got %d requests, %d were meant for it", got, meant)
	}
	if n := w.pods["vault"].Hits.Load(); n != 0 {
		t.Errorf("the vault's Pod got %d requests", n)
	}
}

// checkLog checks what the owner was told, and that nothing failed but what may.
func (w *world) checkLog(t *testing.T, a *attack, from int) {
	t.Helper()
	if len(a.told) == 0 && !a.harmless && !a.maybe {
		t.Error("the case doesn't say what must be told")
	}
	for _, parts := range a.told {
		told := func(l logged) bool { return l.tells(parts) }
		w.await(t, "it is told: "+parts, func() bool { return slices.ContainsFunc(w.lines(from), told) })
	}
	for _, l := range w.lines(from) {
		if l.level == "ERROR" && (a.failed == "" || !strings.Contains(l.text, a.failed)) {
			t.Errorf("an error was logged: %.500s", l.text)
		}
		if a.harmless && strings.HasPrefix(l.text, "problem|") {
			t.Errorf("a Problem was told: %.500s", l.text)
		}
	}
	if log := w.Log()[from:]; strings.Contains(log, "[emerg]") || strings.ContainsFunc(log, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r > '~' }) {
		t.Errorf("nginx's refusal or foreign text stands in the log:\n%.2000q", log)
	}
}

// checkText checks that nginx.conf holds only what it may.
func (w *world) checkText(t *testing.T) {
	t.Helper()
	conf := w.conf(t)
	if _, err := judge.New().Check(conf); err != nil {
		t.Errorf("nginx.conf: %.2000v", err)
	}
	if strings.Contains(conf, "pwned") {
		t.Error("what was refused stands in nginx.conf")
	}
}

func (w *world) conf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.Work, "nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const raw = "hostile-raw.yaml"

// remove removes the hostile tenant's objects.
func (w *world) remove(t *testing.T) {
	t.Helper()
	w.put(t, "hostile.json", list())
	if err := os.Remove(filepath.Join(w.manifests, raw)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// recover lets a case that has failed leave nothing to the next one.
func (w *world) recover(t *testing.T) {
	t.Helper()
	if !t.Failed() {
		return
	}
	w.remove(t)
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) {
		if !strings.Contains(w.conf(t), "hostile") && w.Settled() {
			break
		}
	}
	w.witness.check(t)
}

// clear removes the hostile tenant's objects, after which nothing of them is left.
func (w *world) clear(t *testing.T, wants []want) {
	t.Helper()
	w.remove(t)
	w.add(t)
	for _, q := range wants {
		q.status, q.pod, q.uri = 0, "", "/gone"
		if ours := regexp.MustCompile(`(?i)(^|\.)(witness|vault|new|unknown)\.example\.?$`); !ours.MatchString(q.host) && !q.tls {
			w.await(t, q.host+" is closed again", func() bool { return w.wrong(q) == "" })
		}
	}
	w.await(t, "nothing hostile is left in nginx.conf", func() bool { return !strings.Contains(w.conf(t), "hostile") })
	w.await(t, "no Problem is left", func() bool {
		_, metrics := w.Probe("/metrics")
		return !regexp.MustCompile(`(?m)^dispatcher_problems\{.*\} [1-9]`).MatchString(metrics)
	})
}
