package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/source/folder"
	"github.com/30x/dispatcher/pkg/source/manifest"
)

const (
	rescan  = 30 * time.Second // in case the system has not told of a change
	patient = 2 * time.Second  // with files that never come to rest
)

// Files is the source that watches manifest files.
type Files struct {
	path string
	log  *slog.Logger

	objects map[string]metav1.Object // as the receiver knows them
	told    map[Problem]bool         // Problems that were logged and still hold
	gone    bool                     // path was missing at the last look
}

// NewFiles makes a source of the manifests in a file, or in a folder and its
// sub-folders: *.yaml, *.yml and *.json, but no hidden ones.
func NewFiles(path string, log *slog.Logger) *Files {
	return &Files{path: path, log: log}
}

// Run sends what the files hold, a Synced, and then every change, until ctx is
// done; then it returns nil. A file counts once it has been quiet for 50 ms. One
// that can't be read or parsed keeps its last good content, as do all when the
// path itself goes away; a file that is deleted, or stays empty for a second,
// loses its objects. The error is about a path that can't be read at the start.
func (f *Files) Run(ctx context.Context, events chan<- Event) error {
	wake := make(chan struct{}, 1)
	watch := func(string) {}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		f.log.Warn("the system can't tell of changed files, looking every 30 s instead", "error", manifest.Plain(err.Error()),
			"todo", "raise fs.inotify.max_user_instances")
	} else {
		var running sync.WaitGroup
		defer running.Wait()
		defer watcher.Close()
		running.Go(func() { f.notify(watcher, wake) })
		var once sync.Once
		watch = func(path string) {
			// A folder that has just gone away is no cause for alarm.
			if err := watcher.Add(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				once.Do(func() {
					f.log.Warn("a folder can't be watched, looking every 30 s instead", "folder", manifest.Plain(path),
						"error", manifest.Plain(err.Error()), "todo", "raise fs.inotify.max_user_watches")
				})
			}
		}
	}
	return f.loop(ctx, wake, watch, events)
}

// notify passes on that something has happened; what, the scan finds out.
func (f *Files) notify(watcher *fsnotify.Watcher, wake chan<- struct{}) {
	for ok := true; ok; {
		select {
		case _, ok = <-watcher.Events:
		case _, ok = <-watcher.Errors: // an overflow: some changes were not told
		}
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// loop scans when woken, but not more often than every folder.Quiet. It sends
// what has changed once all files are quiet, or after a while all the same: an
// object that moves from one file to another is not withdrawn in between.
func (f *Files) loop(ctx context.Context, wake <-chan struct{}, watch func(string), events chan<- Event) error {
	scanner := folder.NewScanner(f.path, watch, f.log)
	f.objects, f.told = map[string]metav1.Object{}, map[Problem]bool{}
	synced, changed := false, false
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last, due, busy time.Time // busy: since when some file has not been quiet
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
			if soon := last.Add(folder.Quiet); soon.Before(due) {
				due = soon
				timer.Reset(time.Until(due))
			}
			continue
		case <-timer.C:
		}
		last = time.Now()
		more, next, err := scanner.Scan(last)
		if err != nil && !synced {
			return fmt.Errorf("read manifests: %w: give --source a file or folder that exists", err)
		}
		f.noteGone(err)
		changed = changed || more
		if next == 0 {
			busy = time.Time{}
		} else if busy.IsZero() {
			busy = last
		}
		if next == 0 || last.Sub(busy) >= patient {
			if changed && !f.update(ctx, scanner.Contents(), events) {
				return nil
			}
			if !synced && !send(ctx, events, Event{Synced: true}) {
				return nil
			}
			changed, synced = false, true
		}
		if next == 0 {
			next = rescan
		}
		due = last.Add(next)
		timer.Reset(time.Until(due))
	}
}

func (f *Files) noteGone(err error) {
	switch {
	case err != nil && !f.gone:
		f.log.Error("the manifests are gone, keeping their last good content", "path", manifest.Plain(f.path),
			"error", manifest.Plain(err.Error()), "todo", "bring the file or folder back")
	case err == nil && f.gone:
		f.log.Info("the manifests are there again", "path", manifest.Plain(f.path))
	}
	f.gone = err != nil
}

// update sends the difference to what the receiver knows: additions and
// changes, then deletions. It logs new Problems. It reports false when ctx is done.
func (f *Files) update(ctx context.Context, files []*manifest.File, events chan<- Event) bool {
	objects, problems := manifest.Objects(files)
	told := map[Problem]bool{}
	for _, p := range problems {
		if told[p] = true; !f.told[p] {
			f.log.Warn("a manifest has a problem", "document", p.Where, "problem", p.Reason)
		}
	}
	f.told = told
	known := map[string]metav1.Object{}
	for _, o := range objects {
		k := key(o)
		known[k] = o
		old, ok := f.objects[k]
		if ok && equality.Semantic.DeepEqual(old, o) {
			continue
		}
		if !send(ctx, events, Event{Object: o}) {
			return false
		}
	}
	for _, k := range slices.Sorted(maps.Keys(f.objects)) {
		if known[k] == nil && !send(ctx, events, Event{Object: f.objects[k], Deleted: true}) {
			return false
		}
	}
	f.objects = known
	return true
}

func key(o metav1.Object) string {
	return fmt.Sprintf("%T/%s/%s", o, o.GetNamespace(), o.GetName())
}

// send reports false if ctx was done before the Event was taken.
func send(ctx context.Context, events chan<- Event, e Event) bool {
	select {
	case events <- e:
		return true
	case <-ctx.Done():
		return false
	}
}
