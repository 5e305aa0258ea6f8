// Package workers knows what nginx's processes say of themselves, in their titles
// and messages. Processes enter; which of them retire, and their last words, leave.
// It never signals a process and never talks to one.
package workers

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/30x/dispatcher/nginx/internal/message"
	"github.com/30x/dispatcher/nginx/internal/proc"
)

// What the titles of nginx's processes hold. More may precede and little may
// follow, if a loader of libraries is the program that runs.
const (
	MasterTitle = "nginx: master"
	AnyTitle    = "nginx: "

	workerTitle   = "nginx: worker"
	retiringTitle = "nginx: worker process is" // shutting down, which a loader may leave no room for
)

const (
	lookEvery  = 10 * time.Millisecond
	settleTime = time.Second
)

// Settle waits, for a second at most, until none of the old workers accepts
// connections. It's a courtesy to callers who ask at once: nginx retires old
// workers about 100ms after the new ones have begun.
func Settle(ctx context.Context, old []int) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for slices.ContainsFunc(old, accepts) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// accepts reports whether a process is a worker that has neither ended nor says
// that it is about to.
func accepts(pid int) bool {
	title := proc.Title(pid)
	return strings.Contains(title, workerTitle) && !strings.Contains(title, retiringTitle)
}

// Draining counts the workers of a master that accept no more connections and
// still have some to finish.
func Draining(master int) (n int) {
	for _, pid := range proc.Children(master) {
		if strings.Contains(proc.Title(pid), retiringTitle) {
			n++
		}
	}
	return n
}

// LastWords gives nginx's messages since the last start or reload.
func LastWords(p *proc.Process) string {
	if !p.Alive() {
		p.Stderr.Drain(500 * time.Millisecond)
	}
	if m := message.Emergencies(p.Stderr.String()); len(m) > 0 {
		return ": " + message.Tidy(strings.Join(m, "; "))
	}
	return ""
}
