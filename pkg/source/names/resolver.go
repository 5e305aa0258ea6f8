package names

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/source/watcher"
)

const (
	// glance is how often it is looked what is wanted, and what is due.
	glance = time.Second
	// An answer counts for its TTL, but within these bounds.
	shortest = time.Second
	longest  = 5 * time.Minute
	// again is when a name that has failed is looked up again.
	again = 5 * time.Second
	// patience is for how long failures leave the last known addresses in place.
	patience = time.Hour

	maxNames    = 1000
	maxAddrs    = 256 // of a name
	concurrency = 8
)

// Resolver looks up names as long as they are wanted.
type Resolver struct {
	// Wanted gives the names: lower-case, absolute without a trailing dot. It is asked
	// every second. After the first 1,000 of them in alphabetical order, the rest has no
	// addresses.
	Wanted func() []string
	// Servers are asked; nil: those of ResolvConf.
	Servers []netip.AddrPort
	// ResolvConf is a file whose nameserver lines count; "" is /etc/resolv.conf.
	ResolvConf string
	Log        *slog.Logger

	exchange exchange     // nil: by the network
	answers  atomic.Int32 // which server has answered last
}

// entry is a name and what is known of it.
type entry struct {
	name    string
	due     time.Time
	asking  bool
	v4, v6  family
	told    []netip.Addr
	isTold  bool
	failing bool // which has been logged
}

// family are the addresses of one kind.
type family struct {
	addrs []netip.Addr
	since time.Time // when it first failed; zero: it did not
}

// result is what a lookup has given.
type result struct {
	entry  *entry
	v4, v6 answer
}

// state is that of one Run.
type state struct {
	*Resolver
	events  chan<- watcher.Event
	names   map[string]*entry
	results chan result
	asking  int
	tooMany bool // which has been logged
	running sync.WaitGroup
}

// Run sends the addresses of every wanted name when they are known and when they
// change, and its deletion when it is not wanted any more, until ctx is done; then it
// returns nil. A name without addresses is sent, too. It sends no Synced.
func (r *Resolver) Run(ctx context.Context, events chan<- watcher.Event) error {
	s := &state{Resolver: r, events: events, names: map[string]*entry{}, results: make(chan result)}
	defer s.running.Wait()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	s.want(ctx)
	for {
		s.begin(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.want(ctx)
		case got := <-s.results:
			s.take(ctx, got)
		}
	}
}

// want takes in which names are wanted now.
func (s *state) want(ctx context.Context) {
	wanted := slices.Compact(slices.Sorted(slices.Values(s.Wanted())))
	tooMany := len(wanted) > maxNames
	if tooMany && !s.tooMany {
		s.Log.Error("not all names outside the cluster are looked up: there are too many", "names", len(wanted), "limit", maxNames, "todo", "use fewer names, or addresses")
	}
	s.tooMany = tooMany
	wanted = wanted[:min(len(wanted), maxNames)]
	keep := make(map[string]bool, len(wanted))
	for _, name := range wanted {
		keep[name] = true
		if s.names[name] == nil {
			s.names[name] = &entry{name: name, due: time.Now()}
		}
	}
	for name, e := range s.names {
		if !keep[name] {
			delete(s.names, name)
			if e.isTold {
				s.send(ctx, watcher.Event{Object: &Addresses{ObjectMeta: metav1.ObjectMeta{Name: name}}, Deleted: true})
			}
		}
	}
}

// begin looks up what is due, the longest due first.
func (s *state) begin(ctx context.Context) {
	for s.asking < concurrency {
		var next *entry
		for _, e := range s.names {
			if !e.asking && (next == nil || cmp.Or(e.due.Compare(next.due), cmp.Compare(e.name, next.name)) < 0) {
				next = e
			}
		}
		if next == nil || next.due.After(time.Now()) {
			return
		}
		next.asking = true
		s.asking++
		s.running.Go(func() {
			v4, v6 := s.lookup(ctx, next.name)
			select {
			case s.results <- result{next, v4, v6}:
			case <-ctx.Done():
			}
		})
	}
}

// take takes in what a lookup has given. One kind of addresses may fail while the other
// is there, as is the way of some servers: then the lookup has worked, and the last
// known ones of the other kind stay. A name with neither has failed, even if a server
// says that this is all there is: stale beats nothing.
func (s *state) take(ctx context.Context, got result) {
	e, now := got.entry, time.Now()
	s.asking--
	e.asking = false
	if s.names[e.name] != e {
		return // it is not wanted any more
	}
	failed := len(got.v4.addrs)+len(got.v6.addrs) == 0
	e.v4.update(got.v4, failed, now)
	e.v6.update(got.v6, failed, now)
	if failed {
		e.due = now.Add(again)
	} else {
		e.due = now.Add(min(max(min(got.v4.life(), got.v6.life()), shortest), longest))
	}
	addrs := slices.Concat(e.v4.addrs, e.v6.addrs)
	s.note(e, failed, len(addrs) > 0, cmp.Or(got.v4.reason(), got.v6.reason(), "it has no addresses"))
	if e.isTold && slices.Equal(addrs, e.told) {
		return
	}
	e.told, e.isTold = addrs, true
	s.send(ctx, watcher.Event{Object: &Addresses{ObjectMeta: metav1.ObjectMeta{Name: e.name}, Addrs: slices.Clone(addrs)}})
}

// update takes in an answer for one kind of addresses.
func (f *family) update(a answer, failed bool, now time.Time) {
	switch {
	case a.err == nil && !failed:
		*f = family{addrs: a.addrs}
	case f.since.IsZero():
		f.since = now
	case now.Sub(f.since) >= patience:
		f.addrs = nil
	}
}

// note logs when a name begins to fail, and when it is well again.
func (s *state) note(e *entry, failed, known bool, reason string) {
	switch {
	case failed && !e.failing:
		s.Log.Warn("a name outside the cluster can't be looked up", "name", e.name, "reason", reason, "last_addresses_stay", known,
			"todo", "correct the name, or the DNS servers of this machine")
	case !failed && e.failing:
		s.Log.Info("a name outside the cluster can be looked up again", "name", e.name)
	}
	e.failing = failed
}

func (s *state) send(ctx context.Context, e watcher.Event) {
	select {
	case s.events <- e:
	case <-ctx.Done():
	}
}
