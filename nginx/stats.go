package nginx

import (
	"context"
	"time"

	"github.com/30x/dispatcher/nginx/internal/workers"
)

// Stats is what nginx tells of itself.
type Stats struct {
	Draining int  // old workers that finish their connections
	Told     bool // nginx has told the rest
	// Connections now: all, and those on which it reads a request, writes an answer
	// or waits for a request.
	Active, Reading, Writing, Waiting uint64
	// Since nginx was started, also over reloads.
	Accepted, Handled, Requests uint64
}

// Stats asks nginx for what it counts, until ctx ends at the latest.
func (s *Server) Stats(ctx context.Context) Stats {
	p := s.proc.Load()
	if !p.Alive() {
		return Stats{}
	}
	n, err := s.control.Counts(ctx)
	return Stats{workers.Draining(p.Pid()), err == nil, n.Active, n.Reading, n.Writing, n.Waiting, n.Accepted, n.Handled, n.Requests}
}

// observe tells of a step that ends now.
func (s *Server) observe(step string, began time.Time) { s.o.Observe(step, time.Since(began)) }
