package proc

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// start runs a shell script, and ends what is left of it.
func start(t *testing.T, text string, stdout *os.File) *Process {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", text)
	Confine(cmd, t.TempDir())
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(cmd, stdout, null)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Signal(syscall.SIGKILL)
		<-p.Exited()
		if err := EndGroup(p.Pid(), ""); err != nil {
			t.Error(err)
		}
		_ = null.Close()
	})
	return p
}

func TestProcess(t *testing.T) {
	if (*Process)(nil).Alive() {
		t.Error("no process is alive")
	}
	p := start(t, "echo oops >&2; exec sleep 300", os.Stdout)
	for p.Stderr.String() == "" {
		p.Stderr.Drain(time.Millisecond)
	}
	if !p.Alive() || p.Stderr.String() != "oops\n" {
		t.Errorf("alive %t, said %q", p.Alive(), p.Stderr)
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if reason := p.Reason(); reason != "signal: killed" || p.Alive() || p.Lived() <= 0 {
		t.Errorf("reason %q, alive %t, lived %s", reason, p.Alive(), p.Lived())
	}
}

// A program can't open a socket by its name in /dev, so its output goes through us.
func TestOutputToSocket(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	defer theirs.Close()
	p := start(t, "echo hello >/dev/stdout", theirs)
	if reason := p.Reason(); reason != "exit status 0" {
		t.Fatal(reason)
	}
	if line, err := bufio.NewReader(ours).ReadString('\n'); line != "hello\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestGroup(t *testing.T) {
	p := start(t, "sleep 300 & sleep 300 & wait", os.Stdout)
	for len(Children(p.Pid())) < 2 || len(Group(p.Pid(), "sleep")) < 2 {
		if !p.Alive() {
			t.Fatal(p.Reason())
		}
	}
	if err := EndGroup(p.Pid(), "nginx: "); err != nil || !p.Alive() {
		t.Errorf("a group of others was ended (%v)", err)
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	if got := Group(p.Pid(), "sleep 300"); len(got) != 2 {
		t.Errorf("orphans: %v", got)
	}
	if err := EndGroup(p.Pid(), "sleep"); err != nil {
		t.Error(err)
	}
	if got := Group(p.Pid(), ""); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func TestAdopt(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	first := start(t, "exec sleep 300", w)
	_ = r.Close() // as if its reader had died
	_ = w.Close()
	out, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	defer theirs.Close()
	p, unread, err := Adopt(first.Pid(), theirs, theirs)
	if err != nil || unread != nil {
		t.Fatal(err, unread)
	}
	if !p.Alive() || p.Pid() != first.Pid() {
		t.Error("not alive")
	}
	into, err := os.OpenFile("/proc/"+strconv.Itoa(first.Pid())+"/fd/1", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err) // it blocks if the pipe has no reader
	}
	if _, err := io.WriteString(into, "heard\n"); err != nil {
		t.Error(err)
	}
	_ = into.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "heard\n" {
		t.Errorf("got %q, %v", line, err)
	}
	if err := first.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	if _, _, err := Adopt(4194303, theirs, theirs); err == nil {
		t.Error("a process that doesn't exist was adopted")
	}
}

func TestConfine(t *testing.T) {
	t.Setenv("KUBE_TOKEN", "hush")
	t.Setenv("TZ", "UTC")
	cmd := exec.Command("true")
	Confine(cmd, "/")
	if !slices.Contains(cmd.Env, "TZ=UTC") || strings.Contains(strings.Join(cmd.Env, " "), "hush") {
		t.Errorf("environment: %q", cmd.Env)
	}
}

func TestRecorderKeepsTheFirstPart(t *testing.T) {
	var all strings.Builder
	r := NewRecorder(&all)
	text := strings.Repeat("x", 10_000)
	for range 3 {
		if n, err := r.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	if len(r.String()) != keep || all.Len() != 30_000 {
		t.Errorf("kept %d, passed on %d", len(r.String()), all.Len())
	}
	if r.Reset(); r.String() != "" {
		t.Error("Reset forgets nothing")
	}
}

func TestBackoff(t *testing.T) {
	var b Backoff
	want := []int64{100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000}
	for i, w := range want {
		if got := b.Next(59 * time.Second); got.Milliseconds() != w {
			t.Errorf("pause %d is %s", i, got)
		}
	}
	if got := b.Next(time.Minute); got != 100*time.Millisecond {
		t.Errorf("after a long life: %s", got)
	}
}
