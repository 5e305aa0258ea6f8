package names

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/30x/dispatcher/pkg/source/watcher"
)

// run is a Resolver that runs, in a bubble of its own, where time passes at once.
type run struct {
	t      *testing.T
	zone   *zone
	events chan watcher.Event
	log    bytes.Buffer

	mu     sync.Mutex
	wanted []string
}

func (r *run) want(names ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = names
}

// play runs a Resolver; it must end when it shall.
func play(t *testing.T, do func(r *run)) {
	synctest.Test(t, func(t *testing.T) {
		r := &run{t: t, zone: &zone{}, events: make(chan watcher.Event, 2*maxNames)}
		resolver := &Resolver{Servers: make([]netip.AddrPort, 1), Log: slog.New(slog.NewTextHandler(&r.log, nil)), exchange: r.zone.exchange(t), Wanted: func() []string {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.wanted
		}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- resolver.Run(ctx, r.events) }()
		synctest.Wait()
		do(r)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// hear lets time pass and wants to hear exactly this: "a.example.com [192.0.2.1]", or
// "-a.example.com".
func (r *run) hear(d time.Duration, want ...string) {
	r.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	var got []string
	for len(r.events) > 0 {
		e := <-r.events
		o := e.Object.(*Addresses)
		if e.Deleted {
			got = append(got, "-"+o.Name)
			continue
		}
		got = append(got, fmt.Sprint(o.Name, " ", o.Addrs))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.t.Errorf("heard %q, want %q", got, want)
	}
}

// asked wants to know exactly so many questions since the last time.
func (r *run) asked(want int) {
	r.t.Helper()
	if got := r.zone.questions(); len(got) != want {
		r.t.Errorf("asked %d questions, want %d: %.100q", len(got), want, got)
	}
}

const a, b = "a.example.com", "b.example.com"

// EX9: a name is looked up when it is wanted and again when its TTL is over, but not
// more often than each second, and each five minutes at least. Only changes are told.
func TestTTL(t *testing.T) {
	play(t, func(r *run) {
		r.hear(time.Hour)
		r.zone.set(record{a, "A", "192.0.2.1", 10})
		r.want(a)
		r.hear(time.Second, a+" [192.0.2.1]")
		r.asked(2)
		r.zone.set(record{a, "A", "192.0.2.2", 0}, record{a, "AAAA", "2001:db8::1", 10})
		r.hear(9 * time.Second)
		r.asked(0)
		r.hear(time.Second, a+" [192.0.2.2 2001:db8::1]")
		r.asked(2)
		r.hear(10 * time.Second) // its TTL of 0 counts as a second
		r.asked(20)
		r.zone.set(record{a, "A", "192.0.2.2", 86400})
		r.hear(time.Second, a+" [192.0.2.2]")
		r.asked(2)
		r.hear(longest - time.Second)
		r.asked(0)
		r.hear(time.Second)
		r.asked(2)
	})
}

// EX9: names come and go while it runs. A name that does not resolve, or only later,
// does not hold up others.
func TestWanted(t *testing.T) {
	play(t, func(r *run) {
		r.zone.set(record{a, "A", "192.0.2.1", 300}, record{b, "A", "192.0.2.2", 300})
		r.zone.fail(b, dnsmessage.RCodeNameError)
		r.want(b, a, b)
		r.hear(time.Second, a+" [192.0.2.1]", b+" []")
		r.asked(4)
		r.zone.fail("", dnsmessage.RCodeSuccess)
		r.hear(again - time.Second)
		r.hear(time.Second, b+" [192.0.2.2]")
		r.want(b)
		r.hear(time.Second, "-"+a)
		r.want(a)
		r.hear(time.Second, "-"+b, a+" [192.0.2.1]")
		if got := strings.Count(r.log.String(), "\n"); got != 2 || !strings.Contains(r.log.String(), `reason="it has no addresses"`) {
			t.Errorf("logged\n%s", r.log.String())
		}
	})
}

// EX9: while a name can't be looked up, its last addresses stay for an hour.
func TestStale(t *testing.T) {
	for name, fail := range map[string]func(z *zone){
		"a server that fails":        func(z *zone) { z.fail("", dnsmessage.RCodeServerFailure) },
		"a name that does not exist": func(z *zone) { z.fail("", dnsmessage.RCodeNameError) },
		"no addresses":               func(z *zone) { z.set() },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(r *run) {
				records := []record{{a, "A", "192.0.2.1", 300}, {a, "AAAA", "2001:db8::1", 300}}
				r.zone.set(records...)
				r.want(a)
				r.hear(time.Second, a+" [192.0.2.1 2001:db8::1]")
				r.zone.questions()
				fail(r.zone)
				r.hear(longest) // from now on it fails
				r.hear(again)
				if got := r.zone.questions(); len(got) == 0 || len(got) > 8 {
					t.Errorf("asked %d questions in five seconds of failures", len(got))
				}
				r.hear(patience - again - time.Second)
				r.hear(time.Second, a+" []")
				r.hear(time.Hour)
				r.zone.fail("", dnsmessage.RCodeSuccess)
				r.zone.set(records...)
				r.hear(again, a+" [192.0.2.1 2001:db8::1]")
				if got := strings.Count(r.log.String(), "\n"); got != 2 || !strings.Contains(r.log.String(), "last_addresses_stay=true") {
					t.Errorf("an outage of two hours is logged in %d lines:\n%s", got, r.log.String())
				}

				// An hour counts from the last time that all was well.
				fail(r.zone)
				r.hear(longest + patience/2)
				r.zone.fail("", dnsmessage.RCodeSuccess)
				r.zone.set(records...)
				r.hear(again)
				fail(r.zone)
				r.hear(longest + patience - time.Second)
				r.hear(time.Second, a+" []")
			})
		})
	}
}

