package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// patience is less than look: what is seen within it was told by the system.
const patience = look / 3

// reader reads a file whenever Paths calls.
type reader struct {
	t    *testing.T
	seen chan string // the content at each call, "" if it can't be read
}

// watchFile runs Paths until the test ends. The file is read at each call.
func watchFile(t *testing.T, file string, concerns func(string) bool, paths ...string) *reader {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &reader{t, make(chan string, 1000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Paths(ctx, paths, concerns, func() {
			text, _ := os.ReadFile(file)
			r.seen <- string(text)
		}, func(err error) { t.Errorf("failed: %v", err) })
	}()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

// expect waits until a call has read want.
func (r *reader) expect(want string) {
	r.t.Helper()
	deadline := time.After(patience)
	last := "nothing"
	for {
		select {
		case last = <-r.seen:
			if last == want {
				return
			}
		case <-deadline:
			r.t.Fatalf("%q was not seen within %s; the last call read %q", want, patience, last)
		}
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, name, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600))
}

// over writes a file as careful programs do: another one, then a rename.
func over(t *testing.T, name, text string) {
	t.Helper()
	put(t, name+"~", text)
	must(t, os.Rename(name+"~", name))
}

// relink makes a symbolic link, in the place of another one if there is one.
func relink(t *testing.T, target, name string) {
	t.Helper()
	must(t, os.Symlink(target, name+"_tmp"), os.Rename(name+"_tmp", name))
}
