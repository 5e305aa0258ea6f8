package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/account"
	"github.com/30x/dispatcher/pkg/controller/internal/arrivals"
	"github.com/30x/dispatcher/pkg/controller/internal/culprit"
	"github.com/30x/dispatcher/pkg/controller/internal/moment"
	"github.com/30x/dispatcher/pkg/controller/internal/pace"
	"github.com/30x/dispatcher/pkg/controller/internal/publish"
	"github.com/30x/dispatcher/pkg/controller/internal/quarantine"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
)

// turner holds what passes from one turn to the next.
type turner struct {
	*Controller

	synced    bool      // the source has told all that exists
	dirty     bool      // something changed since the last turn
	since     time.Time // when it first did
	early     time.Time // a turn that may only tell endpoints is due then; zero: none
	mayApply  bool      // this turn may change more than endpoints
	changes   []string
	account   account.Account
	untried   []Change  // of Params, not yet known to work
	notBefore time.Time // no turn before
	recheck   time.Time // when the clock makes a turn due; zero: never
	live      render.Files
	events    <-chan arrivals.Arrival
	publisher *publish.Publisher // nil: endpoints stand in the configuration
	room      int                // for endpoints in nginx's memory
	earlier   outcome            // what nginx was told during the last turn, after its own
	slowed    time.Time          // no early turn before: they must leave time for others
	deaf      time.Time          // when an nginx that was taken over must have asked; zero: it has
	grow      time.Time          // when Pods that are spared get more; zero: never
	failures  int                // turns in a row that failed and may be tried again
	warned    string             // of the default certificate
	pace      pace.Pace
	released  bool              // this turn may reload nginx
	operator  bool              // it is for an operator's sake
	snapshot  *cluster.Snapshot // of this turn
	report    Report

	quarantine quarantine.Quarantine // entries that nginx refuses
}

// take changes the cache by an event.
func (t *turner) take(e arrivals.Arrival) {
	if e.Synced {
		t.synced = true
		t.mark(account.CauseStart)
		return
	}
	var change cluster.Change
	if e.Deleted {
		change = t.Cache.Delete(e.Object)
	} else {
		var err error
		if change, err = t.Cache.Set(e.Object); err != nil {
			t.Log.Error("object ignored", "reason", err)
			return
		}
	}
	if change == cluster.Unchanged {
		return
	}
	t.mark(cluster.Kind(e.Object))
	if ref, err := cluster.NewRef(cluster.Kind(e.Object), e.Object); err == nil && t.synced {
		t.account.Arrived(ref, e.At)
		if t.pace.Arrived(ref, time.Now()) {
			t.since = time.Now() // as after a quiet time
		}
		t.changes = append(t.changes, fmt.Sprintf("%s %s", ref, change))
	}
}

// newParams asks for a turn with other Params.
func (t *turner) newParams(c Change) {
	t.untried = append(t.untried, c)
	t.mark(c.What)
	if t.pace.Anybody() {
		t.since = time.Now()
	}
	t.changes = append(t.changes, c.What+" changed")
}

// mark notes that something changed.
func (t *turner) mark(cause string) {
	t.account.Because(cause)
	now := time.Now()
	if !t.dirty {
		t.dirty, t.since = true, now
	}
	if t.publisher != nil && t.early.IsZero() {
		t.early = moment.Later(now.Add(gather), t.slowed)
	}
}

// due says whether a turn is due now, or else how long to wait for it; 0 if
// there is nothing to do.
func (t *turner) due(now time.Time) (wait time.Duration, due bool) {
	if !t.synced {
		return 0, false
	}
	moments := []time.Time{t.early, t.grow, t.deaf}
	if t.dirty {
		moments = append(moments, t.wholeAt())
	} else {
		moments = append(moments, t.recheck)
	}
	return moment.Wait(now, moments...)
}

