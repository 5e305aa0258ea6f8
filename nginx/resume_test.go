package nginx

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/nginx/internal/disk"
	"github.com/30x/dispatcher/nginx/internal/proc"
)

// leave has an earlier Dispatcher serve g1, for that purpose, and end.
func (b *bed) leave(purpose string) {
	b.t.Helper()
	b.restart(Options{Purpose: purpose})
	stop := b.run()
	b.apply(b.conf("g1"))
	master := b.pid()
	if err := stop(); err != nil {
		b.t.Fatal(err)
	}
	b.gone(master)
}

// A Dispatcher that starts where an earlier one has ended serves the last good
// configuration at once, until it has a new one; what is the same needs no reload.
func TestResume(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.leave("settings")
	b.restart(Options{Stale: true, Purpose: "settings"})
	if b.Alive() || b.Stale() {
		t.Fatal("it serves before it runs")
	}
	b.run()
	waitFor(t, "nginx", b.Alive)
	b.expect("g1")
	if !b.Stale() {
		t.Error("it isn't told that this is stale")
	}
	if info, err := os.Stat(b.path(confName)); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v: it may hold keys", info.Mode(), err)
	}
	master := b.pid()
	waitFor(t, "both workers", func() bool { return len(proc.Children(master)) == 2 })
	workers := proc.Children(master)
	b.apply(b.conf("g1"))
	if now := proc.Children(master); !slices.Equal(now, workers) {
		t.Errorf("reloaded for the same configuration: workers were %v and are %v", workers, now)
	}
	if b.Stale() {
		t.Error("it is still called stale")
	}
	b.apply(b.conf("g2"))
	b.expect("g2")
}

// What was resumed comes back if it dies before there is anything newer.
func TestResumedNginxIsStartedAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.leave("settings")
	b.restart(Options{Stale: true, Purpose: "settings"})
	b.run()
	waitFor(t, "nginx", b.Alive)
	first := b.pid()
	if err := b.proc.Load().Signal(9); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "another nginx", func() bool { return b.Alive() && b.pid() != first })
	b.expect("g1")
	if !b.Stale() {
		t.Error("it isn't told that this is stale")
	}
}

// A refused configuration changes nothing about that.
func TestRefusedAfterResume(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.leave("settings")
	b.restart(Options{Stale: true, Purpose: "settings"})
	b.run()
	waitFor(t, "nginx", b.Alive)
	if err := b.Apply(t.Context(), b.conf("g2", "nonsense;")); err == nil {
		t.Fatal("nonsense was taken")
	}
	b.expect("g1")
	if !b.Stale() {
		t.Error("a refused configuration made it fresh")
	}
	// It is the last good one still, also for the next Dispatcher.
	if _, ok := b.Server.conf.Vouched("settings"); !ok {
		t.Error("nobody vouches for it any more")
	}
}

// An nginx that was taken over is stale as well, until something is applied.
func TestTakenOverIsStale(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g1"))
	b.restart(Options{Stale: true})
	if !b.Alive() || !b.Stale() {
		t.Errorf("alive %v, stale %v", b.Alive(), b.Stale())
	}
	b.apply(b.conf("g1"))
	if b.Stale() {
		t.Error("it is still called stale")
	}
}

// What isn't known to be good, made with the same settings, is not served.
func TestNoResume(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(b *bed)
		o     Options
	}{
		"switched off":   {func(*bed) {}, Options{Purpose: "settings"}},
		"other settings": {func(*bed) {}, Options{Stale: true, Purpose: "other"}},
		"unfinished, or changed by hand": {func(b *bed) {
			if err := disk.WriteNew(b.path(confName), b.conf("g2").Conf); err != nil {
				b.t.Fatal(err)
			}
		}, Options{Stale: true, Purpose: "settings"}},
		"nobody vouches": {func(b *bed) {
			if err := os.Remove(b.path(confName) + ".good"); err != nil {
				b.t.Fatal(err)
			}
		}, Options{Stale: true, Purpose: "settings"}},
		"nothing there": {func(b *bed) {
			if err := os.Remove(b.path(confName)); err != nil {
				b.t.Fatal(err)
			}
		}, Options{Stale: true, Purpose: "settings"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.leave("settings")
			tc.spoil(b)
			b.restart(tc.o)
			b.resume(t.Context())
			if b.Alive() || b.Stale() {
				t.Errorf("alive %v, stale %v", b.Alive(), b.Stale())
			}
			b.run()
			b.apply(b.conf("g3"))
			b.expect("g3")
		})
	}
}

// If nginx can't serve it any more, that is told, and the first Apply goes on.
func TestResumeFails(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.leave("settings")
	l, err := net.Listen("tcp", b.addr) // somebody has taken the port
	if err != nil {
		t.Fatal(err)
	}
	b.restart(Options{Stale: true, Purpose: "settings"})
	b.resume(t.Context())
	if b.Alive() || b.Stale() {
		t.Errorf("alive %v, stale %v", b.Alive(), b.Stale())
	}
	if said := b.log.String(); !strings.Contains(said, "can't be served") || !strings.Contains(said, fmt.Sprint("bind() to ", b.addr)) {
		t.Errorf("the log doesn't tell:\n%s", said)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b.run()
	b.apply(b.conf("g1"))
	b.expect("g1")
}
