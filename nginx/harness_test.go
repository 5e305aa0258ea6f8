package nginx

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/30x/dispatcher/nginx/internal/proc"
	"github.com/30x/dispatcher/pkg/render"
)

const (
	nextName     = confName + ".next"
	rejectedName = confName + ".rejected"
)

// bed is a work folder, a port, and a Server that runs the real nginx there.
type bed struct {
	*Server
	t    *testing.T
	dir  string
	addr string // where the configurations listen
	log  *logBook
}

// binary gives the nginx to test with.
func binary(t *testing.T) string {
	t.Helper()
	name := os.Getenv("NGINX_BINARY")
	if name == "" {
		name = "nginx"
	}
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	const help = "no nginx: apt-get install nginx-light, or set NGINX_BINARY"
	if os.Getenv("CI") == "true" {
		t.Fatal(help)
	}
	t.Skip(help)
	return ""
}

// newBed makes a bed. At the test's end no process of its nginx may be left.
func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, dir: tempDir(t), addr: freeAddr(t)}
	b.restart(Options{})
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := os.ReadFile(filepath.Join(b.dir, "stderr"))
			t.Logf("nginx said:\n%s", said)
		}
		if err := b.clear(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// restart gives the bed a new Server, as a restarted Dispatcher would.
func (b *bed) restart(o Options) {
	b.t.Helper()
	b.log = new(logBook)
	if o.Binary == "" {
		o.Binary = binary(b.t)
	}
	o.WorkDir, o.Log = b.dir, slog.New(slog.NewTextHandler(b.log, nil))
	s, err := newServer(o, openLog(b.t, b.dir, "stdout"), openLog(b.t, b.dir, "stderr"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.Server = s
}

func openLog(t *testing.T, dir, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// tempDir is short, since the path of a socket may not be long, and open to
// nginx's workers.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// freeAddr gives an address of its own kind, so that no connection that
// somebody makes meanwhile takes the port.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// conf gives a configuration whose root location, unless server has one,
// answers with the generation.
func (b *bed) conf(generation string, server ...string) render.Files {
	pid, control, temp := Paths(b.dir)
	temps := ""
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temps += fmt.Sprintf("  %s_temp_path %s/%s;\n", name, temp, name)
	}
	if len(server) == 0 {
		server = []string{fmt.Sprintf("location / { return 200 %q; }", generation)}
	}
	text := fmt.Sprintf(`%s, generation %s.
daemon off;
worker_processes 2;
worker_shutdown_timeout 20s;
pid %s;
error_log stderr warn;
events { worker_connections 512; }
http {
%s  access_log off;
  server {
    listen %s;
    %s
  }
  server {
    listen unix:%s;
    location = /generation { return 200 "%s $pid\n"; }
  }
}
`, render.Marker, generation, pid, temps, b.addr, strings.Join(server, "\n    "), control, generation)
	return render.Files{Generation: generation, Conf: []byte(text)}
}

func (b *bed) apply(f render.Files) {
	b.t.Helper()
	if err := b.Apply(b.t.Context(), f); err != nil {
		b.t.Fatal(err)
	}
}

// run runs the Server until stop is called, or the test ends.
func (b *bed) run() (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s := b.Server
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	b.t.Cleanup(func() { _ = stop() })
	return stop
}

// get asks nginx on a new connection.
func (b *bed) get(path string) string {
	c := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://" + b.addr + path)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func (b *bed) expect(want string) {
	b.t.Helper()
	if got := b.get("/"); got != want {
		b.t.Fatalf("nginx answers %q, want %q", got, want)
	}
}

func (b *bed) expectDisk(f render.Files) {
	b.t.Helper()
	text, err := os.ReadFile(b.path(confName))
	if err != nil || string(text) != string(f.Conf) {
		b.t.Fatalf("nginx.conf is not that of generation %s (%v):\n%s", f.Generation, err, text)
	}
}

func (b *bed) pid() int { return b.proc.Load().Pid() }

// gone waits until no nginx of the group is left.
func (b *bed) gone(group int) {
	b.t.Helper()
	waitFor(b.t, "the end of all processes", func() bool { return len(proc.Group(group, "")) == 0 })
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

// script writes a program in place of nginx.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(tempDir(t), "nginx")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// logBook keeps what was logged.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
