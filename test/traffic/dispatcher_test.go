package traffic

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
	harness "github.com/30x/dispatcher/test/internal/dispatcher"
)

// dispatcher is a Dispatcher, its nginx and the folder they work in. Its process
// can be ended and another one run in the same place.
type dispatcher struct {
	t         testing.TB
	programs  harness.Programs
	manifests string // folder
	work      string // --work-dir
	addr      string // nginx listens here
	secure    string // and here for TLS, if that is on
	admin     string // probes
	logFile   string // stderr
	outFile   string // stdout: the access log

	ca      *pki.Authority      // has signed the servers' certificates
	env     []string            // settings beside the flags
	user    *syscall.Credential // whom the process runs as; nil: like the test
	process *exec.Cmd
	exited  chan struct{} // closed when process has ended
	masters map[int]bool  // pids of nginx that were seen
}

// start writes the manifests, runs a Dispatcher on them and waits until it is
// ready.
func start(t testing.TB, objects ...metav1.Object) *dispatcher {
	t.Helper()
	d := prepare(t)
	d.apply(objects...)
	d.run()
	return d
}

// startLong is start where paths may be as long as an operator can allow, and many.
func startLong(t testing.TB, objects ...metav1.Object) *dispatcher {
	t.Helper()
	d := prepare(t)
	d.env = append(d.env, "MAX_PATH_BYTES=2048", "MAX_PATHS_PER_POD=200")
	d.apply(objects...)
	d.run()
	return d
}

// prepare makes the place of a Dispatcher: folders, and an address that is free.
func prepare(t testing.TB) *dispatcher {
	t.Helper()
	programs := needPrograms(t)
	folder, err := os.MkdirTemp("", "d") // short: unix sockets' paths are limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	free := freeAddresses(t, newLoopback(), 3)
	d := &dispatcher{
		t:         t,
		programs:  programs,
		manifests: filepath.Join(folder, "manifests"),
		work:      filepath.Join(folder, "w"),
		addr:      free[0],
		admin:     free[1],
		secure:    free[2],
		logFile:   filepath.Join(folder, "log"),
		outFile:   filepath.Join(folder, "out"),
		masters:   map[int]bool{},
	}
	for _, path := range []string{d.manifests, d.work} {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(d.cleanUp)
	return d
}

// freeAddresses returns addresses with ports that nobody listens on, each another
// one. As nobody else uses the IP, they stay free.
func freeAddresses(t testing.TB, ip string, n int) (addresses []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", ip+":0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // none before all are found
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

// run starts the process with additional flags and waits until it is ready.
func (d *dispatcher) run(flags ...string) {
	d.t.Helper()
	d.begin(flags...)
	d.eventually("Dispatcher is ready", func() bool {
		if d.ended() {
			d.t.Fatalf("dispatcher has ended with %v", d.process.ProcessState)
		}
		status, _ := d.probe("/readyz")
		return status == http.StatusOK
	})
	d.masterPID()
}

// begin starts the process.
func (d *dispatcher) begin(flags ...string) {
	d.t.Helper()
	ip, port, _ := net.SplitHostPort(d.addr)
	d.process = exec.Command(d.programs.Dispatcher, append([]string{"run",
		"--source=" + d.manifests, "--mode=nginx", "--work-dir=" + d.work,
		"--listen-address=" + ip, "--port=" + port, "--admin-addr=" + d.admin,
		"--resolver-addr=" + net.JoinHostPort(ip, "9252"), // nobody else has this IP
		"--event-window=20ms", "--shutdown-grace=2s", "--worker-shutdown-timeout=2s",
	}, flags...)...)
	d.process.Env = append([]string{"PATH=" + os.Getenv("PATH"), "NGINX_BINARY=" + d.programs.Nginx, "NAMESPACE_RELOAD_BUDGET=0"}, d.env...)
	// Tests that are cut off take Dispatcher with them, and it takes nginx.
	d.process.SysProcAttr = &syscall.SysProcAttr{Credential: d.user, Pdeathsig: syscall.SIGTERM}
	// Files, not pipes: nginx may outlive this process and must not keep Wait.
	d.process.Stdout, d.process.Stderr = appendTo(d.t, d.outFile), appendTo(d.t, d.logFile)
	process, started, exited := d.process, make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the death signal is that of the thread
		started <- process.Start()
		_ = process.Wait()
		close(exited)
	}()
	if err := <-started; err != nil {
		d.t.Fatal(err)
	}
	d.exited = exited
}

func appendTo(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// ended reports whether there is no process, or no more.
func (d *dispatcher) ended() bool {
	if d.process == nil {
		return true
	}
	select {
	case <-d.exited:
		return true
	default:
		return false
	}
}

// signal sends a signal to Dispatcher alone.
func (d *dispatcher) signal(s syscall.Signal) {
	d.t.Helper()
	if err := d.process.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		d.t.Fatal(err)
	}
}

// wait waits for the process to end and returns its exit code, -1 after a signal.
func (d *dispatcher) wait() int {
	d.t.Helper()
	select {
	case <-d.exited:
	case <-time.After(patience):
		d.t.Error("dispatcher did not end")
		_ = d.process.Process.Kill()
		<-d.exited
	}
	return d.process.ProcessState.ExitCode()
}

// probe asks the admin port; the status is 0 if it does not answer.
func (d *dispatcher) probe(path string) (status int, text string) {
	r, err := (&http.Client{Timeout: patience}).Get("http://" + d.admin + path)
	if err != nil {
		return 0, ""
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(body)
}

// dynamic reports whether nginx learns of endpoints without a reload.
func (d *dispatcher) dynamic() bool { return strings.Contains(d.log(), " endpoints=dynamic ") }

// log is what Dispatcher and nginx have written to stderr.
func (d *dispatcher) log() string { return readFile(d.logFile) }

// out is what they have written to stdout.
func (d *dispatcher) out() string { return readFile(d.outFile) }

// lives counts the configurations that went live.
func (d *dispatcher) lives() int { return strings.Count(d.log(), `msg="configuration live"`) }

func readFile(path string) string {
	text, _ := os.ReadFile(path) // one that is missing is empty
	return string(text)
}

// cleanUp stops the process and checks that it has taken nginx with it.
func (d *dispatcher) cleanUp() {
	if !d.ended() {
		d.masterPID()
		d.signal(syscall.SIGTERM)
		if code := d.wait(); code != 0 {
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
		d.t.Logf("log of Dispatcher:\n%s", d.log())
	}
}
