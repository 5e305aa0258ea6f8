package discovery_test

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/discovery"
)

// A service with many endpoints, which come by TCP, is used soon, loses no packet
// (which would cost 5 s), and then is not asked for all the time.
func TestManyEndpoints(t *testing.T) {
	t.Parallel()
	p := pods(t, 2001)
	for _, families := range []string{"ipv6=off", ""} {
		b := newBed(t, conf{upstreams: []string{"a"}, resolver: families}, service("a", p[0]))
		for _, n := range []int{200, 1000, 2000} {
			b.settled(1)
			b.responder.Set([]discovery.Service{service("a", p[0])})
			b.answers("a", 200, p[0].String())
			b.settled(1)
			b.responder.Set([]discovery.Service{service("a", p[1:n+1]...)})
			took := b.wait("new endpoints", func() bool { _, pod := b.get("/a/"); return pod != p[0].String() })
			t.Logf("%d endpoints %s: %v", n, families, took)
			if took > 3*time.Second {
				t.Errorf("%d endpoints took %v", n, took)
			}
		}
		if count := b.count(2000); len(count) != 2000 {
			t.Errorf("%d Pods have answered", len(count))
		}
		b.settled(1)
		before := b.responder.Stats()
		time.Sleep(3 * time.Second) // nothing is to happen meanwhile
		if after := b.responder.Stats(); after.TCP != before.TCP || after.Services > before.Services+1 || after.Parked != 1 {
			t.Errorf("nginx asks again: %+v, before that %+v", after, before)
		}
	}
}

// many is a bed with n services of 3 endpoints, soon after nginx's start.
func many(t testing.TB, n int) (b *bed, fetched, parked time.Duration) {
	t.Helper()
	var services []discovery.Service
	var names []string
	for i := range n {
		s := discovery.Service{Name: fmt.Sprintf("u%d", i)}
		for j := range 3 {
			a := netip.AddrFrom4([4]byte{127, byte(128 + j), byte(i >> 8), byte(i)})
			s.Endpoints = append(s.Endpoints, discovery.Endpoint{Addr: netip.AddrPortFrom(a, 8080)})
		}
		services, names = append(services, s), append(names, s.Name)
	}
	b = newBed(t, conf{upstreams: names, resolver: "ipv6=off"})
	b.wait("nginx to ask", func() bool { time.Sleep(time.Millisecond); return b.responder.Stats().Waiting == n })
	began := time.Now()
	b.responder.Set(services)
	if err := b.responder.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	fetched = time.Since(began)
	b.settled(n)
	return b, fetched, time.Since(began)
}

// Many services are known to nginx soon.
func TestManyServices(t *testing.T) {
	b, fetched, parked := many(t, 1000)
	t.Logf("1000 services at the first Set: fetched after %v, used after %v", fetched, parked-time.Second)
	if err := b.nginx.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	t.Logf("a reload: the new worker's queries parked after %v", b.wait("both workers", func() bool {
		time.Sleep(time.Millisecond)
		s := b.responder.Stats()
		return s.Clients > 1 && s.Parked > 1800
	}))
}

// What 5000 services cost while nothing changes.
func BenchmarkRest(b *testing.B) {
	bed, fetched, _ := many(b, 5000)
	time.Sleep(20 * time.Second) // until all polls have been spread
	own, nginx, queries, began := cpu(os.Getpid()), bed.cpu(), bed.responder.Stats().Services, time.Now()
	for b.Loop() {
		time.Sleep(10 * time.Second)
	}
	took := time.Since(began)
	b.ReportMetric(fetched.Seconds(), "fetched-s") // the loop's begin would have dropped it
	b.ReportMetric(100*float64(cpu(os.Getpid())-own)/float64(took), "responder-%-of-a-core")
	b.ReportMetric(100*float64(bed.cpu()-nginx)/float64(took), "nginx-%-of-a-core")
	b.ReportMetric(float64(bed.responder.Stats().Services-queries)/took.Seconds(), "queries/s")
}

// cpu is the time that a process has used.
func cpu(pid int) time.Duration {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return 0
	}
	var sum time.Duration
	for _, task := range all {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, task.Name()))
		if err != nil {
			continue // it has ended
		}
		if ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64); err == nil {
			sum += time.Duration(ns)
		}
	}
	return sum
}

// cpu is the time that nginx's workers have used.
func (b *bed) cpu() (sum time.Duration) {
	for _, pid := range b.workers() {
		sum += cpu(pid)
	}
	return sum
}

// From a change to the first request that follows it. The changes are apart, so
// that nginx's query is parked.
func BenchmarkChange(b *testing.B) {
	p := pods(b, 2)
	bed := newBed(b, conf{upstreams: []string{"a"}}, service("a", p[0]))
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		bed.settled(1)
		to := p[(i+1)%2]
		b.StartTimer()
		bed.responder.Set([]discovery.Service{service("a", to)})
		took = append(took, bed.answers("a", 200, to.String()))
	}
	report(b, took)
}

// From a change to the first request that follows it, at any time.
func BenchmarkChangeAnytime(b *testing.B) {
	p := pods(b, 2)
	bed := newBed(b, conf{upstreams: []string{"a"}}, service("a", p[0]))
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		time.Sleep(time.Duration(i*7919%3000) * time.Millisecond)
		to := p[(i+1)%2]
		b.StartTimer()
		bed.responder.Set([]discovery.Service{service("a", to)})
		took = append(took, bed.answers("a", 200, to.String()))
	}
	report(b, took)
}

func report(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	for name, at := range map[string]int{"min": 0, "median": len(took) / 2, "p95": len(took) * 95 / 100, "max": len(took) - 1} {
		b.ReportMetric(float64(took[at].Microseconds())/1000, name+"-ms")
	}
}
