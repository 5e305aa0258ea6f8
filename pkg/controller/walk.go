package controller

import (
	"context"
	"maps"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/account"
	"github.com/30x/dispatcher/pkg/controller/internal/culprit"
	"github.com/30x/dispatcher/pkg/controller/internal/ingresses"
	"github.com/30x/dispatcher/pkg/route"
)

const (
	// maxRounds is how often a turn looks for one more certificate at fault.
	maxRounds = 8
	// tryAgain is when those are tried again that time may mend.
	tryAgain = 30 * time.Second
)

// walk builds and serves what the cluster asks for, without the certificates that
// can't be used although they look right.
func (t *turner) walk(ctx context.Context) (snapshot *cluster.Snapshot, table *route.Table, problems []route.Problem, done outcome, err error) {
	barred := t.Options.Barred
	maps.DeleteFunc(barred, func(b route.Bar, _ string) bool { return b.Host != "" })
	for round := 0; ; round++ {
		began := time.Now()
		snapshot, table, problems = t.build(began)
		t.account.Took("build", began)
		t.report.Objects = account.Objects(snapshot)
		t.report.Ingresses, t.report.Published = ingresses.Of(snapshot, table.Ingresses), ingresses.Published(snapshot, t.Publish)
		maps.DeleteFunc(barred, func(b route.Bar, _ string) bool { return !t.Options.Memory.Knows(b.ID) })
		t.quarantine.Release(table)
		now, err := t.applyNewest(ctx, table)
		done = max(done, now)
		bad := culprit.Find(err, &t.Options)
		switch {
		case bad == nil || round > maxRounds:
			return snapshot, t.quarantine.Leave(table), append(problems, t.quarantine.Problems(table)...), done, err
		case round == maxRounds:
			culprit.BarNew(barred, table, t.live.Certificates)
		default:
			barred[bad.Bar] = bad.Reason
		}
	}
}

// build translates what is known now.
func (t *turner) build(now time.Time) (*cluster.Snapshot, *route.Table, []route.Problem) {
	snapshot := t.Cache.Snapshot()
	t.Options.Now = now.Unix()
	t.quarantine.See(snapshot)
	table, problems := route.Build(snapshot, t.Options)
	t.snapshot = snapshot
	return snapshot, table, problems
}
