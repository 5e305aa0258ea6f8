package traffic

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestReadiness: DX18 to DX20. Dispatcher is healthy at once and ready when
// traffic is served, and says why not.
func TestReadiness(t *testing.T) {
	t.Parallel()
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
	d.run()
	if status, text := d.probe("/healthz"); status != http.StatusOK || text != "ok\n" {
		t.Errorf("/healthz: %d %q", status, text)
	}
	if status, text := d.probe("/readyz"); status != http.StatusOK || !strings.Contains(text, "1 hosts, 1 locations, 1 endpoints, 0 problems") {
		t.Errorf("/readyz: %d %q", status, text)
	}
	if log := d.log(); strings.Contains(log, "[alert]") || strings.Contains(log, "[emerg]") || strings.Contains(log, "[warn]") {
		t.Error("nginx complains")
	}
	d.signal(syscall.SIGTERM)
	d.wait()

	// Its port is taken: healthy, not ready, and it says why.
	thief := newBackend(t, d.addr, "thief")
	d.begin()
	d.eventually("/readyz says why not", func() bool {
		status, text := d.probe("/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(text, "bind()")
	})
	if status, _ := d.probe("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d", status)
	}
	_ = thief.server.Close()
	d.eventually("ready when the port is free again", func() bool { status, _ := d.probe("/readyz"); return status == http.StatusOK })
	if got := d.ask("www.example.com", "/app").Pod; got != "web" {
		t.Errorf("answered by %q", got)
	}
}

// TestEndBeforeReady: SIGTERM ends it cleanly also while it is not ready.
func TestEndBeforeReady(t *testing.T) {
	t.Parallel()
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"))
	newBackend(t, d.addr, "thief")
	d.begin()
	d.eventually("it is alive", func() bool { status, _ := d.probe("/healthz"); return status == http.StatusOK })
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestNginxKilled: DX20. nginx killed -9 serves again within three seconds, and
// none of its orphaned workers lives on.
func TestNginxKilled(t *testing.T) {
	t.Parallel()
	d := start(t, namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
	for range 2 {
		old := d.masterPID()
		orphans := workers(old)
		if len(orphans) == 0 {
			t.Fatal("nginx has no workers")
		}
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		d.within(3*time.Second, "nginx serves again", func() bool {
			pid := d.masterPID()
			return pid != old && len(workers(pid)) > 0 && d.try("www.example.com", "/app").Pod == "web"
		})
		for _, p := range processes() {
			if slices.Contains(orphans, p.pid) && !p.zombie {
				t.Errorf("worker %d of the dead nginx still runs", p.pid)
			}
		}
	}
	d.eventually("ready again", func() bool { status, _ := d.probe("/readyz"); return status == http.StatusOK })
	if !strings.Contains(d.log(), "level=ERROR") {
		t.Error("nginx's death is not reported as an error")
	}
}

// TestWorkerKilled: a worker that dies is replaced by nginx itself.
func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	d := start(t, namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
	master := d.masterPID()
	for _, pid := range workers(master) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	d.serves("www.example.com", "/app", "web")
	if d.masterPID() != master {
		t.Error("nginx was restarted")
	}
}

// TestGracefulEnd: DX18 to DX20. After SIGTERM or SIGINT no new connections are
// taken, a request in flight is finished, and the exit code is 0.
func TestGracefulEnd(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			web := newPod(t, "shop", "web", at("/app"))
			g := newGate()
			web.on("/app/slow", g.hold(web.backend))
			d := prepare(t)
			d.apply(namespace("shop", "www.example.com"), web)
			d.run("--shutdown-grace=" + patience.String())
			result := make(chan answer, 1)
			go func() { result <- d.try("www.example.com", "/app/slow") }()
			<-g.reached
			d.signal(signal)
			d.eventually("no new connections", func() bool {
				c, err := net.Dial("tcp", d.addr)
				if err == nil {
					_ = c.Close()
				}
				return err != nil
			})
			if d.ended() {
				t.Error("it has not waited for the request")
			}
			close(g.open)
			if got := <-result; got.Pod != "web" {
				t.Errorf("the request in flight: %+v", got)
			}
			if code := d.wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestGraceExceeded: a request that does not end does not keep it beyond
// SHUTDOWN_GRACE.
func TestGraceExceeded(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"))
	g := newGate()
	web.on("/app/slow", g.hold(web.backend))
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web)
	d.run("--shutdown-grace=1s")
	go d.try("www.example.com", "/app/slow")
	<-g.reached
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestTakeOver: DX20. nginx outlives a Dispatcher that is killed, and the next
// one takes it over without a restart; changes get through again.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"))
	web.on("/app/chat", chat)
	d := start(t, namespace("shop", "www.example.com"), web)
	master := d.masterPID()
	socket := d.socket("ws://www.example.com/app/chat")

	d.signal(syscall.SIGKILL)
	d.wait()
	if got := d.ask("www.example.com", "/app"); got.Pod != "web" {
		t.Fatalf("nginx does not serve without Dispatcher: %+v", got)
	}
	serving := workers(master)
	d.run()
	if got := d.masterPID(); got != master {
		t.Errorf("nginx was restarted: pid %d, then %d", master, got)
	}
	if now := workers(master); !slices.Equal(serving, now) {
		t.Errorf("nginx was reloaded for nothing: workers %v, then %v", serving, now)
	}
	if err := echoes(socket, "still here"); err != nil {
		t.Errorf("the WebSocket was cut: %v", err)
	}
	d.apply(web.paths(at("/app"), at("/new")))
	d.serves("www.example.com", "/new", "web")

	// The nginx that was taken over is watched, too.
	if err := syscall.Kill(master, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.within(3*time.Second, "nginx serves again", func() bool {
		return d.masterPID() != master && d.try("www.example.com", "/new").Pod == "web"
	})
}

// TestChangedWhileAway: what changed between two Dispatchers is served by the
// second: as soon as it is ready, or says no more that what it serves is stale.
func TestChangedWhileAway(t *testing.T) {
	t.Parallel()
	for _, serveStale := range []bool{true, false} {
		t.Run(fmt.Sprintf("serve-stale=%v", serveStale), func(t *testing.T) {
			t.Parallel()
			web := newPod(t, "shop", "web", at("/app"))
			d := start(t, namespace("shop", "www.example.com"), web)
			master := d.masterPID()
			d.signal(syscall.SIGKILL)
			d.wait()
			d.apply(web.paths(at("/changed")))
			d.run(fmt.Sprintf("--serve-stale=%v", serveStale))
			if serveStale {
				d.eventually("fresh", func() bool {
					status, text := d.probe("/readyz")
					return status == http.StatusOK && !strings.Contains(text, "stale")
				})
			}
			if got := d.ask("www.example.com", "/changed"); got.Pod != "web" {
				t.Errorf("ready, but the change is not served: %+v", got)
			}
			if d.masterPID() != master {
				t.Error("nginx was restarted")
			}
		})
	}
}
