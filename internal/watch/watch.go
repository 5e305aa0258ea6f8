// Package watch tells that files or folders have changed. Paths enter; calls
// leave. It says neither what has changed nor whether the content did: whoever
// is called looks. It never reads a file's content and never changes anything.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long nothing may happen before a change is told: an editor
	// writes a file in several steps.
	quiet = 100 * time.Millisecond
	// look is how often changed is called all the same: not every file system
	// tells of changes.
	look = 30 * time.Second
)

// Paths calls changed when the watch stands, 100 ms after the last of some
// changes to the paths, and 30 s after its last call all the same, until ctx is
// done. What was read before Paths began is therefore worth a second look.
//
// A path is a file or a folder. It need not exist yet, and it may be replaced or
// lead through symbolic links whose targets change, as those of mounted Secrets
// and of certbot do. Of a folder those entries count whose name concerns accepts,
// with the files that they link to; nil accepts all. If the system can't tell of
// changes, failed is called with the reason, once, and Paths goes on looking
// every 30 s. All calls come from the caller's goroutine, one at a time.
func Paths(ctx context.Context, paths []string, concerns func(name string) bool, changed func(), failed func(error)) {
	w := &watching{paths: paths, concerns: concerns, changed: changed, failed: failed, open: fsnotify.NewWatcher}
	w.run(ctx)
}

// watching is one call of Paths.
type watching struct {
	paths    []string
	concerns func(name string) bool
	changed  func()
	failed   func(error)
	open     func() (*fsnotify.Watcher, error)
	told     bool // failed was called
}

// run begins anew after each change, since the paths may lead elsewhere by then.
// What happens between two watches is seen by the call of changed that follows.
func (w *watching) run(ctx context.Context) {
	for ctx.Err() == nil {
		system, what := w.begin()
		w.changed()
		w.wait(ctx, system, what)
		if system != nil {
			_ = system.Close()
		}
	}
}

// begin watches what the paths lead to; system is nil if that can't be had.
func (w *watching) begin() (system *fsnotify.Watcher, what names) {
	system, err := w.open()
	if err != nil {
		w.tell(err)
		return nil, names{}
	}
	watched := map[string]bool{}
	// A link may be swapped before its folder is watched, so look again until
	// that shows nothing new; who is faster than this is seen at the next look.
	for range 10 {
		if what, err = find(w.paths, w.concerns); err != nil {
			w.tell(err)
		}
		settled := true
		for folder := range what.folders {
			if watched[folder] {
				continue
			}
			settled = false
			switch err := system.Add(folder); {
			case err == nil:
				watched[folder] = true
			case !errors.Is(err, fs.ErrNotExist): // else it has just gone
				watched[folder] = true // as well as it can be
				w.tell(fmt.Errorf("%s: %w", folder, err))
			}
		}
		if settled {
			break
		}
	}
	return system, what
}

func (w *watching) tell(err error) {
	if !w.told {
		w.told = true
		w.failed(err)
	}
}

// wait returns once there is a reason to look, or ctx is done.
func (w *watching) wait(ctx context.Context, system *fsnotify.Watcher, what names) {
	var events <-chan fsnotify.Event
	var lost <-chan error
	if system != nil {
		events, lost = system.Events, system.Errors
	}
	late, settled := time.NewTimer(look), time.NewTimer(look)
	defer late.Stop()
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-late.C:
			return
		case <-settled.C:
			return
		case e := <-events:
			if what.has(filepath.Clean(e.Name), w.concerns) {
				settled.Reset(quiet)
			}
		case <-lost: // which they were, a look will show
			settled.Reset(quiet)
		}
	}
}
