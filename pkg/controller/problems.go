package controller

import (
	"time"

	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/expiry"
)

// logProblems logs what is new and what is solved since the last turn.
func (t *turner) logProblems(problems []route.Problem) {
	before := make(map[route.Problem]bool, len(t.report.Problems))
	for _, p := range t.report.Problems {
		before[p] = true
	}
	place := func(p route.Problem) route.Problem { return route.Problem{Ref: p.Ref, Key: p.Key} }
	still := make(map[route.Problem]bool, len(problems))
	for _, p := range problems {
		if !before[p] {
			t.Log.Warn("problem", "object", p.Ref.String(), "key", p.Key, "reason", p.Reason)
		}
		still[place(p)] = true
	}
	for _, p := range t.report.Problems {
		if at := place(p); !still[at] {
			still[at] = true // told
			t.Log.Info("problem solved", "object", p.Ref.String(), "key", p.Key)
		}
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
	if next != 0 {
		t.recheck = time.Unix(next, 0)
	}
	if again := now.Add(tryAgain); t.waits() && (next == 0 || again.Before(t.recheck)) {
		t.recheck = again
	}
	return problems
}
