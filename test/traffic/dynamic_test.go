package traffic

import (
	"bufio"
	"fmt"
	"math"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	programs "github.com/30x/dispatcher/test/internal/process"
)

// prepareDynamic is prepare for tests of endpoints that change without a reload,
// which takes nginx 1.27.3.
func prepareDynamic(t *testing.T) *dispatcher {
	t.Helper()
	d := prepare(t)
	if v := d.nginxVersion(); v < 1_027_003 {
		t.Skipf("NOT TESTED: %s is older than 1.27.3, which learns of endpoints without a reload: set NGINX_BINARY=$(scripts/current-nginx.sh)", d.programs.Nginx)
	}
	return d
}

// startDynamic is start for them.
func startDynamic(t *testing.T, objects ...metav1.Object) *dispatcher {
	t.Helper()
	d := prepareDynamic(t)
	d.apply(objects...)
	d.runDynamic()
	return d
}

// runDynamic is run, and fails if this Dispatcher doesn't use what nginx can do.
func (d *dispatcher) runDynamic(flags ...string) {
	d.t.Helper()
	d.run(flags...)
	if !d.dynamic() {
		d.t.Fatal("nginx could learn of endpoints without a reload, but Dispatcher doesn't tell it")
	}
}

// nginxVersion is the version of nginx as one number: 1027003 is 1.27.3.
func (d *dispatcher) nginxVersion() (version int) {
	d.t.Helper()
	said, err := exec.Command(d.programs.Nginx, "-v").CombinedOutput()
	_, number, _ := strings.Cut(string(said), "nginx/")
	var major, minor, patch int
	if _, bad := fmt.Sscanf(number, "%d.%d.%d", &major, &minor, &patch); err != nil || bad != nil {
		d.t.Fatalf("%s -v says %q, %v", d.programs.Nginx, said, err)
	}
	return major*1_000_000 + minor*1000 + patch
}

// told counts how often endpoints went live without a reload.
func (d *dispatcher) told() int { return strings.Count(d.log(), `msg="endpoints live"`) }

// listens waits until nginx waits for news of so many upstreams: then it learns of
// changes at once, else within the second after which it asks again.
func (d *dispatcher) listens(upstreams int) {
	d.t.Helper()
	d.eventually("nginx waits for news of endpoints", func() bool {
		return d.metrics()["dispatcher_endpoint_questions_held"] >= float64(upstreams)
	})
}

// unreloaded notes which configuration and which processes serve. What it gives
// fails the test if others have served since.
func (d *dispatcher) unreloaded() (check func()) {
	d.t.Helper()
	look := func() (lives int, pids []int) {
		pids = append(workers(d.masterPID()), d.masterPID())
		slices.Sort(pids)
		return d.lives(), pids
	}
	lives, pids := look()
	if len(pids) < 2 {
		d.t.Fatalf("nginx's processes are %v", pids)
	}
	return func() {
		d.t.Helper()
		if n, now := look(); n != lives || !slices.Equal(now, pids) {
			d.t.Errorf("%d reloads; nginx's processes were %v and are %v", n-lives, pids, now)
		}
	}
}

// nginxMemory is what nginx's processes share and have, in bytes.
func (d *dispatcher) nginxMemory() (sum uint64) {
	d.t.Helper()
	for _, pid := range append(workers(d.masterPID()), d.masterPID()) {
		m, err := programs.MemoryOf(pid)
		if err != nil {
			d.t.Fatal(err)
		}
		sum += m.Share
	}
	return sum
}

// terminating marks a Pod as one that is being deleted.
func (p *pod) terminating() *pod {
	now := metav1.Now()
	p.DeletionTimestamp = &now
	return p
}

// flow is a steady flow of requests, and what came of it.
type flow struct {
	d        *dispatcher
	headers  []string
	accept   func(answer) bool // nil: 200 from a Pod that saw what was sent
	statuses sync.Map          // status → *atomic.Int64
	asked    atomic.Int64
	failed   atomic.Int64
	done     chan struct{}
	visitors sync.WaitGroup
}

