package source

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func pods(names ...string) string {
	var out strings.Builder
	for _, n := range names {
		fmt.Fprintf(&out, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nstatus: {phase: Running}\n", n)
	}
	return out.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replace is an atomic rename, as of most editors and tools.
func replace(t *testing.T, path, text string) {
	t.Helper()
	write(t, path+".tmp", text)
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
}

// With the real fsnotify: every kind of change reaches the receiver.
func TestFilesRun(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("a.yaml"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n"+pods("a", "b"))
	write(t, at("broken.yaml"), "kind: [")
	var log logs
	r := start(t, NewFiles(dir, log.logger()).Run)
	r.next("+Namespace//team", "+Pod/default/a", "+Pod/default/b", "synced")
	if n := log.count("going on without it"); n != 1 {
		t.Errorf("broken.yaml was reported %d times, want 1", n)
	}

	replace(t, at("a.yaml"), pods("a", "b", "c"))
	r.next("+Pod/default/c", "-Namespace//team")
	write(t, at("new/sub/d.yaml"), pods("d"))
	r.next("+Pod/default/d")
	write(t, at("new/sub/d.yaml"), strings.Replace(pods("d"), "Running", "Failed", 1))
	r.next("+Pod/default/d")
	if err := os.Rename(at("new/sub/d.yaml"), at("new/sub/e.yaml")); err != nil {
		t.Fatal(err)
	}
	replace(t, at("a.yaml"), pods("a", "b", "c", "g")) // d has only moved: no Event
	r.next("+Pod/default/g")
	if err := os.RemoveAll(at("new")); err != nil {
		t.Fatal(err)
	}
	r.next("-Pod/default/d")
	if err := os.Rename(at("a.yaml"), at("a.yaml~")); err != nil {
		t.Fatal(err)
	}
	write(t, at("a.yaml"), pods("a", "b", "c"))
	r.next("-Pod/default/g")
	r.end()
}

// A mounted ConfigMap, whose new content arrives by the swap of a hidden link.
func TestFilesRunSwappedLink(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, at("..1/m.yaml"), pods("a"))
	link("..1", "..data")
	link("..data/m.yaml", "m.yaml")
	r := start(t, NewFiles(at("m.yaml"), slog.New(slog.DiscardHandler)).Run)
	r.next("+Pod/default/a", "synced")
	for _, n := range []string{"2", "3"} {
		write(t, at(".."+n+"/m.yaml"), pods("a", "b"+n))
		link(".."+n, "..tmp")
		if err := os.Rename(at("..tmp"), at("..data")); err != nil {
			t.Fatal(err)
		}
		r.next("+Pod/default/b" + n)
		if n == "3" {
			r.next("-Pod/default/b2")
		}
	}
	r.end()
}

// The watched folder of a single file: an atomic rename gives a new inode.
func TestFilesRunSingleFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.yaml")
	write(t, path, pods("a"))
	r := start(t, NewFiles(path, slog.New(slog.DiscardHandler)).Run)
	r.next("+Pod/default/a", "synced")
	for _, name := range []string{"b", "c", "d"} {
		replace(t, path, pods("a", name))
		r.next("+Pod/default/" + name)
		replace(t, path, pods("a"))
		r.next("-Pod/default/" + name)
	}
	r.end()
}

// A file that is emptied and written again later takes no route away, nor does
// one that is half written.
func TestFilesLoopTruncateThenWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.yaml")
	write(t, path, pods("a", "b"))
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{})
		f := NewFiles(path, slog.New(slog.DiscardHandler))
		r := start(t, func(ctx context.Context, events chan<- Event) error {
			return f.loop(ctx, wake, func(string) {}, events)
		})
		r.next("+Pod/default/a", "+Pod/default/b", "synced")
		for _, half := range []string{"", pods("a") + "---\nkind: ["} {
			write(t, path, half)
			wake <- struct{}{}
			time.Sleep(800 * time.Millisecond) // the writer's pause
			write(t, path, pods("a", "b"))
			wake <- struct{}{}
			time.Sleep(time.Minute) // an Event would now wait to be taken
		}
		write(t, path, pods("a", "b", "c"))
		r.next("+Pod/default/c")
		r.end()
	})
}

func TestFilesRunPathGoneAndBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	write(t, filepath.Join(dir, "a.yaml"), pods("a"))
	var log logs
	r := start(t, NewFiles(dir, log.logger()).Run)
	r.next("+Pod/default/a", "synced")
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log to tell that the folder is gone", func() bool { return log.count("keeping their last good content") == 1 })
	write(t, filepath.Join(dir, "a.yaml"), pods("a", "b"))
	r.next("+Pod/default/b")
	if n := log.count("there again"); n != 1 {
		t.Errorf("%d lines tell that the folder is back, want 1", n)
	}
	r.end()
}

func TestFilesRunNoSuchPath(t *testing.T) {
	err := NewFiles(filepath.Join(t.TempDir(), "none"), slog.New(slog.DiscardHandler)).Run(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "none") || !strings.Contains(err.Error(), "give --source") {
		t.Errorf("error is %v", err)
	}
}

// Without any notice from the system, changes are found by the rescan.
func TestFilesLoopRescans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.yaml")
	write(t, path, pods("a"))
	synctest.Test(t, func(t *testing.T) {
		f := NewFiles(path, slog.New(slog.DiscardHandler))
		r := start(t, func(ctx context.Context, events chan<- Event) error { return f.loop(ctx, nil, func(string) {}, events) })
		r.next("+Pod/default/a", "synced")
		write(t, path, pods("b"))
		before := time.Now()
		select {
		case e := <-r.events:
			if d := time.Since(before); show(e) != "+Pod/default/b" || d < rescan/2 || d > rescan+time.Second {
				t.Errorf("%s after %v", show(e), d)
			}
		case <-time.After(time.Hour):
			t.Fatal("no Event")
		}
		r.next("-Pod/default/a")
		r.end()
	})
}

// A file that never comes to rest can't hold up the others for ever.
func TestFilesLoopRestlessFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), pods("a"))
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{})
		f := NewFiles(dir, slog.New(slog.DiscardHandler))
		begin := time.Now()
		r := start(t, func(ctx context.Context, events chan<- Event) error {
			return f.loop(ctx, wake, func(string) {}, events)
		})
		restless, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for n := 0; ; n++ {
				write(t, filepath.Join(dir, "z.yaml"), pods("z")+strings.Repeat("#", n))
				select {
				case wake <- struct{}{}:
				case <-restless:
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
		r.next("+Pod/default/a", "synced")
		if d := time.Since(begin); d < patient || d > patient+time.Second {
			t.Errorf("synced after %v, want about %v", d, patient)
		}
		close(restless)
		<-done
		r.next("+Pod/default/z")
		r.end()
	})
}

// A problem that still holds is not told again at every change.
func TestFilesTellsProblemsOnce(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), pods("a")+"metdata: {}\n")
	var log logs
	r := start(t, NewFiles(dir, log.logger()).Run)
	r.next("+Pod/default/a", "synced")
	for _, name := range []string{"b", "c"} {
		write(t, filepath.Join(dir, name+".yaml"), pods(name))
		r.next("+Pod/default/" + name)
	}
	if n := log.count("metdata"); n != 1 {
		t.Errorf("told %d times, want 1", n)
	}
	r.end()
}
