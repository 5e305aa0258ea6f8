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
	seen, done := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(done)
		templates.Watch(ctx, dir, func() {
			text, _ := os.ReadFile(filepath.Join(dir, "server.tmpl"))
			seen <- string(text)
		}, func(err error) { t.Error(err) })
	}()
	if text := <-seen; text != "" { // the call that says that the watch stands
		t.Errorf("the first call read %q", text)
	}
	deadline := time.After(10 * time.Second) // sooner than a look without a reason
	for _, want := range []string{"one", "two"} {
		write(t, dir, "server.tmpl", want)
		for text := ""; text != want; {
			select {
			case text = <-seen:
			case <-deadline:
				t.Fatalf("the change to %q was not seen", want)
			}
		}
	}
	cancel()
	<-done
}

// A folder that can't be watched is looked at now and then, and that is told.
func TestWatchWithoutAFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "file", "no folder")
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	templates.Watch(ctx, filepath.Join(dir, "file", "none"), func() {}, func(error) { told++; cancel() })
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}
