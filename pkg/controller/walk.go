package controller

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/account"
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
		now, err := t.applyNewest(ctx, table)
		done = max(done, now)
		bad := t.culprit(err)
		switch {
		case bad == nil || round > maxRounds:
			return snapshot, table, problems, done, err
		case round == maxRounds:
			t.barNew(table)
		default:
			barred[bad.bar] = bad.reason
		}
	}
}

// build translates what is known now.
func (t *turner) build(now time.Time) (*cluster.Snapshot, *route.Table, []route.Problem) {
	snapshot := t.Cache.Snapshot()
	t.Options.Now = now.Unix()
	table, problems := route.Build(snapshot, t.Options)
	t.snapshot = snapshot
	return snapshot, table, problems
}

// culprit is one certificate that an error is about.
type culprit struct {
	bar    route.Bar
	reason string
}

// badCertificate is what a Proxy's error may say: one certificate is at fault.
type badCertificate interface {
	Certificate() (host, id, reason string)
}

// culprit gives the certificate of a host that an error is about, nil if there is
// none. One that is refused is so everywhere and until it changes; if it is
// something else, time may mend it, and only this host is concerned.
func (t *turner) culprit(err error) *culprit {
	var c badCertificate
	if !errors.As(err, &c) {
		return nil
	}
	host, id, reason := c.Certificate()
	bar := route.Bar{ID: id}
	if !account.IsRefused(err) {
		bar.Host = host
	}
	if _, barred := t.Options.Barred[bar]; barred || !t.Options.Memory.Knows(id) {
		return nil
	}
	return &culprit{bar, reason}
}

// barNew bars, until the next turn, all certificates that aren't in service: many
// are at fault, and the others' changes must not wait until all are found.
func (t *turner) barNew(table *route.Table) {
	live := map[string]bool{}
	for _, f := range t.live.Certificates {
		live[f.ID] = true
	}
	for _, h := range table.Hosts {
		if h.TLS != nil && !live[h.TLS.Pair.ID()] {
			t.Options.Barred[route.Bar{Host: h.Name.String(), ID: h.TLS.Pair.ID()}] = "too many certificates are refused at once; it is tried again soon"
		}
	}
}

// waits reports whether a certificate is to be tried again.
func (t *turner) waits() bool {
	for b := range t.Options.Barred {
		if b.Host != "" {
			return true
		}
	}
	return false
}
