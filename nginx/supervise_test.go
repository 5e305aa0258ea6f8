package nginx

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/30x/dispatcher/nginx/internal/proc"
)

// DX20: a nginx that dies is noticed and started again.
func TestKilledMasterIsStartedAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.run()
	b.apply(b.conf("g1"))
	b.apply(b.conf("g2"))
	old := b.pid()
	begun := time.Now()
	kill(t, old, syscall.SIGKILL)
	waitFor(t, "another nginx", func() bool { return b.pid() != old })
	b.expect("g2")
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("serving again after %s", took)
	}
	if left := proc.Group(old, ""); len(left) > 0 {
		t.Errorf("processes of the dead nginx: %v", left)
	}
	if log := b.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "signal: killed") {
		t.Errorf("log: %s", log)
	}
	b.apply(b.conf("g2")) // in service already
	b.apply(b.conf("g3"))
	b.expect("g3")
}

func TestKilledWorkerIsLeftToNginx(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.run()
	b.apply(b.conf("g1"))
	master, worker := b.pid(), proc.Children(b.pid())[0]
	kill(t, worker, syscall.SIGKILL)
	waitFor(t, "another worker", func() bool { return len(proc.Children(master)) == 2 && proc.Title(worker) == "" })
	b.expect("g1")
	if b.pid() != master {
		t.Error("nginx was started again")
	}
}

// A port that somebody took meanwhile is waited for.
func TestStartIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.run()
	b.apply(b.conf("g1"))
	old := b.pid()
	b.mu.Lock() // holds Run back
	kill(t, old, syscall.SIGKILL)
	<-b.proc.Load().Exited()
	if err := b.clear(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Unlock()
	waitFor(t, "a failed start", func() bool { return strings.Contains(b.log.String(), "Address already in use") })
	if b.Alive() {
		t.Error("alive")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "another nginx", b.Alive)
	b.expect("g1")
}

// slow is a backend that answers when it is told to.
func slow(t *testing.T) (addr string, arrived, answer chan struct{}) {
	t.Helper()
	arrived, answer = make(chan struct{}, 10), make(chan struct{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-answer
		_, _ = io.WriteString(w, "at last")
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String(), arrived, answer
}

// DX20: requests in flight finish, then no process and no socket is left.
func TestShutdownIsGraceful(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	addr, arrived, answer := slow(t)
	stop := b.run()
	b.apply(b.conf("g1", "location / { proxy_pass http://"+addr+"; }"))
	group, p := b.pid(), b.proc.Load()
	got := make(chan string, 1)
	go func() { got <- b.get("/") }()
	<-arrived
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	waitFor(t, "a closed port", func() bool {
		c, err := net.Dial("tcp", b.addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	if !p.Alive() {
		t.Error("nginx ended before the request did")
	}
	close(answer)
	if body := <-got; body != "at last" {
		t.Errorf("the request in flight got %q", body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	b.expectClean(group)
	if err := b.Apply(t.Context(), b.conf("g2")); !errors.Is(err, context.Canceled) {
		t.Errorf("Apply after the end: %v", err)
	}
}

// expectClean checks that nothing but files of text is left.
func (b *bed) expectClean(group int) {
	b.t.Helper()
	if left := proc.Group(group, ""); len(left) > 0 {
		b.t.Errorf("processes left: %v", left)
	}
	for _, path := range []string{b.pidPath(), b.controlPath()} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			b.t.Errorf("%s is left: %v", path, err)
		}
	}
	if b.Alive() {
		b.t.Error("alive")
	}
}

func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.restart(Options{ShutdownGrace: 200 * time.Millisecond})
	addr, arrived, answer := slow(t)
	defer close(answer)
	stop := b.run()
	b.apply(b.conf("g1", "location / { proxy_pass http://"+addr+"; }"))
	group := b.pid()
	go b.get("/")
	<-arrived
	begun := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	b.expectClean(group)
}

// A nginx that hears no signal is ended all the same.
func TestShutdownOfStoppedNginx(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.restart(Options{ShutdownGrace: 100 * time.Millisecond})
	stop := b.run()
	b.apply(b.conf("g1"))
	group := b.pid()
	kill(t, group, syscall.SIGSTOP)
	if err := stop(); err != nil {
		t.Error(err)
	}
	b.expectClean(group)
}

func TestShutdownBeforeTheFirstConfiguration(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	if err := b.run()(); err != nil {
		t.Error(err)
	}
}

// Shutting down doesn't wait for a configuration on its way.
func TestShutdownEndsApply(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.restart(Options{Binary: script(t, "sleep 300")})
	stop := b.run()
	applied := make(chan error, 1)
	go func() { applied <- b.Apply(context.Background(), b.conf("g1")) }()
	waitFor(t, "the staged configuration", func() bool { _, err := os.Stat(b.path(nextName)); return err == nil })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-applied; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