// visit begins to send so many requests a second to a path, until end is called.
// Half of the visitors keep their connection, the others open one a request; every
// third request is a POST. No request is repeated.
func (d *dispatcher) visit(rate int, host, path string, accept func(answer) bool, headers ...string) *flow {
	const visitors = 8
	f := &flow{d: d, accept: accept, headers: headers, done: make(chan struct{})}
	for i := range visitors {
		f.visitors.Go(func() { f.walk(host, path, i%2 == 0, time.Second*visitors/time.Duration(rate)) })
	}
	d.t.Cleanup(func() { f.end() })
	return f
}

// walk is one visitor.
func (f *flow) walk(host, path string, keeps bool, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	var conn net.Conn
	var from *bufio.Reader
	drop := func() {
		if conn != nil {
			_ = conn.Close()
		}
		conn = nil
	}
	defer drop()
	for {
		select {
		case <-f.done:
			return
		case <-tick.C:
		}
		n := f.asked.Add(1)
		uri := fmt.Sprintf("%s?n=%d", path, n)
		raw, method, size := get(host, uri, f.headers...), http.MethodGet, int64(0)
		if n%3 == 0 {
			method, size = http.MethodPost, 2000
			raw = "POST" + strings.TrimPrefix(get(host, uri, append([]string{"Content-Length: 2000"}, f.headers...)...), "GET") + strings.Repeat("x", 2000)
		}
		if conn == nil {
			var err error
			if conn, err = net.DialTimeout("tcp", f.d.addr, patience); err != nil {
				f.fail("%s %s: no connection: %v", method, uri, err)
				continue
			}
			from = bufio.NewReader(conn)
		}
		a := exchange(conn, from, raw)
		count, _ := f.statuses.LoadOrStore(a.Status, new(atomic.Int64))
		count.(*atomic.Int64).Add(1)
		good := a.Err == nil && a.Status == http.StatusOK && a.Method == method && a.URI == uri && a.Size == size
		if !good && (f.accept == nil || !f.accept(a)) {
			f.fail("%s %s: status %d, %v: %.200s", method, uri, a.Status, a.Err, a.Text)
		}
		if !keeps || a.Err != nil || a.Last {
			drop()
		}
	}
}

// fail tells the first few that failed.
func (f *flow) fail(format string, args ...any) {
	if f.failed.Add(1) <= 5 {
		f.d.t.Errorf(time.Now().Format("15:04:05.000 ")+format, args...)
	}
}

// end stops the load and gives the number of requests.
func (f *flow) end() (asked int64) {
	select {
	case <-f.done:
	default:
		close(f.done)
	}
	f.visitors.Wait()
	return f.asked.Load()
}

// count is the number of answers with a status.
func (f *flow) count(status int) int64 {
	n, ok := f.statuses.Load(status)
	if !ok {
		return 0
	}
	return n.(*atomic.Int64).Load()
}

// spread describes durations.
func spread(took []time.Duration) string {
	if len(took) == 0 {
		return "none"
	}
	slices.Sort(took)
	at := func(q float64) time.Duration {
		return took[int(math.Ceil(q*float64(len(took))))-1].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("%d: min %v, median %v, p95 %v, max %v", len(took), took[0].Round(100*time.Microsecond), at(0.5), at(0.95), at(1))
}

// hasIPv6 reports whether there is a loopback address of IPv6.
func hasIPv6() bool {
	l, err := net.Listen("tcp", "[::1]:0")
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}

// portPair finds a port that is free on [::1], as is the next one.
func portPair(t *testing.T) string {
	t.Helper()
	for range 20 {
		first, err := net.Listen("tcp", "[::1]:0")
		if err != nil {
			t.Fatal(err)
		}
		port := first.Addr().(*net.TCPAddr).Port
		second, err := net.Listen("tcp", fmt.Sprintf("[::1]:%d", port+1))
		_ = first.Close()
		if err == nil {
			_ = second.Close()
			return strconv.Itoa(port)
		}
	}
	t.Fatal("there are no two ports side by side")
	return ""
}

func podIPs(addresses ...string) (out []corev1.PodIP) {
	for _, a := range addresses {
		out = append(out, corev1.PodIP{IP: a})
	}
	return out
}
