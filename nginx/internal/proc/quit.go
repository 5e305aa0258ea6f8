package proc

import (
	"context"
	"log/slog"
	"syscall"
	"time"
)

// terminateTime is how long a program may take to end at once.
const terminateTime = 3 * time.Second

// Quit ends a nginx: in peace, for which it has the time grace, then at once,
// then by force.
func (p *Process) Quit(grace time.Duration, log *slog.Logger) {
	for _, step := range []struct {
		signal syscall.Signal
		limit  time.Duration
	}{
		{syscall.SIGQUIT, grace},
		{syscall.SIGTERM, terminateTime},
		{syscall.SIGKILL, terminateTime},
	} {
		if !p.Alive() {
			return
		}
		_ = p.Signal(step.signal) // fails only if it has ended
		select {
		case <-p.Exited():
		case <-time.After(step.limit):
			log.Warn("nginx does not end in time", "signal", step.signal.String(), "limit", step.limit)
		}
	}
}

// Until gives a context that also ends, for that cause, when done is closed.
func Until(ctx context.Context, done <-chan struct{}, cause error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-done:
			cancel(cause)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}
