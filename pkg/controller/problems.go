package controller

import (
	"time"

	"github.com/30x/dispatcher/pkg/controller/internal/kinds"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/expiry"
)

// logProblems logs what is new and what is solved since the last turn.
func (t *turner) logProblems(problems []route.Problem) {
	fresh, solved := kinds.News(t.report.Problems, problems)
	for _, p := range fresh {
		t.Log.Warn("problem", "object", p.Ref.String(), "key", p.Key, "reason", p.Reason)
	}
	for _, p := range solved {
		t.Log.Info("problem solved", "object", p.Ref.String(), "key", p.Key)
	}
}

// checkExpiry gives the Problems that the clock makes of certificates, and sees to
// it that a turn takes place when there will be others.
func (t *turner) checkExpiry(table *route.Table, now time.Time) []route.Problem {
	problems, next := expiry.Expiring(table, now.Unix())
	t.report.Certificates = nil
	if p := t.Params.Default; p != nil {
		reason, change := p.Validity().Judge("the default certificate", now.Unix())
		if reason != "" && reason != t.warned {
			t.Log.Warn(reason, "setting", "SSL_CERT")
		}
		t.warned = reason
		if next == 0 || change != 0 && change < next {
			next = change
		}
		t.report.Certificates = append(t.report.Certificates, Certificate{NotAfter: p.Validity().NotAfter})
	}
	for _, h := range table.Hosts {
		if h.TLS != nil {
			t.report.Certificates = append(t.report.Certificates, Certificate{h.Owner.Name, h.Name.String(), h.TLS.Pair.Validity().NotAfter})
		}
	}
	t.recheck = time.Time{}
	if until := table.Until; until != 0 && (next == 0 || until < next) {
		next = until
	}
	if next != 0 {
		t.recheck = time.Unix(next, 0)
	}
	if again := now.Add(tryAgain); t.waits() && (next == 0 || again.Before(t.recheck)) {
		t.recheck = again
	}
	return problems
}
