// Package controller decides when. Events from a source enter and change the
// cache; after each batch of them, one turn of the corridor (snapshot, build,
// render, apply) takes place, and a Report of it leaves. All waiting is here. It
// never reads an object itself and never talks to nginx or Kubernetes itself.
package controller

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/account"
	"github.com/30x/dispatcher/pkg/controller/internal/arrivals"
	"github.com/30x/dispatcher/pkg/controller/internal/pace"
	"github.com/30x/dispatcher/pkg/controller/internal/publish"
	"github.com/30x/dispatcher/pkg/controller/internal/report"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/source"
)

// Source tells of objects until ctx is done.
type Source interface {
	Run(ctx context.Context, events chan<- source.Event) error
}

// Proxy makes a configuration the one that is served. When it returns nil, it is.
type Proxy interface {
	Apply(ctx context.Context, files render.Files) error
}

// Directory tells nginx the endpoints of services.
type Directory = publish.Directory

// refresher is a Proxy that can have nginx ask for all endpoints.
type refresher interface {
	Refresh(ctx context.Context) error
}

// serving is what a Proxy may know: the generation that is served, "" if none is.
type serving interface{ Serving() string }

// WaitingReasons are all that Report.Waiting may be, but for "".
func WaitingReasons() []string { return pace.Reasons() }

type (
	// Report is what is known after a turn.
	Report = report.Report
	// Certificate says when a host's certificate expires.
	Certificate = report.Certificate
	// Turn is what there is to measure of one turn. It is zero in a Report that follows
	// none.
	Turn = account.Turn
	// Step is one step of a turn: "build" or "render".
	Step = account.Step
	// Pace is how many reloads there may be; 0 is no limit.
	Pace = pace.Options
)

// Causes are all that Turn.Cause may be: what changed since the last turn, but
// for the Changes of an operator, which are named by their What.
func Causes() []string { return account.Causes() }

// Change is another way to lay out configurations.
type Change struct {
	What  string // "templates", "default certificate"
	Apply func(render.Params) render.Params
}

// Controller walks the corridor. All fields but Changes and Publish must be set.
type Controller struct {
	Source  Source
	Cache   *cluster.Cache
	Options route.Options
	Params  render.Params
	Proxy   Proxy
	// Directory tells nginx the endpoints, if Params are Dynamic; else it is nil.
	Directory Directory
	// Window is the least time between two configurations. A change after a
	// quiet time is applied at once; those that follow within the window are
	// gathered until it ends.
	Window time.Duration
	Pace   Pace
	// Draining counts the old workers of nginx that finish their connections; nil: that
	// can't be known.
	Draining func() int
	Changes  <-chan Change // brings what an operator has changed; may be nil
	Publish  string        // NAMESPACE/NAME of the Service at which Ingresses are reached; "" for none
	// Report is called after each turn.
	Report func(Report)
	Log    *slog.Logger
}

// gather is how long the first change after a quiet time waits for those that
// come with it: objects that are applied together arrive one by one, and would
// otherwise be served a window apart.
const gather = 10 * time.Millisecond

// Run works until ctx is done, or the source fails for good.
func (c *Controller) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan arrivals.Arrival, 1024)
	sourceDone := make(chan error, 1)
	go func() { sourceDone <- arrivals.Listen(ctx, c.Source.Run, events) }()

	own := *c
	own.Options.Barred, own.Options.Memory = map[route.Bar]string{}, &certificate.Memory{}
	turn := &turner{Controller: &own, events: events, pace: pace.Pace{Options: own.Pace}}
	if own.Directory != nil {
		turn.publisher = &publish.Publisher{Directory: own.Directory}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		select {
		case err := <-sourceDone:
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return fmt.Errorf("source: %w", err)
			}
			sourceDone = nil // it has nothing more to tell; keep serving
			continue
		case <-ctx.Done():
			if sourceDone != nil {
				<-sourceDone
			}
			return nil
		case e := <-events:
			turn.take(e)
		case change := <-c.Changes:
			turn.newParams(change)
		case <-timer.C:
		}
		for len(events) > 0 { // what is here already belongs to this batch
			turn.take(<-events)
		}
		if wait, due := turn.due(time.Now()); due {
			turn.sync(ctx)
			// The turn may have failed, and changes may have come meanwhile.
			if wait, due = turn.due(time.Now()); due || wait > 0 {
				timer.Reset(max(wait, 0))
			}
		} else if wait > 0 {
			timer.Reset(wait)
		}
	}
}
