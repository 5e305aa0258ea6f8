// Package dispatcher runs the real Dispatcher with the real nginx for tests. Its
// programs and the flags that say where objects come from enter; a running pair
// leaves, with a client for it: what it answers, what it logs, and whether it
// ended well. It never looks at Dispatcher's inner state. When a test ends, its
// Dispatcher is stopped, and an nginx that is left fails the test.
package dispatcher

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/30x/dispatcher/test/internal/backend"
	"github.com/30x/dispatcher/test/internal/process"
)

// Patience is how long a condition may take to come true, and how long a request
// may take.
const Patience = 15 * time.Second

// Dispatcher is a Dispatcher, its nginx and the folder they work in. Its process
// can be ended and another one run in the same place. Fields can be set until it
// begins.
type Dispatcher struct {
	Folder string              // its own; gone when the test ends
	Work   string              // --work-dir, in Folder
	Addr   string              // nginx listens here
	Admin  string              // probes
	Env    []string            // settings beside the flags
	User   *syscall.Credential // whom the process runs as; nil: like the test

	t        testing.TB
	programs Programs
	flags    []string
	process  *process.Process
	masters  map[int]bool // pids of nginx that were seen
}

// New makes the place of a Dispatcher: a folder, and an address that is free. The
// flags come after those that every Dispatcher here has.
func New(t testing.TB, p Programs, flags ...string) *Dispatcher {
	t.Helper()
	folder, err := os.MkdirTemp("", "d") // short: unix sockets' paths are limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	free := freeAddresses(t, backend.Loopback(), 2)
	d := &Dispatcher{
		Folder:   folder,
		Work:     filepath.Join(folder, "w"),
		Addr:     free[0],
		Admin:    free[1],
		t:        t,
		programs: p,
		flags:    flags,
		masters:  map[int]bool{},
	}
	if err := os.Mkdir(d.Work, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.cleanUp)
	return d
}

// freeAddresses returns addresses with ports that nobody listens on, each another
// one. As nobody else uses the IP, they stay free.
func freeAddresses(t testing.TB, ip string, n int) (addresses []string) {
	t.Helper()
	for range n {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", ip+":0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // none before all are found
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

// Run starts the process, with further flags, and waits until it is ready.
func (d *Dispatcher) Run(flags ...string) {
	d.t.Helper()
	d.Begin(flags...)
	d.Ready()
}

// Begin starts the process.
func (d *Dispatcher) Begin(flags ...string) {
	d.t.Helper()
	ip, port, err := net.SplitHostPort(d.Addr)
	if err != nil {
		d.t.Fatal(err)
	}
	args := []string{"run", "--mode=nginx", "--work-dir=" + d.Work,
		"--listen-address=" + ip, "--port=" + port, "--admin-addr=" + d.Admin,
		"--resolver-addr=" + net.JoinHostPort(ip, "9252"), // nobody else has this IP
		"--event-window=20ms", "--shutdown-grace=2s", "--worker-shutdown-timeout=2s"}
	args = append(append(args, d.flags...), flags...)
	cmd := exec.Command(d.programs.Dispatcher, args...) //nolint:noctx // it is ended by a signal, and waited for
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "NGINX_BINARY=" + d.programs.Nginx, "NAMESPACE_RELOAD_BUDGET=0"}, d.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.User}
	// Files, not pipes: nginx may outlive this process and must not keep Wait.
	cmd.Stdout, cmd.Stderr = d.appendTo("out"), d.appendTo("log")
	// Tests that are cut off take Dispatcher with them, and it takes nginx.
	if d.process, err = process.Start(cmd, syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
}

func (d *Dispatcher) appendTo(name string) *os.File {
	d.t.Helper()
	f, err := os.OpenFile(filepath.Join(d.Folder, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = f.Close() })
	return f
}

// Ready waits until the process is ready; that it ends meanwhile is fatal.
func (d *Dispatcher) Ready() {
	d.t.Helper()
	d.Eventually("Dispatcher is ready", func() bool {
		if d.Ended() {
			d.t.Fatal("dispatcher has ended")
		}
		status, _ := d.Probe("/readyz")
		return status == http.StatusOK
	})
	d.MasterPID()
}

// Idle is the status for a path whose Pods are there, but not ready: where nginx
// learns of endpoints without a reload, the path stays.
func (d *Dispatcher) Idle() int {
	if strings.Contains(d.Log(), " endpoints=dynamic ") {
		return http.StatusServiceUnavailable
	}
	return http.StatusNotFound
}

// Ended reports whether there is no process, or no more.
func (d *Dispatcher) Ended() bool { return d.process == nil || d.process.Ended() }

// PID is the id of Dispatcher's process, which must have begun.
func (d *Dispatcher) PID() int { return d.process.PID() }

// Signal sends a signal to Dispatcher alone.
func (d *Dispatcher) Signal(s syscall.Signal) {
	d.t.Helper()
	if err := d.process.Signal(s); err != nil {
		d.t.Fatal(err)
	}
}

// Wait waits for the process to end and returns its exit code, -1 after a signal.
func (d *Dispatcher) Wait() int {
	d.t.Helper()
	code, err := d.process.Wait(Patience)
	if err != nil {
		d.t.Error(err)
	}
	return code
}

// Probe asks the admin port; the status is 0 if it does not answer.
func (d *Dispatcher) Probe(path string) (status int, text string) {
	r, err := (&http.Client{Timeout: Patience}).Get("http://" + d.Admin + path) //nolint:noctx // it has a limit
	if err != nil {
		return 0, ""
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(body)
}

// Log is what Dispatcher and nginx have written to stderr.
func (d *Dispatcher) Log() string { return readFile(filepath.Join(d.Folder, "log")) }

// Out is what they have written to stdout: the access log, or in mock mode the
// configurations.
func (d *Dispatcher) Out() string { return readFile(filepath.Join(d.Folder, "out")) }

// Lives counts the configurations that went live.
func (d *Dispatcher) Lives() int { return strings.Count(d.Log(), `msg="configuration live"`) }

func readFile(path string) string {
	text, _ := os.ReadFile(path) // one that is missing is empty
	return string(text)
}

// MasterPID reads the pid of nginx's master; 0 if there is none.
func (d *Dispatcher) MasterPID() int {
	pid, _ := strconv.Atoi(strings.TrimSpace(readFile(filepath.Join(d.Work, "run", "nginx.pid"))))
	if pid > 0 {
		d.masters[pid] = true
	}
	return pid
}

// leftovers lists the processes of this work folder's nginx: those whose command
// line names the folder, and those of a group that one of its masters has led.
func (d *Dispatcher) leftovers() []int {
	var out []int
	for _, p := range process.All() {
		ours := strings.Contains(p.Command, d.Work) || d.masters[p.Group]
		if ours && !p.Zombie && p.PID != os.Getpid() {
			out = append(out, p.PID)
		}
	}
	return out
}

// cleanUp stops the process and checks that it has taken nginx with it.
func (d *Dispatcher) cleanUp() {
	if !d.Ended() {
		d.MasterPID()
		d.Signal(syscall.SIGTERM)
		if code := d.Wait(); code != 0 {
			d.t.Errorf("dispatcher ended with status %d", code)
		}
	}
	if left := d.leftovers(); len(left) > 0 {
		d.t.Errorf("nginx processes are left: %v", left)
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	if d.t.Failed() {
		d.t.Logf("log of Dispatcher:\n%s", d.Log())
	}
}
