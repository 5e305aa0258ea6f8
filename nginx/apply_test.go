package nginx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/30x/dispatcher/nginx/internal/proc"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/render"
)

// DX20: nginx never serves an empty configuration, and is known to be alive.
func TestApplyStartsAndReloads(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	if b.Alive() {
		t.Error("alive before the first configuration")
	}
	b.apply(b.conf("g1"))
	if !b.Alive() {
		t.Error("not alive after the first configuration")
	}
	b.expect("g1")
	master := b.pid()
	b.apply(b.conf("g2"))
	for range 20 {
		b.expect("g2") // at once: old workers accept no more
	}
	b.expectDisk(b.conf("g2"))
	if b.pid() != master {
		t.Error("a new configuration restarted nginx")
	}
}

// DX19: written beside the live file, readable by nobody else, never logged.
func TestFilesArePrivateAndTextIsNotLogged(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	const secret = "c3VwZXJzZWNyZXQ"
	b.apply(b.conf("g1", "# "+secret))
	b.apply(b.conf("g2", "# "+secret))
	err := b.Apply(t.Context(), b.conf("g3", "# "+secret, "nonsense on;"))
	if err == nil || strings.Contains(err.Error()+b.log.String(), secret) {
		t.Errorf("the text shows in the error or the log: %v\n%s", err, b.log)
	}
	for _, name := range []string{confName, rejectedName} {
		info, err := os.Stat(b.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", name, info.Mode())
		}
	}
	if _, err := os.Stat(b.path(nextName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s stays behind: %v", nextName, err)
	}
}

func TestNginxGetsNoSecretsAndNoInput(t *testing.T) {
	t.Setenv("KUBE_TOKEN", "hush")
	t.Setenv("NGINX", "3;")
	b := newBed(t)
	b.apply(b.conf("g1"))
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", b.pid()))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hush") || strings.Contains(string(text), "NGINX=3;") {
		t.Errorf("environment of nginx: %q", text)
	}
	if input, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", b.pid())); input != os.DevNull {
		t.Errorf("input of nginx: %s, %v", input, err)
	}
	if group, err := syscall.Getpgid(b.pid()); group != b.pid() {
		t.Errorf("nginx %d is in process group %d, %v", b.pid(), group, err)
	}
}

func TestUnchangedIsNotReloaded(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g1"))
	workers := proc.Children(b.pid())
	b.apply(b.conf("g1"))
	if now := proc.Children(b.pid()); !slices.Equal(now, workers) {
		t.Errorf("workers were %v and are %v", workers, now)
	}
}

// DX19: the live file is not touched before nginx has accepted the new one.
func TestRejectedKeepsTheLastGood(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g1"))
	bad := b.conf("g2", "nonsense on;")
	err := b.Apply(t.Context(), bad)
	var rejected *RejectedError
	if !errors.As(err, &rejected) {
		t.Fatalf("got %v, want a RejectedError", err)
	}
	line := 1 + slices.IndexFunc(strings.Split(string(bad.Conf), "\n"), func(s string) bool { return strings.Contains(s, "nonsense") })
	if rejected.Message != `unknown directive "nonsense"` || rejected.Line != line {
		t.Errorf("message %q, line %d, want line %d", rejected.Message, rejected.Line, line)
	}
	if text, err := os.ReadFile(rejected.Path); string(text) != string(bad.Conf) {
		t.Errorf("refused text in %s: %v", rejected.Path, err)
	}
	b.expect("g1")
	b.expectDisk(b.conf("g1"))
	b.apply(b.conf("g3"))
	b.expect("g3")
	if _, err := os.Stat(rejected.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the refused text is still kept: %v", err)
	}
}

// DX11: what must not be shown of a text isn't shown in nginx's words on it.
func TestRejectedShowsNoSecret(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	bad := b.conf("g1", "c2VjcmV0== on;")
	bad.Secrets = []cluster.Sensitive{[]byte("c2VjcmV0==")}
	if err := b.Apply(t.Context(), bad); err == nil || !strings.Contains(err.Error(), `unknown directive "***"`) || strings.Contains(err.Error(), "c2VjcmV0") {
		t.Errorf("got %v", err)
	}
}

// A test that doesn't end says nothing about the text, and leaves no process.
func TestTestTimeoutIsNoRejection(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	left := filepath.Join(b.dir, "left")
	b.restart(Options{TestTimeout: time.Second, Binary: script(t, "sleep 300 & echo $$ >"+left+"\nwait")})
	err := b.Apply(t.Context(), b.conf("g1"))
	if rejected := (*RejectedError)(nil); err == nil || errors.As(err, &rejected) || !strings.Contains(err.Error(), "within 1s") {
		t.Errorf("got %v", err)
	}
	text, err := os.ReadFile(left)
	if err != nil {
		t.Fatal(err)
	}
	var group int
	if _, err := fmt.Sscan(string(text), &group); err != nil {
		t.Fatal(err)
	}
	b.gone(group)
}

func TestFailedTestIsNoRejection(t *testing.T) {
	t.Parallel()
	for name, program := range map[string]string{
		"killed":  script(t, "kill -9 $$"),
		"silent":  script(t, "exit 1"),
		"missing": "/nonexistent/nginx",
	} {
		b := newBed(t)
		b.restart(Options{Binary: program})
		err := b.Apply(t.Context(), b.conf("g1"))
		if rejected := (*RejectedError)(nil); err == nil || errors.As(err, &rejected) {
			t.Errorf("%s: got %v", name, err)
		}
		if name == "missing" && !strings.Contains(err.Error(), "NGINX_BINARY") {
			t.Errorf("%v does not say what to do", err)
		}
	}
}

func TestStartFailsWhenPortIsTaken(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	l, err := net.Listen("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	err = b.Apply(t.Context(), b.conf("g1"))
	if err == nil || !strings.Contains(err.Error(), "Address already in use") || !strings.Contains(err.Error(), "end the program") {
		t.Errorf("got %v", err)
	}
	if b.Alive() {
		t.Error("alive")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b.apply(b.conf("g1"))
	b.expect("g1")
}

// A port that nginx can't bind passes the test, but not the reload.
func TestRefusedReloadGoesBack(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g1"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	begun := time.Now()
	err = b.Apply(t.Context(), b.conf("g2", "listen "+l.Addr().String()+";"))
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("took %s, although nginx said at once what is wrong", took)
	}
	b.expect("g1")
	b.expectDisk(b.conf("g1"))
}

// What isn't confirmed by a new worker is not in service.
func TestUnconfirmedGoesBack(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.restart(Options{VerifyTimeout: time.Second})
	b.apply(b.conf("g1"))
	err := b.Apply(t.Context(), render.Files{Generation: "g2", Conf: b.conf("g3").Conf})
	if err == nil || !strings.Contains(err.Error(), "confirmed") {
		t.Errorf("got %v", err)
	}
	b.expect("g1")
	b.expectDisk(b.conf("g1"))
}

func TestEndedContext(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Apply(ctx, b.conf("g1")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	b.apply(b.conf("g1"))
	b.expect("g1")
}

func TestForeignConfIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	path := filepath.Join(dir, confName)
	if err := os.WriteFile(path, []byte("user www-data;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := NewServer(Options{WorkDir: dir})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--work-dir") {
		t.Errorf("got %v", err)
	}
	for _, dir := range []string{"", strings.Repeat("/long", 30), "/proc/none"} {
		if _, err := NewServer(Options{WorkDir: dir}); err == nil || !strings.Contains(err.Error(), "--work-dir") {
			t.Errorf("work folder %q: got %v", dir, err)
		}
	}
}
