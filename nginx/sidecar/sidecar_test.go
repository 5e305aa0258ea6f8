package sidecar

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/30x/dispatcher/nginx"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/render"
)

// fake is an nginx.Server that notes what it gets.
type fake struct {
	mu     sync.Mutex
	got    []render.Files
	tested []render.Files
	err    error
	steps  *Steps
	hangs  bool

	refreshed bool
}

func (f *fake) Apply(ctx context.Context, files render.Files) error {
	if f.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.steps.Observe("test", time.Second)
	f.got = append(f.got, files)
	return f.err
}

// Test takes note of what it gets, as Apply does.
func (f *fake) Test(_ context.Context, files render.Files) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tested = append(f.tested, files)
	return f.err
}

func (f *fake) applied() []render.Files {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got
}

func (f *fake) Alive() bool                           { return len(f.applied()) > 0 }
func (f *fake) Refresh(context.Context) error         { f.refreshed = true; return f.err }
func (f *fake) Serving() string                       { return "g1" }
func (f *fake) Stale() bool                           { return false }
func (f *fake) Stats(context.Context) (s nginx.Stats) { s.Told, s.Requests = true, 7; return s }

// quiet is a log that nobody reads.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// workDir is short, since the path of a socket may not be long.
func workDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "run"), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// serve serves p in dir until stop is called or the test ends.
func serve(t *testing.T, dir string, p *fake) (stop func()) {
	t.Helper()
	p.steps = new(Steps)
	l, err := Listen(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- Serve(ctx, l, p, p.steps, Instance{Nginx: "nginx version: nginx/1.30.6", OpenFiles: 1024, WorkDir: dir, CertDir: "/c"}, quiet())
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func example() render.Files {
	return render.Files{
		Generation: "g1", Conf: []byte("events {}"), Secrets: []cluster.Sensitive{cluster.Sensitive("key")},
		Certificates: []render.CertificateFile{{Folder: "a.example.com", Name: "n", Alias: "certificate.key", ID: "id", Content: cluster.Sensitive("PEM")}},
	}
}

// All of a configuration arrives, and what is done with it is told.
func TestApply(t *testing.T) {
	t.Parallel()
	dir, there := workDir(t), &fake{}
	serve(t, dir, there)
	var steps []string
	c := NewClient(dir, true, func(name string, took time.Duration) { steps = append(steps, name+" "+took.String()) }, quiet())
	if i, err := c.Wait(t.Context(), "/c", time.Second); err != nil || i.OpenFiles != 1024 || i.Nginx != "nginx version: nginx/1.30.6" {
		t.Errorf("got %+v, %v", i, err)
	}
	if c.Alive() || c.Stale() {
		t.Error("alive before anything is served")
	}
	if err := c.Apply(t.Context(), example()); err != nil {
		t.Fatal(err)
	}
	if got := there.applied(); len(got) != 1 || !reflect.DeepEqual(got[0], example()) {
		t.Errorf("there came %+v", got)
	}
	if err := c.Refresh(t.Context()); err != nil || !there.refreshed {
		t.Errorf("refreshed %v, %v", there.refreshed, err)
	}
	if c.Serving() != "g1" {
		t.Errorf("serving %q", c.Serving())
	}
	if !c.Alive() || c.Stale() || c.Stats(t.Context()).Requests != 7 || strings.Join(steps, ",") != "test 1s" {
		t.Errorf("alive %v, stale %v, steps %v", c.Alive(), c.Stale(), steps)
	}
	// A controller that is started again finds what is served, and calls it stale.
	for stale := range map[bool]bool{true: true, false: false} {
		if again := NewClient(dir, stale, nil, quiet()); !again.Alive() || again.Stale() != stale {
			t.Errorf("started again with %v: alive %v, stale %v", stale, again.Alive(), again.Stale())
		}
	}
}

// What the controller asks of an error is there on the other side, too.
func TestErrors(t *testing.T) {
	t.Parallel()
	rejected := &nginx.RejectedError{Message: "unknown directive", Line: 7, Path: "/w/nginx.conf.rejected"}
	for name, tc := range map[string]struct {
		err              error
		refused, blaming bool
	}{
		"refused":             {rejected, true, false},
		"passing":             {errors.New("no space left"), false, false},
		"certificate":         {&nginx.CertificateError{ID: "i", Host: "h", Reason: "r", Err: rejected}, true, true},
		"certificate passing": {&nginx.CertificateError{ID: "i", Host: "h", Reason: "r", Err: os.ErrPermission}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, there := workDir(t), &fake{err: tc.err}
			serve(t, dir, there)
			err := NewClient(dir, true, nil, quiet()).Apply(t.Context(), example())
			if err == nil || err.Error() != tc.err.Error() {
				t.Fatalf("got %v", err)
			}
			if err := NewClient(dir, true, nil, quiet()).Test(t.Context(), example()); err == nil || err.Error() != tc.err.Error() || !reflect.DeepEqual(there.tested, []render.Files{example()}) {
				t.Errorf("a test gives %v, of %+v", err, there.tested)
			}
			w := refusal(nil)
			if said := errors.As(err, &w); said != (tc.refused && !tc.blaming) {
				t.Errorf("nginx's words are told: %v", said)
			} else if said {
				if words, line := w.Words(); words != rejected.Message || line != rejected.Line {
					t.Errorf("nginx's words are %q, line %d", words, line)
				}
			}
			r := refused(nil)
			if !errors.As(err, &r) || r.Refused() != tc.refused {
				t.Errorf("it isn't told whether the text is at fault: %v", r)
			}
			b := badCertificate(nil)
			if errors.As(err, &b) != tc.blaming {
				t.Fatalf("a certificate is blamed: %v", !tc.blaming)
			}
			if tc.blaming {
				if host, id, reason := b.Certificate(); host != "h" || id != "i" || reason != "r" {
					t.Errorf("blamed: %q %q %q", host, id, reason)
				}
			}
		})
	}
}

// A sidecar that was started again gets what is served, without a new turn.
func TestRenew(t *testing.T) {
	t.Parallel()
	dir, first := workDir(t), &fake{}
	stop := serve(t, dir, first)
	c := NewClient(dir, true, nil, quiet())
	if err := c.Apply(t.Context(), example()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stop()
	if err := c.Apply(t.Context(), example()); err == nil || !strings.Contains(err.Error(), "is 'dispatcher nginx' running") {
		t.Errorf("got %v", err)
	}
	if c.Alive() || c.Stale() {
		t.Error("alive without a sidecar")
	}
	second := &fake{}
	serve(t, dir, second)
	for deadline := time.Now().Add(10 * time.Second); len(second.applied()) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new sidecar got nothing")
		}
	}
	if got := second.applied()[0]; !reflect.DeepEqual(got, example()) {
		t.Errorf("it got %+v", got)
	}
	if len(first.applied()) != 1 {
		t.Error("the first one got it twice")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A controller that ends while nginx is busy doesn't wait for it, nor does the
// sidecar go on.
func TestApplyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	serve(t, dir, &fake{hangs: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := NewClient(dir, true, nil, quiet()).Apply(ctx, example()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// What can't work is told with what to do about it.
func TestWaitFails(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	c := NewClient(dir, true, nil, quiet())
	if _, err := c.Wait(t.Context(), "/c", 10*time.Millisecond); err == nil || !strings.Contains(err.Error(), "is 'dispatcher nginx' running, with the same WORK_DIR?") {
		t.Errorf("nobody there: %v", err)
	}
	serve(t, dir, &fake{})
	if _, err := c.Wait(t.Context(), "/other", time.Second); err == nil || !strings.Contains(err.Error(), "SSL_CERT_DIR") {
		t.Errorf("another folder: %v", err)
	}
	if err := c.explain(&os.SyscallError{Syscall: "connect", Err: syscall.EACCES}); !strings.Contains(err.Error(), "runAsGroup") {
		t.Errorf("no permission: %v", err)
	}
}

// The socket is for the user and the group, and for nobody else.
func TestSocketMode(t *testing.T) {
	t.Parallel()
	dir := workDir(t)
	serve(t, dir, &fake{})
	if info, err := os.Stat(Socket(dir)); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
