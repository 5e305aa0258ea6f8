package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/30x/dispatcher/pkg/controller/internal/culprit"
	"github.com/30x/dispatcher/pkg/controller/internal/quarantine"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
)

// tester is a Proxy that can tell of a configuration whether it would take it.
type tester interface {
	Test(ctx context.Context, files render.Files) error
}

// applyRest is apply without the entries that nginx refuses. It finds them, if need be.
func (t *turner) applyRest(ctx context.Context, table *route.Table) (done outcome, err error) {
	rest := t.quarantine.Leave(table)
	done, err = t.apply(ctx, rest)
	var refused *proxyError
	p, ok := t.Proxy.(tester)
	if !ok || !errors.As(err, &refused) {
		return done, err
	}
	verdict, other := quarantine.Judge(refused, refused.conf, rest)
	if other != nil {
		return done, err
	}
	began := time.Now()
	found, failed := t.quarantine.Find(ctx, table, rest, verdict, func(ctx context.Context, table *route.Table) (quarantine.Verdict, error) {
		files, err := render.Render(table, t.params(table))
		if err != nil {
			return quarantine.Verdict{}, err
		}
		return quarantine.Judge(t.await(func() error { return p.Test(ctx, files) }), files.Conf, table)
	})
	switch {
	case culprit.Concerns(failed):
		return done, failed
	case failed != nil:
		return done, fmt.Errorf("%w (%w)", err, failed)
	}
	t.Log.Warn("nginx refuses entries; they are left out", "reason", err, "entries", len(found.Guilty), "waiting", len(found.Delayed), "took", time.Since(began).Round(time.Millisecond))
	now, err := t.apply(ctx, t.quarantine.Leave(table))
	return max(done, now), err
}