// sync is one turn of the corridor, or what is due of one.
func (t *turner) sync(ctx context.Context) {
	started := time.Now()
	t.mayApply = t.whole(started)
	if !t.mayApply && (t.early.IsZero() || t.early.After(started)) {
		if !t.deaf.IsZero() && !t.deaf.After(started) {
			t.rouse(ctx)
		}
		t.publisher.Again(started)
		t.grow = t.publisher.Next(started)
		return
	}
	t.begin(started)
	changes, dirty := t.changes, t.dirty
	t.dirty, t.changes, t.early = false, nil, time.Time{}
	t.account.Begin()

	snapshot, table, problems, done, err := t.walk(ctx)
	t.slowed = time.Now().Add(restFactor * time.Since(started))
	if errors.Is(err, errLater) {
		t.dirty, t.changes = dirty, changes
		t.account.Again()
		if t.mayApply {
			t.gather(table, problems, started)
		}
		return
	}
	problems = t.tell(table, problems, started)
	t.report.Quarantined = t.quarantine.Counts()
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		t.report.Err = err
		t.retryLater(err, started, changes)
	default:
		t.failures, t.report.Err = 0, nil
		t.report.Counts = table.Counts()
		t.report.Table, t.report.Snapshot = table, snapshot
		if t.report.Err = t.quarantine.Waiting(); t.report.Err != nil {
			t.dirty, t.since, t.notBefore = true, started, started.Add(t.Window)
		}
	}
	ended := time.Now()
	t.account.End(ended, done > nothing, err)
	if done > nothing {
		t.report.LiveSince = ended
		what, precision := "endpoints live", 100*time.Microsecond
		if done == reloaded {
			what, precision = "configuration live", time.Millisecond
			t.notBefore = started.Add(t.Window)
		}
		t.report.Generation = t.live.Generation
		counts := t.report.Counts
		t.Log.Info(what, "changed", account.Shorten(changes), "namespaces", account.Shorten(t.account.Turn.Namespaces), "hosts", counts.Hosts, "locations", counts.Locations,
			"endpoints", counts.Endpoints, "problems", len(problems), "generation", t.live.Generation,
			"took", time.Since(started).Round(precision))
	}
	t.report.Turn = t.account.Turn
	t.Report(t.report)
	t.report.Turn = Turn{}
}

// outcome is what a turn has changed of what is served.
type outcome int

const (
	nothing  outcome = iota
	told             // nginx was told of endpoints
	reloaded         // it has another configuration
)

// restFactor is how much longer than an early turn there is none after it: on a
// large cluster that changes all the time they take a fifth of a processor at most.
const restFactor = 4

// errLater says that there is another configuration, for which it isn't time.
var errLater = errors.New("it is not time yet for another configuration")

// applyNewest serves the table, with new Params if there are any. Those that
// don't work are dropped, unless time may mend that.
func (t *turner) applyNewest(ctx context.Context, table *route.Table) (done outcome, err error) {
	if !t.mayApply {
		return t.apply(ctx, t.quarantine.Leave(table))
	}
	untried := t.untried
	t.untried, t.operator = nil, len(untried) > 0
	for i, change := range untried {
		good := t.Params
		t.Params = change.Apply(good)
		now, failed := t.applyRest(ctx, table)
		done = max(done, now)
		if failed == nil {
			t.quarantine.Forget() // it may have been the templates
			continue
		}
		t.Params = good
		if culprit.Find(failed, &t.Options) != nil || ctx.Err() != nil {
			t.untried = append(t.untried, untried[i:]...)
			return done, failed
		}
		t.Log.Error("a change does not work; the last good one stays in use", "changed", change.What, "reason", failed)
		if proxyErr := (*proxyError)(nil); errors.As(failed, &proxyErr) && !account.IsRefused(failed) {
			t.untried = append(t.untried, change)
			err = errors.Join(err, failed)
		}
	}
	now, failed := t.applyRest(ctx, table)
	return max(done, now), errors.Join(err, failed)
}

// apply renders the table and serves it if the text differs from what is served.
func (t *turner) apply(ctx context.Context, table *route.Table) (done outcome, err error) {
	began := time.Now()
	files, err := render.Render(table, t.params(table))
	t.account.Took("render", began)
	if err != nil {
		return nothing, err
	}
	same := files.Generation == t.live.Generation
	if t.publisher != nil {
		done = t.publish(table, files, same)
	} else {
		t.pace.See(table, t.snapshot, began)
	}
	switch {
	case same:
		t.pace.Same(table)
		t.quarantine.Took(table)
		return done, nil
	case !t.mayApply || !t.release(table):
		return done, errLater
	}
	err = t.serve(ctx, table, files)
	t.account.Reloaded(account.Result(err))
	if err != nil {
		return done, &proxyError{err, files.Conf}
	}
	t.live = files
	t.pace.Live(table)
	t.quarantine.Took(table)
	return reloaded, nil
}

// proxyError is an error of the Proxy, as opposed to one of a template.
type proxyError struct {
	error
	conf []byte // that it is about
}

func (e *proxyError) Unwrap() error { return e.error }
