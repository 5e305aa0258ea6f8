package nginx

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/30x/dispatcher/nginx/internal/proc"
	"github.com/30x/dispatcher/pkg/render"
)

// childDir names the variable that makes the test binary a small Dispatcher.
const childDir = "NGINX_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child serves the configuration g1 in dir/conf until SIGTERM.
func child(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	text, err := os.ReadFile(filepath.Join(dir, "conf"))
	if err != nil {
		return err
	}
	s, err := NewServer(Options{
		Binary: os.Getenv("NGINX_BINARY"), WorkDir: dir,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	if err := s.Apply(ctx, render.Files{Generation: "g1", Conf: text}); err != nil {
		return err
	}
	fmt.Println("serving")
	return s.Run(ctx)
}

// startChild starts a child that serves f, and waits until it does. Its
// standard output is a pipe, which ends with it.
func (b *bed) startChild(f render.Files, as *syscall.Credential) *exec.Cmd {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, "conf"), f.Conf, 0o644); err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(copyOfTest(b.t))
	cmd.Env = append(os.Environ(), childDir+"="+b.dir, "NGINX_BINARY="+binary(b.t))
	cmd.Dir = b.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	said := openLog(b.t, b.dir, "stderr")
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out) // nginx's access log is among them
	for lines.Scan() && lines.Text() != "serving" {
	}
	if lines.Text() != "serving" {
		b.t.Fatalf("the child said %q (%v)", lines.Text(), lines.Err())
	}
	return cmd
}

// copyOfTest gives a copy of the test binary that every user may run.
func copyOfTest(t *testing.T) string {
	t.Helper()
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(tempDir(t), "test")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// withLog gives f an access log on standard output, as the image has it.
func withLog(f render.Files) render.Files {
	text := strings.Replace(string(f.Conf), "access_log off", "access_log /dev/stdout", 1)
	return render.Files{Generation: f.Generation, Conf: []byte(text)}
}

// unlock gives the work folder free for a child process.
func (b *bed) unlock() {
	b.t.Helper()
	if err := errors.Join(b.lock.Close(), os.Remove(b.lock.Name())); err != nil {
		b.t.Fatal(err)
	}
}

// A work folder belongs to one Dispatcher, for as long as that lives.
func TestTwoOnOneFolder(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.unlock()
	cmd := b.startChild(withLog(b.conf("g1")), nil)
	if _, err := NewServer(Options{WorkDir: b.dir}); err == nil || !strings.Contains(err.Error(), "choose another --work-dir") {
		t.Errorf("got %v", err)
	}
	b.expect("g1")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestWithoutRoot(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var nobody *syscall.Credential
	if os.Getuid() == 0 {
		nobody = &syscall.Credential{Uid: 65534, Gid: 65534}
		for _, dir := range []string{b.dir, filepath.Join(b.dir, "run"), filepath.Join(b.dir, "tmp")} {
			if err := os.Chown(dir, 65534, 65534); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.unlock()
	cmd := b.startChild(withLog(b.conf("g1")), nobody)
	b.expect("g1")
	group := proc.ReadPid(b.pidPath())
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	b.expectClean(group)
}

// DX18: nginx outlives a Dispatcher that is killed. The next one takes it over, reads
// its logs on, and can reload it although the pipe it logs to had lost its reader.
func TestTakeOverAfterKill(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.unlock()
	cmd := b.startChild(withLog(b.conf("g1")), nil)
	master := proc.ReadPid(b.pidPath())
	kill(t, cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait() // closes our end of its output
	b.expect("g1")

	b.restart(Options{VerifyTimeout: 5 * time.Second})
	if !b.Alive() || b.pid() != master {
		t.Fatal("the running nginx was not taken over")
	}
	b.get("/before-reload")
	b.apply(withLog(b.conf("g2")))
	b.expect("g2")
	b.get("/after-reload")
	waitFor(t, "the access log", func() bool {
		text, _ := os.ReadFile(filepath.Join(b.dir, "stdout"))
		return strings.Contains(string(text), "/before-reload") && strings.Contains(string(text), "/after-reload")
	})
	if err := b.run()(); err != nil {
		t.Error(err)
	}
	if left := proc.Group(master, ""); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
}
