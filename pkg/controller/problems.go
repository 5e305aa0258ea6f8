package controller

import (
	"time"

	"github.com/30x/dispatcher/pkg/controller/internal/culprit"
	"github.com/30x/dispatcher/pkg/controller/internal/deadlines"
	"github.com/30x/dispatcher/pkg/controller/internal/kinds"
	"github.com/30x/dispatcher/pkg/controller/internal/moment"
	"github.com/30x/dispatcher/pkg/route"
)

// tell takes the Problems of a turn into the report, with those that the clock makes.
func (t *turner) tell(table *route.Table, problems []route.Problem, now time.Time) []route.Problem {
	problems = append(problems, t.checkExpiry(table, now)...)
	over, next := t.pace.Problems(now)
	t.recheck = moment.Earliest(t.recheck, next)
	problems = append(problems, over...)
	kinds.Log(t.Log, t.report.Problems, problems)
	t.report.Problems, t.report.ProblemKinds = problems, kinds.Count(problems, t.Options)
	t.report.Gathered, t.report.Waiting = len(over), t.pace.Waiting()
	return problems
}

// checkExpiry gives the Problems that the clock makes of certificates, and sees to
// it that a turn takes place when there will be others.
func (t *turner) checkExpiry(table *route.Table, now time.Time) []route.Problem {
	d := deadlines.Of(table, t.Params.Default, now.Unix())
	if d.Default != "" && d.Default != t.warned {
		t.Log.Warn(d.Default, "setting", "SSL_CERT")
	}
	t.warned, t.report.Certificates = d.Default, d.Certificates
	t.recheck = time.Time{}
	if d.Next != 0 {
		t.recheck = time.Unix(d.Next, 0)
	}
	if culprit.Waits(t.Options.Barred) {
		t.recheck = moment.Earliest(t.recheck, now.Add(tryAgain))
	}
	return d.Problems
}
