package controller

import (
	"time"

	"github.com/30x/dispatcher/pkg/controller/internal/account"
	"github.com/30x/dispatcher/pkg/controller/internal/moment"
)

// retryLater logs a failed turn and asks for another one if that may help.
func (t *turner) retryLater(err error, started time.Time, changes []string) {
	t.notBefore = started.Add(t.Window)
	if account.IsRefused(err) {
		t.Log.Error("configuration refused; the last good one stays in service until the next change", "reason", err, "changed", account.Shorten(changes))
		return
	}
	pause := moment.Retry(t.failures)
	t.failures++
	t.Log.Error("configuration not applied; trying again", "reason", err, "changed", account.Shorten(changes), "in", pause)
	t.dirty, t.changes = true, append(changes, t.changes...)
	t.account.Because(t.account.Turn.Cause)
	t.notBefore = time.Now().Add(pause)
}
