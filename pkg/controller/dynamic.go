package controller

import (
	"context"
	"time"

	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
)

// whole reports whether a whole turn is due, which may bring another configuration.
func (t *turner) whole(now time.Time) bool {
	switch {
	case t.publisher == nil:
		return true
	case t.dirty:
		return !now.Before(t.wholeAt())
	default:
		return !t.recheck.IsZero() && !now.Before(t.recheck)
	}
}

// publish tells nginx of a table's endpoints as far as it may know them. same says
// that only endpoints differ from what it serves.
func (t *turner) publish(table *route.Table, files render.Files, same bool) outcome {
	now, changed := time.Now(), 0
	switch {
	case same:
		changed = t.publisher.Live(table, now)
	case t.publisher.Knows():
		changed = t.publisher.Early(table, now)
	default:
		// By the rules of what an earlier Dispatcher has left, nobody new may be reached.
		if p, ok := t.Proxy.(serving); !ok || p.Serving() == "" || t.serves(files) {
			changed = t.publisher.All(table, now)
		}
	}
	t.grow = t.publisher.Next(now)
	done := t.earlier
	if t.earlier = nothing; changed > 0 {
		done = told
	}
	return done
}

// serves reports whether the proxy serves a configuration already.
func (t *turner) serves(files render.Files) bool {
	p, ok := t.Proxy.(serving)
	return ok && p.Serving() == files.Generation
}

const (
	// mostWait is how long nginx may take to get the endpoints of new services: it
	// asks for an answer that was lost again after five seconds.
	mostWait = 10 * time.Second
	// deafAfter is how long an nginx that was taken over may take to ask, before it is
	// made to: it does within five seconds, unless Dispatcher was away for very long.
	deafAfter = 6 * time.Second
	lookEvery = time.Millisecond
)

// serve hands a configuration to the proxy, and waits until its services that are
// new have their endpoints. Meanwhile, endpoints go on to change.
func (t *turner) serve(ctx context.Context, table *route.Table, files render.Files) error {
	if t.publisher == nil {
		return t.Proxy.Apply(ctx, files)
	}
	began, goesOn := time.Now(), !t.publisher.Knows() && t.serves(files)
	t.publisher.Applying(table)
	if err := t.await(func() error { return t.Proxy.Apply(ctx, files) }); err != nil {
		t.publisher.Failed()
		return err
	}
	if goesOn { // it has endpoints, and will ask for news
		t.publisher.Applied(time.Now(), time.Time{})
		t.deaf = time.Now().Add(deafAfter)
		return nil
	}
	t.publisher.Applied(time.Now(), began)
	missing, began := t.publisher.Missing(), time.Now()
	for !t.publisher.AllFetched(missing) && ctx.Err() == nil {
		if time.Since(began) > mostWait {
			t.Log.Warn("nginx has not asked for all endpoints; requests for them may be answered with 502", "limit", mostWait, "services", len(t.publisher.Missing()))
			return nil
		}
		_, _ = t.listen(nil)
	}
	return nil
}

// await does work that the proxy takes its time for. Meanwhile, endpoints go on to change.
func (t *turner) await(work func() error) error {
	if t.publisher == nil {
		return work()
	}
	done := make(chan error, 1)
	go func() { done <- work() }()
	for {
		if ended, err := t.listen(done); ended {
			return err
		}
	}
}

// rouse has an nginx that was taken over ask for endpoints, if it has not by itself.
func (t *turner) rouse(ctx context.Context) {
	t.deaf = time.Time{}
	p, ok := t.Proxy.(refresher)
	if !ok || len(t.publisher.Missing()) == 0 {
		return
	}
	t.Log.Info("nginx does not ask for endpoints, which it was not told for long: it is reloaded")
	if err := p.Refresh(ctx); err != nil {
		t.Log.Warn("nginx was not reloaded", "reason", err)
	}
}

// listen takes in what happens next, and tells of endpoints if that is due. It says
// whether something has ended, and with which error.
func (t *turner) listen(done <-chan error) (ended bool, err error) {
	select {
	case err := <-done:
		return true, err
	case e := <-t.events:
		t.take(e)
	case <-time.After(lookEvery):
	}
	if now := time.Now(); t.publisher.Knows() && !t.early.IsZero() && !t.early.After(now) {
		t.early = time.Time{}
		_, next, _ := t.build(now) // the next turn tells the Problems
		if t.publisher.Early(t.quarantine.Leave(next), now) > 0 {
			t.earlier = told // the next turn, which finds it done, says so
		}
		t.slowed = time.Now().Add(restFactor * time.Since(now))
	}
	return false, nil
}

// params are the Params for a table: nginx's memory for endpoints grows with them.
// It never shrinks, which would take a reload, too.
func (t *turner) params(table *route.Table) (p render.Params) {
	p, t.room, t.report.Capacity = t.Params.WithRoom(table.Counts(), t.room)
	return p
}