// Some servers know no questions for one kind of addresses. The other kind is told, and
// looked up as its TTL says; what was known before stays for an hour.
func TestOneKindFails(t *testing.T) {
	play(t, func(r *run) {
		r.zone.set(record{a, "A", "192.0.2.1", 60}, record{a, "AAAA", "2001:db8::1", 60})
		r.want(a)
		r.hear(time.Second, a+" [192.0.2.1 2001:db8::1]")
		r.zone.fail(a+" AAAA", dnsmessage.RCodeNotImplemented)
		r.zone.set(record{a, "A", "192.0.2.3", 60})
		r.hear(time.Minute, a+" [192.0.2.3 2001:db8::1]")
		r.zone.questions()
		r.hear(time.Minute - time.Second)
		r.asked(0)
		r.hear(patience-time.Minute+time.Second, a+" [192.0.2.3]")
		r.zone.fail("", dnsmessage.RCodeSuccess)
		r.zone.set(record{a, "AAAA", "2001:db8::1", 60}) // all of it is known: the other kind has gone
		r.hear(time.Minute, a+" [2001:db8::1]")
		if r.log.Len() > 0 {
			t.Errorf("logged\n%s", r.log.String())
		}
	})
}

// No more than eight names are looked up at once, and no more than 1,000 at all; the
// rest is told of.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := make([]string, maxNames+1)
		for i := range names {
			names[i] = fmt.Sprintf("n%04d.example.com", i)
		}
		var mu sync.Mutex
		now, most, asked := 0, 0, 0
		var log bytes.Buffer
		r := &Resolver{Servers: make([]netip.AddrPort, 1), Log: slog.New(slog.NewTextHandler(&log, nil)), Wanted: func() []string { return names }}
		r.exchange = func(context.Context, string, netip.AddrPort, []byte, func([]byte) (bool, error)) error {
			mu.Lock()
			now++
			asked++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(10 * time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			return context.DeadlineExceeded
		}
		events := make(chan watcher.Event, 2*maxNames)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if err := r.Run(ctx, events); err != nil {
			t.Error(err)
		}
		if most != 2*concurrency { // two questions a name
			t.Errorf("%d questions at once, want %d", most, 2*concurrency)
		}
		if want := 2 * rounds * maxNames; asked != want || len(events) != maxNames {
			t.Errorf("asked %d questions, want %d; told of %d names", asked, want, len(events))
		}
		if got := strings.Count(log.String(), "there are too many"); got != 1 {
			t.Errorf("told %d times that there are too many names", got)
		}
	})
}

// It ends at once while a server is silent.
func TestEnds(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var asked time.Time
	go func() {
		_, _ = silent.Read(make([]byte, 512))
		asked = time.Now()
		cancel()
	}()
	r := &Resolver{Servers: []netip.AddrPort{silent.LocalAddr().(*net.UDPAddr).AddrPort()}, Log: slog.New(slog.DiscardHandler), Wanted: func() []string { return []string{a} }}
	if err := r.Run(ctx, make(chan watcher.Event)); err != nil {
		t.Error(err)
	}
	if took := time.Since(asked); took > timeout/2 {
		t.Errorf("it took %v to end", took)
	}
}
