// Package pace holds the settings of how often nginx is reloaded. The texts of settings
// enter; numbers leave. It never counts a reload.
package pace

import (
	"github.com/30x/dispatcher/pkg/config/internal/parse"
	"github.com/30x/dispatcher/pkg/config/internal/table"
)

// Reloads are the values of all rows of this package; 0 is no limit.
type Reloads struct {
	ReloadBudget       int // reloads of one Namespace in a minute
	MaxDrainingWorkers int // of nginx
}

// PaceRows are the settings of this package, in the group that is given.
func (s *Reloads) PaceRows(g table.Group) []table.Setting {
	return []table.Setting{
		table.Row(g, "NAMESPACE_RELOAD_BUDGET", "NUMBER", "30",
			"Reloads of nginx that one Namespace may cause in a minute. The changes of one that causes more are gathered, for 10 seconds and then for up to a minute; others' are not held up. Where endpoints stand in nginx.conf, a Pod that has lost its readiness five times in ten minutes is taken in again once it stays. 0: no limit, and no such Pods.",
			table.Into(&s.ReloadBudget, parse.Number("a number of reloads", 0, 6000))),
		table.Row(g, "MAX_DRAINING_WORKERS", "NUMBER", "32",
			"While more old workers of nginx than this finish their connections after reloads, the changes of Namespaces that have caused more than one reload in a minute are gathered for 30 seconds; while there are more than twice as many, all are. 0: no limit.",
			table.Into(&s.MaxDrainingWorkers, parse.Number("a number of workers", 0, 100000))),
	}
}
