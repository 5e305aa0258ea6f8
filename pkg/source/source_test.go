package source

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// inVain is longer than anything takes, also client-go's longest back-off.
const inVain = 2 * time.Minute

// logs is a log that may be read while others write to it.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), words)
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// show puts an Event in short words: "+Pod/default/a", "-Pod/default/a", "synced".
func show(e Event) string {
	if e.Synced {
		return "synced"
	}
	sign := "+"
	if e.Deleted {
		sign = "-"
	}
	kind := strings.TrimPrefix(fmt.Sprintf("%T", e.Object), "*v1.")
	return strings.Join([]string{sign + kind, e.Object.GetNamespace(), e.Object.GetName()}, "/")
}

// running is a source at work. Every Event must be asked for.
type running struct {
	t      *testing.T
	events chan Event
	stop   func()
	ended  chan error
}

func start(t *testing.T, run func(context.Context, chan<- Event) error) *running {
	ctx, stop := context.WithCancel(t.Context())
	r := &running{t: t, events: make(chan Event), stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- run(ctx, r.events) }()
	return r
}

// next waits for the next Events and wants exactly these, in this order.
func (r *running) next(want ...string) {
	r.t.Helper()
	for _, w := range want {
		select {
		case e := <-r.events:
			if got := show(e); got != w {
				r.t.Fatalf("got %s, want %s", got, w)
			}
		case err := <-r.ended:
			r.t.Fatalf("Run has ended (%v), want %s", err, w)
		case <-time.After(inVain):
			r.t.Fatalf("no Event, want %s", w)
		}
	}
}

// end wants Run to end with nil and without another Event.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Errorf("Run has ended with %v", err)
		}
	case e := <-r.events:
		r.t.Errorf("an Event that nobody wants: %s", show(e))
	case <-time.After(inVain):
		r.t.Error("Run does not end")
	}
}

// nextSorted is next for Events that may come in any order.
func (r *running) nextSorted(want ...string) {
	r.t.Helper()
	var got []string
	for range want {
		select {
		case e := <-r.events:
			got = append(got, show(e))
		case <-time.After(inVain):
			r.t.Fatalf("got only %q, want %q", got, want)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.t.Fatalf("got %q, want %q", got, want)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(inVain)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
