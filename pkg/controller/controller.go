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
	"github.com/30x/dispatcher/pkg/controller/internal/publish"
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

// Report is what is known after a turn.
type Report struct {
	Generation   string // of the configuration that is served; "" before the first
	Counts       route.Counts
	Problems     []route.Problem
	Table        *route.Table       // of the newest configuration that could be served; nil before the first
	Snapshot     *cluster.Snapshot  // of which the Table was made
	Err          error              // why the newest configuration is not served; nil if it is
	Certificates []Certificate      // in the newest configuration
	Ingresses    []*cluster.Ingress // that are of our class, by namespace and name
	Published    []string           // addresses of Controller.Publish
	Capacity     int                // endpoints that nginx's memory has room for; 0: they stand in the configuration
	LiveSince    time.Time          // when the configuration that is served became live; zero before the first
	Objects      map[string]int     // what is known of the cluster, by kind
	ProblemKinds map[string]int     // Problems by what the owner has to correct; each kind is there
	Turn         Turn
}

// Certificate says when a host's certificate expires. The default one has no host.
type Certificate struct {
	Namespace, Host string
	NotAfter        int64 // Unix seconds
}

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
	Window  time.Duration
	Changes <-chan Change // brings what an operator has changed; may be nil
	Publish string        // NAMESPACE/NAME of the Service at which Ingresses are reached; "" for none
	// Report is called after each turn.
	Report func(Report)
	Log    *slog.Logger
}

// gather is how long the first change after a quiet time waits for those that
// come with it: objects that are applied together arrive one by one, and would
// otherwise be served a window apart.
const gather = 10 * time.Millisecond

// A failed turn that time may mend is tried again after firstRetry, then after
// twice as long each time, up to lastRetry.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// Run works until ctx is done, or the source fails for good.
func (c *Controller) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan arrival, 1024)
	sourceDone := make(chan error, 1)
	go func() { sourceDone <- c.listen(ctx, events) }()

	own := *c
	own.Options.Barred, own.Options.Memory = map[route.Bar]string{}, &certificate.Memory{}
	turn := &turner{Controller: &own, events: events}
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

// arrival is an event and when it arrived.
type arrival struct {
	source.Event
	at time.Time
}

// listen runs the source, and notes when its events arrive: they may wait while a
// turn takes place.
func (c *Controller) listen(ctx context.Context, arrivals chan<- arrival) error {
	events, done := make(chan source.Event), make(chan error, 1)
	go func() { done <- c.Source.Run(ctx, events) }()
	for {
		select {
		case e := <-events:
			select {
			case arrivals <- arrival{e, time.Now()}:
			case <-ctx.Done(): // nobody wants it any more
			}
		case err := <-done:
			return err
		}
	}
}
