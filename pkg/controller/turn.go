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
	"github.com/30x/dispatcher/pkg/source"
)

// turner holds what passes from one turn to the next.
type turner struct {
	*Controller

	synced    bool      // the source has told all that exists
	dirty     bool      // something changed since the last turn
	since     time.Time // when it first did
	changes   []string
	untried   *render.Templates // newer than Params.Templates, not yet known to work
	notBefore time.Time         // no turn before
	live      render.Files      // what is served
	failures  int               // turns in a row that failed and may be tried again
	report    Report
}

// take changes the cache by an event.
func (t *turner) take(e source.Event) {
	if e.Synced {
		t.synced = true
		t.mark()
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
	t.mark()
	if ref, err := cluster.NewRef(cluster.Kind(e.Object), e.Object); err == nil && t.synced {
		t.changes = append(t.changes, fmt.Sprintf("%s %s", ref, change))
	}
}

// newTemplates asks for a turn with other templates.
func (t *turner) newTemplates(tm *render.Templates) {
	t.untried = tm
	t.mark()
	t.changes = append(t.changes, "templates changed")
}

// mark notes that something changed.
func (t *turner) mark() {
	if !t.dirty {
		t.dirty, t.since = true, time.Now()
	}
}

// due says whether a turn is due now, or else how long to wait for it; 0 if
// there is nothing to do.
func (t *turner) due(now time.Time) (wait time.Duration, due bool) {
	if !t.synced || !t.dirty {
		return 0, false
	}
	wait = max(t.notBefore.Sub(now), t.since.Add(gather).Sub(now), 0)
	return wait, wait == 0
}

// sync is one turn of the corridor.
func (t *turner) sync(ctx context.Context) {
	started := time.Now()
	changes := t.changes
	t.dirty, t.changes = false, nil

	table, problems := route.Build(t.Cache.Snapshot(), t.Options)
	t.logProblems(problems)
	t.report.Problems = problems

	applied, err := t.applyWithTemplates(ctx, table)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		t.report.Err = err
		t.retryLater(err, started, changes)
	default:
		t.failures = 0
		t.report.Err = nil
		t.report.Counts = table.Counts()
	}
	if applied {
		t.report.Generation = t.live.Generation
		t.notBefore = started.Add(t.Window)
		counts := t.report.Counts
		t.Log.Info("configuration live", "changed", shorten(changes), "hosts", counts.Hosts, "locations", counts.Locations,
			"endpoints", counts.Endpoints, "problems", len(problems), "generation", t.live.Generation,
			"took", time.Since(started).Round(time.Millisecond))
	}
	t.Report(t.report)
}

// applyWithTemplates serves the table, with new templates if there are any. If
// those fail, the last good ones are used again.
func (t *turner) applyWithTemplates(ctx context.Context, table *route.Table) (applied bool, err error) {
	if t.untried != nil {
		good := t.Params.Templates
		t.Params.Templates, t.untried = t.untried, nil
		if applied, err = t.apply(ctx, table); err == nil || ctx.Err() != nil || good == nil {
			return applied, err
		}
		t.Log.Error("the changed templates do not work; the last good ones stay in use", "reason", err)
		changed := t.Params.Templates
		t.Params.Templates = good
		if applyErr := (*proxyError)(nil); errors.As(err, &applyErr) && !isRefused(err) {
			t.untried = changed // time may mend that
			applied, goodErr := t.apply(ctx, table)
			return applied, errors.Join(err, goodErr)
		}
	}
	return t.apply(ctx, table)
}

// apply renders the table and serves it if the text differs from what is served.
func (t *turner) apply(ctx context.Context, table *route.Table) (applied bool, err error) {
	files, err := render.Render(table, t.Params)
	if err != nil {
		return false, err
	}
	if files.Generation == t.live.Generation {
		return false, nil
	}
	if err := t.Proxy.Apply(ctx, files); err != nil {
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
	t.dirty, t.changes = true, changes
	t.notBefore = time.Now().Add(pause)
}

// logProblems logs what is new and what is solved since the last turn.
func (t *turner) logProblems(problems []route.Problem) {
	before := make(map[route.Problem]bool, len(t.report.Problems))
	for _, p := range t.report.Problems {
		before[p] = true
	}
	for _, p := range problems {
		if !before[p] {
			t.Log.Warn("problem", "object", p.Ref.String(), "key", p.Key, "reason", p.Reason)
		}
		delete(before, p)
	}
	for _, p := range t.report.Problems {
		if before[p] {
			t.Log.Info("problem solved", "object", p.Ref.String(), "key", p.Key)
		}
	}
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
