package nginx

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/30x/dispatcher/nginx/internal/message"
	"github.com/30x/dispatcher/nginx/internal/proc"
)

// What the titles of nginx's processes hold. More may precede and little may
// follow, if a loader of libraries is the program that runs.
const (
	masterTitle = "nginx: master"
	workerTitle = "nginx: worker"
	anyTitle    = "nginx: "
)

const (
	askEvery   = 10 * time.Millisecond
	settleTime = time.Second
)

// verify waits until a worker of p that isn't an old one confirms that it
// serves the generation want ("" is any), and gives the generation.
func (s *Server) verify(ctx context.Context, p *proc.Process, want string, old []int) (string, error) {
	limited, cancel := context.WithTimeout(ctx, s.o.VerifyTimeout)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		generation, worker, err := s.control.Ask(limited)
		if err == nil && (want == "" || generation == want) && !slices.Contains(old, worker) {
			s.settle(limited, old)
			return generation, nil
		}
		select {
		case <-p.Exited():
			return "", fmt.Errorf("it ended (%s)%s", p.Reason(), lastWords(p))
		case <-limited.Done():
			if ctx.Err() != nil {
				return "", context.Cause(ctx)
			}
			return "", fmt.Errorf("no worker confirmed the configuration within %s%s", s.o.VerifyTimeout, lastWords(p))
		case <-tick.C:
		}
		// nginx tries for 2.5s to bind a port, and says each time that it failed.
		final := func(m string) bool { return !strings.HasPrefix(m, "bind() to") }
		if old != nil && slices.ContainsFunc(message.Emergencies(p.Stderr.String()), final) {
			return "", fmt.Errorf("it refused%s", lastWords(p))
		}
	}
}

// lastWords gives nginx's messages since the last start or reload.
func lastWords(p *proc.Process) string {
	if !p.Alive() {
		p.Stderr.Drain(500 * time.Millisecond)
	}
	if m := message.Emergencies(p.Stderr.String()); len(m) > 0 {
		return ": " + message.Tidy(strings.Join(m, "; "))
	}
	return ""
}

// settle waits, for a second at most, until no old worker accepts connections.
// It's a courtesy to callers who ask at once: nginx retires old workers about
// 100ms after the new ones have begun.
func (s *Server) settle(ctx context.Context, old []int) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for !allRetired(old) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// allRetired reports whether each of the workers has ended or says that it is
// about to.
func allRetired(workers []int) bool {
	return !slices.ContainsFunc(workers, func(pid int) bool {
		title := proc.Title(pid)
		return strings.Contains(title, workerTitle) && !strings.Contains(title, "shutting down")
	})
}
