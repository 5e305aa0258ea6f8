package traffic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// atOnce does n things, a few at a time, and gives what went wrong.
func atOnce(n int, do func(i int) error) error {
	errs := make([]error, n)
	var working sync.WaitGroup
	const hands = 16
	for hand := range hands {
		working.Go(func() {
			for i := hand; i < n; i += hands {
				errs[i] = do(i)
			}
		})
	}
	working.Wait()
	return errors.Join(errs...)
}

// TestDynamicWebSockets: DF22, DX4. WebSockets live on through hundreds of changes of
// endpoints, of their own route and of others: the worker processes stay the same,
// and their memory doesn't grow.
func TestDynamicWebSockets(t *testing.T) {
	t.Parallel()
	const sockets, keepers, others, rounds = 1000, 4, 4, 40
	objects := []metav1.Object{namespace("shop", "www.example.com")}
	for i := range keepers {
		p := newPod(t, "shop", fmt.Sprintf("keeper-%d", i), at("/chat"))
		p.on("/chat/room", chat)
		objects = append(objects, p)
	}
	guest := newPod(t, "shop", "guest", at("/chat")) // comes and goes
	guest.on("/chat/room", chat)
	var routes []*pod // of other paths, beside one that stays
	for i := range others {
		path := fmt.Sprintf("/other-%d", i)
		routes = append(routes, newPod(t, "shop", fmt.Sprintf("other-%d", i), at(path)))
		objects = append(objects, routes[i], newPod(t, "shop", fmt.Sprintf("same-%d", i), at(path)))
	}
	d := startDynamic(t, append(objects, guest)...)
	check := d.unreloaded()

	conns, client, began := make([]*websocket.Conn, sockets), d.client(), time.Now()
	err := atOnce(sockets, func(i int) (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
		defer cancel()
		conns[i], _, err = websocket.Dial(ctx, "ws://www.example.com/chat/room", &websocket.DialOptions{HTTPClient: client})
		return err
	})
	t.Cleanup(func() {
		for _, c := range conns {
			if c != nil {
				_ = c.CloseNow()
			}
		}
	})
	talk := func(text string) error {
		return atOnce(sockets, func(i int) error { return echoes(conns[i], text) })
	}
	if err != nil || talk("before") != nil {
		t.Fatalf("open %d WebSockets: %v", sockets, err)
	}
	opened, before := time.Since(began), d.nginxMemory()

	began = time.Now()
	for round := range rounds {
		for _, p := range append(routes, guest) {
			d.apply(p.ready(round%2 != 0))
		}
		// "now serves" or "no longer serves", once a change
		d.eventually("endpoints live", func() bool { return strings.Count(d.log(), " serves") >= (round+1)*(others+1) })
	}
	changed := time.Since(began)
	if err := talk("after"); err != nil {
		t.Errorf("WebSockets are lost: %v", err)
	}
	after := d.nginxMemory()
	check()
	t.Logf("%d WebSockets opened in %v, %d changes in %v; nginx's memory: %.1f MB, then %.1f MB", sockets, opened, rounds*(others+1), changed,
		float64(before)/1e6, float64(after)/1e6)
	if after > before+8<<20 {
		t.Errorf("nginx's memory grew from %d to %d bytes", before, after)
	}
	runtime.KeepAlive(client)
}

// TestDynamicTerminating: DX4. A Pod that is told to end gets no new request once
// nginx knows; what it has begun goes on until it ends by itself.
func TestDynamicTerminating(t *testing.T) {
	t.Parallel()
	old, stays := newPod(t, "shop", "old", at("/app")), newPod(t, "shop", "stays", at("/app"))
	g := newGate()
	for _, p := range []*pod{old, stays} {
		p.on("/app/slow", g.hold(p.backend))
		p.on("/app/chat", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Pod", p.Name)
			chat(w, r)
		})
	}
	d := startDynamic(t, namespace("shop", "www.example.com"), old, stays)
	check := d.unreloaded()
	// One of two is the old Pod's.
	results := make(chan answer, 2)
	for range 2 {
		go func() { results <- d.try("www.example.com", "/app/slow?x=1") }()
		<-g.reached
	}
	var socket *websocket.Conn
	d.eventually("a WebSocket of the old Pod", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c, r, err := websocket.Dial(ctx, "ws://www.example.com/app/chat", &websocket.DialOptions{HTTPClient: d.client()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.CloseNow() })
		socket = c
		return r.Header.Get("Pod") == "old"
	})

	d.listens(1)
	d.apply(old.terminating())
	d.eventually("endpoints live", func() bool {
		return strings.Contains(d.log(), `msg="endpoints live" changed="[Pod/shop/old no longer serves]"`)
	})
	live := time.Now()
	last := live
	for asked := 0; asked < 40; asked++ { // in a row
		if d.ask("www.example.com", "/app").Pod != "stays" {
			last, asked = time.Now(), -1
		}
		if time.Since(live) > patience {
			t.Fatal("it still gets requests")
		}
	}
	t.Logf("its last request came %v after endpoints were live", last.Sub(live))
	if err := echoes(socket, "still here"); err != nil {
		t.Errorf("its WebSocket was cut: %v", err)
	}
	select {
	case got := <-results:
		t.Errorf("a slow request has ended too early: %+v", got)
	default:
	}
	close(g.open)
	answered := map[string]int{}
	for range 2 {
		got := <-results
		answered[got.Pod] += got.Status
	}
	if answered["old"] != http.StatusOK || answered["stays"] != http.StatusOK {
		t.Errorf("the slow requests were answered by %v", answered)
	}
	d.remove(old)
	if err := echoes(socket, "and after it is gone from the cluster"); err != nil {
		t.Errorf("its WebSocket was cut: %v", err)
	}
	_ = socket.Close(websocket.StatusNormalClosure, "")
	check()
}
