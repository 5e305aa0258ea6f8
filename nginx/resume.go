package nginx

import (
	"context"
	"time"

	"github.com/30x/dispatcher/nginx/internal/message"
)

// Stale reports whether nginx serves what an earlier Dispatcher has left behind:
// no Apply has succeeded yet. It is false if Options don't allow that.
func (s *Server) Stale() bool { return s.o.Stale && !s.fresh.Load() && s.Alive() }

// resume starts nginx with the last good configuration of an earlier Dispatcher,
// if that is wanted, there is one, and no nginx runs. Its failure is no reason not
// to go on: the first Apply starts nginx.
func (s *Server) resume(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.o.Stale || s.proc.Load() != nil {
		return
	}
	since, ok := s.conf.Vouched(s.o.Purpose)
	if !ok {
		if s.conf.Text() != nil {
			s.o.Log.Info("the configuration on disk was made with other settings: it is not served", "path", s.path(confName))
		}
		return
	}
	if err := s.start(ctx, ""); err != nil {
		if ctx.Err() == nil {
			s.o.Log.Warn("the last good configuration can't be served until all objects are known", "error", err, "hint", message.Hint(err.Error()))
		}
		return
	}
	s.serves = s.running
	s.o.Log.Warn("the last good configuration is served until all objects are known", "since", since.UTC().Format(time.RFC3339), "generation", message.Tidy(s.running))
}
