package templates_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/30x/dispatcher/templates"
)

func TestLoad(t *testing.T) {
	builtIn, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := builtIn["nginx.conf.tmpl"]; !ok || len(builtIn) < 5 {
		t.Fatalf("the built-in templates are %v", slices.Sorted(maps.Keys(builtIn)))
	}
	dir := t.TempDir()
	write(t, dir, "server.tmpl", "mine")
	write(t, dir, "extra.tmpl", "added")
	write(t, dir, "notes.txt", "ignored")
	own, err := templates.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if own["server.tmpl"] != "mine" || own["extra.tmpl"] != "added" || own["notes.txt"] != "" || own["http.tmpl"] != builtIn["http.tmpl"] {
		t.Errorf("the folder's templates do not override the built-in ones: %v", own)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	// As an editor does it: a temporary file, then a rename.
	temporary := filepath.Join(dir, name+"~")
	if err := os.WriteFile(temporary, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	changed := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		templates.Watch(ctx, dir, func() { changed <- struct{}{} }, func(err error) { t.Error(err) })
	}()

	// The watch begins at some moment: write until it is seen, then once more.
	deadline := time.After(10 * time.Second)
	for seen := false; !seen; {
		write(t, dir, "server.tmpl", "one")
		select {
		case <-changed:
			seen = true
		case <-time.After(300 * time.Millisecond):
		case <-deadline:
			t.Fatal("no change was seen")
		}
	}
	write(t, dir, "server.tmpl", "two")
	select {
	case <-changed:
	case <-deadline:
		t.Fatal("the second change was not seen")
	}
	cancel()
	<-done
}

// A folder that can't be watched is looked at now and then, and that is told.
func TestWatchWithoutAFolder(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	templates.Watch(ctx, filepath.Join(t.TempDir(), "none"), func() {}, func(error) { told++; cancel() })
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}
