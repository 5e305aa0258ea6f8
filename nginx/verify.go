package nginx

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/30x/dispatcher/nginx/internal/message"
	"github.com/30x/dispatcher/nginx/internal/proc"
	"github.com/30x/dispatcher/nginx/internal/workers"
)

const askEvery = 10 * time.Millisecond

// verify waits until a worker of p that isn't an old one confirms that it
// serves the generation want ("" is any), and gives the generation.
func (s *Server) verify(ctx context.Context, p *proc.Process, want string, old []int) (string, error) {
	defer s.observe("verify", time.Now())
	limited, cancel := context.WithTimeout(ctx, s.o.VerifyTimeout)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		generation, worker, err := s.control.Ask(limited)
		if err == nil && (want == "" || generation == want) && !slices.Contains(old, worker) {
			workers.Settle(limited, old)
			return generation, nil
		}
		select {
		case <-p.Exited():
			return "", fmt.Errorf("it ended (%s)%s", p.Reason(), workers.LastWords(p))
		case <-limited.Done():
			if ctx.Err() != nil {
				return "", context.Cause(ctx)
			}
			return "", fmt.Errorf("no worker confirmed the configuration within %s%s", s.o.VerifyTimeout, workers.LastWords(p))
		case <-tick.C:
		}
		// nginx tries for 2.5s to bind a port, and says each time that it failed.
		final := func(m string) bool { return !strings.HasPrefix(m, "bind() to") }
		if old != nil && slices.ContainsFunc(message.Emergencies(p.Stderr.String()), final) {
			return "", fmt.Errorf("it refused%s", workers.LastWords(p))
		}
	}
}
