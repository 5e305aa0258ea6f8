package nginx

import (
	"cmp"
	"context"
	"time"

	"github.com/30x/dispatcher/nginx/internal/message"
)

// Stale reports whether nginx serves what an earlier Dispatcher has left behind:
// no Apply has succeeded yet. It is false if Options don't allow that.
func (s *Server) Stale() bool { return s.o.Stale && !s.fresh.Load() && s.Alive() }

// Serving gives the generation that nginx serves, "?" if that isn't known, and "" if
// it serves none.
func (s *Server) Serving() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Alive() {
		return cmp.Or(s.running, "?")
	}
	if _, ok := s.conf.Vouched(s.o.Purpose); ok && s.o.Stale && !s.fresh.Load() {
		return "?" // Run is about to start it
	}
	return ""
}

// Resumes reports whether Run is about to start an earlier Dispatcher's nginx again.
func (s *Server) Resumes() bool { return !s.Alive() && s.Serving() != "" }

// Refresh has nginx read its configuration again, although it is the same: its new
// workers ask for endpoints at once.
func (s *Server) Refresh(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.proc.Load(); p.Alive() {
		return s.reload(ctx, p, s.running)
	}
	return nil // Run starts it
}

// resume starts nginx with the last good configuration of an earlier Dispatcher,
// if that is wanted, there is one, and no nginx runs. Its failure is no reason not
// to go on: the first Apply starts nginx.
func (s *Server) resume(ctx context.Context) {
	if !s.o.Stale || s.proc.Load() != nil || !s.mu.TryLock() { // the first Apply has begun
		return
	}
	defer s.mu.Unlock()
	since, ok := s.conf.Vouched(s.o.Purpose)
	if !ok && s.conf.Text() != nil {
		s.o.Log.Info("the configuration on disk was made with other settings: it is not served", "path", s.path(confName))
	}
	if !ok || s.proc.Load() != nil {
		return
	}
	if err := s.start(ctx, ""); err != nil {
		s.fresh.Store(true)
		if ctx.Err() == nil {
			s.o.Log.Warn("the last good configuration can't be served until all objects are known", "error", err, "hint", message.Hint(err.Error()))
		}
		return
	}
	s.serves = s.running
	s.o.Log.Warn("the last good configuration is served until all objects are known", "since", since.UTC().Format(time.RFC3339), "generation", message.Tidy(s.running))
}
