package nginx

import (
	"context"
	"errors"
	"time"

	"github.com/30x/dispatcher/nginx/internal/message"
	"github.com/30x/dispatcher/nginx/internal/proc"
)

// Run keeps nginx running: if it dies, Run starts it again with the nginx.conf
// on disk. If Options say so, it starts with the last good one of an earlier
// Dispatcher. When ctx ends, Run lets nginx finish its requests for ShutdownGrace
// at most, ends it and returns; an error means that something is left over.
func (s *Server) Run(ctx context.Context) error {
	s.resume(ctx)
	var pause proc.Backoff
	for {
		p := s.proc.Load()
		var exited <-chan struct{} // nil, never ready, before the first start
		if p != nil {
			exited = p.Exited()
		}
		select {
		case <-ctx.Done():
			return s.shutdown()
		case <-s.changed:
		case <-exited:
			s.o.Log.Error("nginx ended unexpectedly: starting it again", "pid", p.Pid(), "reason", p.Reason())
			s.revive(ctx, p, &pause)
		}
	}
}

// revive starts nginx again after p has died, until that succeeds, Apply has
// done it, or ctx ends.
func (s *Server) revive(ctx context.Context, p *proc.Process, pause *proc.Backoff) {
	for lived := p.Lived(); s.proc.Load() == p; lived = 0 {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
			continue
		case <-time.After(pause.Next(lived)):
		}
		if err := s.restart(ctx, p); err != nil && ctx.Err() == nil {
			s.o.Log.Error("nginx does not start", "error", err, "hint", message.Hint(err.Error()))
		}
	}
}

func (s *Server) restart(ctx context.Context, p *proc.Process) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc.Load() != p {
		return nil
	}
	if err := errors.Join(s.conf.Restore(), s.certs.Restore()); err != nil {
		return err
	}
	return s.start(ctx, s.serves)
}

// shutdown ends nginx. From here on Apply refuses.
func (s *Server) shutdown() error {
	close(s.closing)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.proc.Load(); p != nil {
		p.Quit(s.o.ShutdownGrace, s.o.Log)
	}
	err := s.clear()
	s.o.Log.Info("nginx ended")
	return err
}
