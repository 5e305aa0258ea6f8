package nginx

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/render"
)

// counting adds stub_status to a configuration, as Dispatcher's own have it.
func counting(f render.Files) render.Files {
	f.Conf = bytes.Replace(f.Conf, []byte("location = /generation"), []byte("location = /status { stub_status; }\n    location = /generation"), 1)
	return f
}

// What nginx counts goes on over reloads, and old workers are told of until their
// last request has ended.
func TestStats(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	if got := b.Stats(t.Context()); got != (Stats{}) {
		t.Errorf("before the start: %+v", got)
	}
	b.apply(counting(b.conf("g1")))
	b.expect("g1")
	before := b.Stats(t.Context())
	for range 5 {
		b.expect("g1")
	}
	slow, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprint(slow, "GET / HTTP/1.1\r\nHost: x\r\n")
	waitFor(t, "the slow request", func() bool { s := b.Stats(t.Context()); return s.Active >= 2 && s.Reading >= 1 })
	after := b.Stats(t.Context())
	if !after.Told || after.Requests < before.Requests+6 || after.Accepted < before.Accepted+6 || after.Handled != after.Accepted || after.Writing == 0 || after.Draining != 0 {
		t.Errorf("was %+v, is %+v", before, after)
	}

	b.apply(counting(b.conf("g2")))
	if s := b.Stats(t.Context()); s.Draining != 1 || s.Requests < after.Requests {
		t.Errorf("one old worker has a request, and Stats are %+v", s)
	}
	fmt.Fprint(slow, "\r\n")
	_ = slow.Close()
	waitFor(t, "the end of the old worker", func() bool { return b.Stats(t.Context()).Draining == 0 })

	b.apply(b.conf("g3")) // as for a nginx without the module
	if s := b.Stats(t.Context()); s.Told || s.Requests != 0 {
		t.Errorf("nginx doesn't count, and Stats are %+v", s)
	}
}

// Each step of Apply is told of, also if it fails.
func TestObserve(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var mu sync.Mutex
	var steps []string
	b.restart(Options{Observe: func(step string, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, step)
		if took <= 0 || took > time.Minute {
			t.Errorf("%s took %s", step, took)
		}
	}})
	for _, c := range []struct {
		files render.Files
		want  []string
	}{
		{b.conf("g1"), []string{"test", "reload", "verify"}},
		{b.conf("g1"), nil},
		{b.conf("g2"), []string{"test", "reload", "verify"}},
		{b.conf("g3", "nonsense on;"), []string{"test"}},
	} {
		steps = nil
		_ = b.Apply(t.Context(), c.files)
		if mu.Lock(); !slices.Equal(steps, c.want) {
			t.Errorf("%s: steps %q, want %q", c.files.Generation, steps, c.want)
		}
		mu.Unlock()
	}
	if _, err := os.Stat(b.path(rejectedName)); err != nil {
		t.Error(err)
	}
}
