// Package arrivals notes when the events of a source arrive: they may wait while a turn
// takes place. Events enter; the same with their times leave. It never drops one.
package arrivals

import (
	"context"
	"time"

	"github.com/30x/dispatcher/pkg/source"
)

// Arrival is an event and when it arrived.
type Arrival struct {
	source.Event
	At time.Time
}

// Listen runs a source until it ends or ctx is done. The error is the source's.
func Listen(ctx context.Context, run func(context.Context, chan<- source.Event) error, arrivals chan<- Arrival) error {
	events, done := make(chan source.Event), make(chan error, 1)
	go func() { done <- run(ctx, events) }()
	for {
		select {
		case e := <-events:
			select {
			case arrivals <- Arrival{e, time.Now()}:
			case <-ctx.Done(): // nobody wants it any more
			}
		case err := <-done:
			return err
		}
	}
}
