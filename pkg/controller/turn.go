package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
)

// turner holds what passes from one turn to the next.
type turner struct {
	*Controller

	synced    bool      // the source has told all that exists
	dirty     bool      // something changed since the last turn
	since     time.Time // when it first did
	changes   []string
	cause     string                    // of the next turn; "" if nothing changed
	waiting   map[cluster.Ref]time.Time // the objects whose change isn't live, and since when
	untried   []Change                  // of Params, not yet known to work
	notBefore time.Time                 // no turn before
	recheck   time.Time                 // when the clock makes a turn due; zero: never
	live      render.Files
	failures  int    // turns in a row that failed and may be tried again
	warned    string // of the default certificate
	report    Report
}

// take changes the cache by an event.
func (t *turner) take(e arrival) {
	if e.Synced {
		t.synced = true
		t.mark(causeStart)
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
		t.arrived(ref, e.at)
		t.changes = append(t.changes, fmt.Sprintf("%s %s", ref, change))
	}
}

// newParams asks for a turn with other Params.
func (t *turner) newParams(c Change) {
	t.untried = append(t.untried, c)
	t.mark(c.What)
	t.changes = append(t.changes, c.What+" changed")
}

// mark notes that something changed.
func (t *turner) mark(cause string) {
	t.because(cause)
	if !t.dirty {
		t.dirty, t.since = true, time.Now()
	}
}

// due says whether a turn is due now, or else how long to wait for it; 0 if
// there is nothing to do.
func (t *turner) due(now time.Time) (wait time.Duration, due bool) {
	switch {
	case !t.synced:
		return 0, false
	case t.dirty:
		wait = max(t.notBefore.Sub(now), t.since.Add(gather).Sub(now), 0)
	case t.recheck.IsZero():
		return 0, false
	default:
		wait = max(t.recheck.Sub(now), 0)
	}
	return min(wait, longestWait), wait == 0
}

// longestWait is how long a wait lasts before the clock is looked at again: it
// may have been set.
const longestWait = time.Hour

// sync is one turn of the corridor.
func (t *turner) sync(ctx context.Context) {
	started := time.Now()
	changes := t.changes
	t.dirty, t.changes = false, nil
	t.begin()

	table, problems, applied, err := t.walk(ctx)
	problems = append(problems, t.checkExpiry(table, started)...)
	t.logProblems(problems)
	t.report.Problems, t.report.ProblemKinds = problems, countProblems(problems, t.Options)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		t.report.Err = err
		t.retryLater(err, started, changes)
	default:
		t.failures = 0
		t.report.Err = nil
		t.report.Counts, t.report.Upstreams = table.Counts(), countUpstreams(table)
	}
	t.end(applied, err)
	if applied {
		t.report.Generation = t.live.Generation
		t.notBefore = started.Add(t.Window)
		counts := t.report.Counts
		t.Log.Info("configuration live", "changed", shorten(changes), "hosts", counts.Hosts, "locations", counts.Locations,
			"endpoints", counts.Endpoints, "problems", len(problems), "generation", t.live.Generation,
			"took", time.Since(started).Round(time.Millisecond))
	}
	t.Report(t.report)
	t.report.Turn = Turn{}
}

// applyNewest serves the table, with new Params if there are any. Those that
// don't work are dropped, unless time may mend that.
func (t *turner) applyNewest(ctx context.Context, table *route.Table) (applied bool, err error) {
	untried := t.untried
	t.untried = nil
	for i, change := range untried {
		good := t.Params
		t.Params = change.Apply(good)
		done, failed := t.apply(ctx, table)
		applied = applied || done
		if failed == nil {
			continue
		}
		t.Params = good
		if t.culprit(failed) != nil || ctx.Err() != nil {
			t.untried = append(t.untried, untried[i:]...)
			return applied, failed
		}
		t.Log.Error("a change does not work; the last good one stays in use", "changed", change.What, "reason", failed)
		if proxyErr := (*proxyError)(nil); errors.As(failed, &proxyErr) && !isRefused(failed) {
			t.untried = append(t.untried, change)
			err = errors.Join(err, failed)
		}
	}
	done, failed := t.apply(ctx, table)
	return applied || done, errors.Join(err, failed)
}

// apply renders the table and serves it if the text differs from what is served.
func (t *turner) apply(ctx context.Context, table *route.Table) (applied bool, err error) {
	began := time.Now()
	files, err := render.Render(table, t.Params)
	t.took("render", began)
	if err != nil {
		return false, err
	}
	if files.Generation == t.live.Generation {
		return false, nil
	}
	err = t.Proxy.Apply(ctx, files)
	t.reloaded(err)
	if err != nil {
		return false, &proxyError{err}
	}
	t.live = files
	return true, nil
}

// refused is what a Proxy's error may say: the text itself is at fault, so time
// does not mend it.
type refused interface{ Refused() bool }

// proxyError is an error of the Proxy, as opposed to one of a template.
type proxyError struct{ error }

func (e *proxyError) Unwrap() error { return e.error }

func isRefused(err error) bool {
	var r refused
	return errors.As(err, &r) && r.Refused()
}

// retryLater logs a failed turn and asks for another one if that may help.
func (t *turner) retryLater(err error, started time.Time, changes []string) {
	t.notBefore = started.Add(t.Window)
	if isRefused(err) {
		t.Log.Error("configuration refused; the last good one stays in service until the next change", "reason", err, "changed", shorten(changes))
		return
	}
	pause := min(firstRetry<<min(t.failures, 10), lastRetry)
	t.failures++
	t.Log.Error("configuration not applied; trying again", "reason", err, "changed", shorten(changes), "in", pause)
	t.dirty, t.changes, t.cause = true, changes, t.report.Turn.Cause
	t.notBefore = time.Now().Add(pause)
}

// shorten keeps a log line readable.
func shorten(changes []string) []string {
	const limit = 10
	changes = slices.Compact(slices.Sorted(slices.Values(changes)))
	if len(changes) > limit {
		changes = append(changes[:limit:limit], fmt.Sprintf("and %d more", len(changes)-limit))
	}
	return changes
}
