package controller

import (
	"time"

	"github.com/30x/dispatcher/pkg/controller/internal/account"
	"github.com/30x/dispatcher/pkg/controller/internal/moment"
	"github.com/30x/dispatcher/pkg/controller/internal/pace"
	"github.com/30x/dispatcher/pkg/route"
)

// wholeAt is when a whole turn is due for what has changed.
func (t *turner) wholeAt() time.Time {
	at := moment.Later(t.notBefore, t.since.Add(gather))
	if until := t.pace.Until(); !until.IsZero() { // what the clock changes may be somebody else's
		at = moment.Later(at, moment.Earliest(until, t.recheck))
	}
	return at
}

// begin prepares the pace of a turn.
func (t *turner) begin(now time.Time) {
	t.released = false
	if t.mayApply && !t.recheck.IsZero() && !now.Before(t.recheck) {
		t.pace.Anybody()
	}
}

// release reports whether nginx may be reloaded for a table in this turn. That is asked
// once: a turn may take several attempts.
func (t *turner) release(table *route.Table) bool {
	if t.released {
		return true
	}
	w := pace.Wanted{Table: table, Snapshot: t.snapshot, Dynamic: t.publisher != nil, Prompt: t.operator, Room: t.report.Capacity, Draining: t.Draining}
	causes, wait := t.pace.Ask(w, time.Now())
	if wait && t.report.Waiting == "" {
		t.Log.Info("changes are gathered", "reason", t.pace.Waiting(), "namespaces", account.Shorten(causes), "for", time.Until(t.pace.Until()).Round(time.Millisecond))
	}
	if !wait {
		t.released, t.account.Turn.Namespaces = true, causes
	}
	return !wait
}

// gather ends a turn whose changes wait: all but what is served is told.
func (t *turner) gather(table *route.Table, problems []route.Problem, now time.Time) {
	t.dirty = true
	t.changes = account.Distinct(t.changes)
	t.tell(table, problems, now)
	t.Report(t.report)
}
