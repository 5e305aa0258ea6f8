package discovery_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/discovery"
	"github.com/30x/dispatcher/pkg/discovery/internal/message"
)

// load asks all the time until stop is called, which gives how many requests were
// not answered with 200.
func (b *bed) load(service string) (stop func() (requests, failed int64)) {
	var requests, failed atomic.Int64
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !done.Load() {
			requests.Add(1)
			if status, body := b.get("/" + service + "/"); status != http.StatusOK {
				failed.Add(1)
				b.t.Logf("a request got %d: %s", status, body)
			}
		}
	})
	return func() (int64, int64) {
		done.Store(true)
		wg.Wait()
		return requests.Load(), failed.Load()
	}
}

// While Dispatcher is away, and until it knows all services again, nginx keeps what
// it has; then it is told at once, on the same port.
func TestRestart(t *testing.T) {
	t.Parallel()
	p := pods(t, 2)
	b := newBed(t, conf{upstreams: []string{"a", "gone"}}, service("a", p[0]), service("gone", p[0]))
	b.settled(2)
	stop := b.load("a")
	b.stop()
	b.serve()
	b.wait("nginx to ask again", func() bool { time.Sleep(time.Millisecond); return b.responder.Stats().Waiting == 2 })
	if s := b.responder.Stats(); s.Answers != 0 || b.responder.Fetched("a") {
		t.Errorf("before the first Set there were answers: %+v", s)
	}
	b.responder.Set([]discovery.Service{service("a", p[1])})
	t.Logf("a change while Dispatcher was away, after the first Set: %v", b.answers("a", 200, p[1].String()))
	b.settled(1)
	if requests, failed := stop(); failed > 0 {
		t.Errorf("%d of %d requests failed", failed, requests)
	}
	if status, pod := b.get("/gone/"); status != http.StatusOK || pod != p[0].String() {
		t.Errorf("a service that is gone, but is in nginx's configuration: %d %s", status, pod)
	}
	if s := b.responder.Stats(); s.Waiting != 1 {
		t.Errorf("who asks for it does not wait: %+v", s)
	}
}

// A reload loses no endpoints and no requests, and its workers are told at once.
func TestReload(t *testing.T) {
	t.Parallel()
	p := pods(t, 2)
	b := newBed(t, conf{upstreams: []string{"a"}}, service("a", p[0]))
	b.settled(1)
	stop := b.load("a")
	for i := range 6 {
		b.conf.upstreams = []string{"a", "new" + strconv.Itoa(i)}
		b.responder.Set([]discovery.Service{service("a", p[i%2]), service(b.conf.upstreams[1], p[0])})
		b.write()
		if err := b.nginx.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		b.wait("the new service", func() bool { return b.responder.Fetched(b.conf.upstreams[1]) })
		b.answers(b.conf.upstreams[1], 200, p[0].String())
		b.answers("a", 200, p[i%2].String())
	}
	requests, failed := stop()
	t.Logf("%d requests, %d failed", requests, failed)
	if failed > 0 {
		t.Error("requests failed")
	}
}

// A worker that is killed, and an nginx that is, are replaced by ones that know
// nothing of what was told before.
func TestKilled(t *testing.T) {
	t.Parallel()
	p := pods(t, 2)
	b := newBed(t, conf{upstreams: []string{"a"}, resolver: "ipv6=off"}, service("a", p[0]))
	b.settled(1)
	for _, worker := range b.workers() {
		if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	b.wait("a new worker that asks", func() bool { return b.responder.Stats().Clients == 2 })
	b.settled(2) // the dead one's query, too
	b.responder.Set([]discovery.Service{service("a", p[1])})
	t.Logf("after the death of the workers a change took %v", b.answers("a", 200, p[1].String()))
	b.kill(syscall.SIGKILL)
	b.start()
	t.Logf("after nginx's start: %v", b.answers("a", 200, p[1].String()))
}

// workers are nginx's processes but its first.
func (b *bed) workers() (pids []int) {
	b.t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// "pid (name) state parent …"
		f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && f[1] == strconv.Itoa(b.nginx.Process.Pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// What is lost comes again after 5 s, and is answered at once, once.
func TestLost(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]struct {
		kind   message.Kind
		answer bool
	}{
		"query of a service":  {message.Endpoints, false},
		"answer of a service": {message.Endpoints, true},
		"query of a host":     {message.Address, false},
		"answer of a host":    {message.Address, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pods(t, 2)
			b := newBed(t, conf{upstreams: []string{"a"}, relayed: true, resolver: "ipv6=off"}, service("a", p[0]))
			b.settled(1)
			var losses atomic.Int64
			b.relay.loseIf(func(q message.Query, answer bool) bool {
				return q.Kind == lost.kind && answer == lost.answer && losses.Add(1) == 1
			})
			b.responder.Set([]discovery.Service{service("a", p[1])})
			t.Logf("%v", b.answers("a", 200, p[1].String()))
			b.settled(1)
			if s := b.responder.Stats(); losses.Load() == 0 || s.Services > 8 {
				t.Errorf("%d packets came, and then %+v", losses.Load(), s)
			}
		})
	}
}

// A target that goes before nginx has asked its address does not keep nginx waiting
// for that.
func TestTargetGone(t *testing.T) {
	t.Parallel()
	p := pods(t, 3)
	b := newBed(t, conf{upstreams: []string{"a"}, relayed: true, resolver: "ipv6=off"}, service("a", p[0]))
	b.settled(1)
	with := service("a", p[0], p[1])
	with.Endpoints[1].Target = "web-0"
	var once sync.Once
	b.relay.loseIf(func(q message.Query, answer bool) bool {
		if q.Kind == message.Identity && !answer {
			once.Do(func() { b.responder.Set([]discovery.Service{service("a", p[2])}) })
		}
		return false
	})
	b.responder.Set([]discovery.Service{with})
	t.Logf("%v", b.answers("a", 200, p[2].String()))
}
