package traffic

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kill ends Dispatcher alone, at once.
func (d *dispatcher) kill() {
	d.t.Helper()
	d.signal(syscall.SIGKILL)
	d.wait()
}

// nginxPIDs are the processes of nginx.
func (d *dispatcher) nginxPIDs() []int {
	pids := append(workers(d.masterPID()), d.masterPID())
	slices.Sort(pids)
	return pids
}

// TestDynamicTakeOver: DX20, DF28. Dispatcher is killed under load: nothing is lost
// while it is away. The next one takes nginx over without a reload, and soon nginx
// uses the endpoints that have changed.
func TestDynamicTakeOver(t *testing.T) {
	t.Parallel()
	stays, goes, comes := newPod(t, "shop", "stays", at("/app")), newPod(t, "shop", "goes", at("/app")), newPod(t, "shop", "comes", at("/app"))
	d := startDynamic(t, namespace("shop", "www.example.com"), stays, goes, comes.ready(false))
	serving := d.nginxPIDs()
	load := d.visit(200, "www.example.com", "/app", nil)
	more := func() {
		t.Helper()
		n := load.asked.Load() + 100
		d.eventually("100 more requests", func() bool { return load.asked.Load() > n })
	}
	d.listens(1)
	more() // what waits for news is noted, too
	d.kill()
	more()
	d.run()
	d.listens(1)
	more()
	if now := d.nginxPIDs(); !slices.Equal(now, serving) {
		t.Errorf("nginx was reloaded for nothing: its processes were %v and are %v", serving, now)
	}

	d.kill()
	more()
	d.apply(comes.ready(true), goes.ready(false))
	first, began := comes.firstly("/app"), time.Now()
	d.run()
	ready := time.Since(began)
	t.Logf("a Pod that came meanwhile: first request %v after the start of Dispatcher, which was ready after %v", (<-first).Sub(began), ready)

	// What changes while both are there is used at once again.
	d.apply(comes.ready(false))
	d.eventually("it serves no more", func() bool { return d.pods(4, "www.example.com", "/app")["stays"] == 4 })
	d.apply(comes.ready(true))
	d.eventually("it serves again", func() bool { return d.pods(4, "www.example.com", "/app")["comes"] == 2 })
	t.Logf("%d requests", load.end())
	if now := d.nginxPIDs(); !slices.Equal(now, serving) {
		t.Errorf("nginx was reloaded: its processes were %v and are %v", serving, now)
	}
}

// TestDynamicNginxKilled: DX20. nginx is killed, and started again: it gets its
// endpoints at once, those that have changed since, too.
func TestDynamicNginxKilled(t *testing.T) {
	t.Parallel()
	a, b := newPod(t, "shop", "a", at("/app")), newPod(t, "shop", "b", at("/app"))
	d := startDynamic(t, namespace("shop", "www.example.com"), a, b.ready(false))
	for round := range 2 {
		d.apply(a.ready(round%2 != 0), b.ready(round%2 == 0))
		want := map[bool]string{true: "b", false: "a"}[round%2 == 0]
		d.eventually(want+" alone serves", func() bool { return d.pods(4, "www.example.com", "/app")[want] == 4 })
		old, began := d.masterPID(), time.Now()
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		d.eventually("nginx serves again", func() bool { return d.masterPID() != old && d.try("www.example.com", "/app").Status == http.StatusOK })
		t.Logf("nginx serves %v after it was killed", time.Since(began))
		if got := d.pods(4, "www.example.com", "/app"); got[want] != 4 {
			t.Errorf("only %s serves, but %v have answered", want, got)
		}
	}
}

// TestDynamicStale: DX20. Dispatcher and nginx are killed, and come back while the
// API can't be reached: the last good configuration serves, with the last endpoints.
func TestDynamicStale(t *testing.T) {
	t.Parallel()
	web, exact := newPod(t, "shop", "web", at("/app")), newPod(t, "shop", "exact", entry{"basePath": "/exact", "match": "exact"}, at("/app"))
	api := apiServer(t, namespace("shop", "www.example.com"), web, exact, newPod(t, "shop", "idle", at("/idle")).ready(false))
	d := prepareDynamic(t)
	flags := []string{"--source=kube", "--kube-host=" + api.Listener.Addr().String(), "--events=false"}
	d.runDynamic(flags...)
	d.serves("www.example.com", "/app", "web")
	file := filepath.Join(d.work, "endpoints.json")
	d.eventually("the endpoints are remembered", func() bool { return strings.Contains(readFile(file), web.ip) })
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("%s: %v, %v", file, info.Mode(), err)
	}
	api.CloseClientConnections()
	_ = api.Listener.Close()
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		master := d.masterPID()
		d.signal(signal)
		d.wait()
		if signal == syscall.SIGKILL {
			for _, pid := range append([]int{master}, workers(master)...) { // or it would start others
				if err := syscall.Kill(pid, signal); err != nil {
					t.Fatal(err)
				}
			}
		}
		// Of a path that nginx was never told of, since Dispatcher ended just before.
		replaceFile(t, file, strings.Replace(readFile(file), `"Services":[`, `"Services":[{"Name":"pods-00000000000000000000000000000000","Endpoints":null},`, 1))
		began := time.Now()
		d.runDynamic(flags...)
		d.eventually("both Pods serve", func() bool {
			count := d.pods(4, "www.example.com", "/app")
			return count["web"] == 2 && count["exact"] == 2
		})
		t.Logf("both Pods serve %v after the start", time.Since(began))
		if got := d.ask("www.example.com", "/exact"); got.Pod != "exact" {
			t.Errorf("/exact: status %d", got.Status)
		}
		if got := d.ask("www.example.com", "/idle"); got.Status != http.StatusServiceUnavailable {
			t.Errorf("/idle: status %d", got.Status)
		}
		if status, text := d.probe("/readyz"); status != http.StatusOK || !strings.Contains(text, "stale") {
			t.Errorf("/readyz answers %d %q", status, text)
		}
	}
}
