package traffic

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// crowd is many Pods that never serve. With them it takes Dispatcher a while to look
// at all that is applied together, so that it may see a part of it first.
func crowd(like *pod) (out []metav1.Object) {
	for i := range 300 {
		p := &pod{Pod: like.DeepCopy(), backend: like.backend}
		p.Name = fmt.Sprintf("waits-%d", i)
		out = append(out, p.ready(false))
	}
	return out
}

// strangers counts the requests of a path that reach the Pod without X-Mine.
func (p *pod) strangers(path string) *atomic.Int64 {
	count := new(atomic.Int64)
	p.on(path, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Mine") == "" {
			count.Add(1)
		}
		p.echo(w, r)
	})
	return count
}

// siege sends requests to a path, some a millisecond, on kept connections, until it
// is ended: Dispatcher needs the processors, too.
func (d *dispatcher) siege(host, uri string, headers ...string) (end func() int64) {
	done, asked := make(chan struct{}), new(atomic.Int64)
	var working sync.WaitGroup
	for range 3 {
		working.Go(func() {
			for {
				conn, err := net.DialTimeout("tcp", d.addr, patience)
				if err != nil {
					d.t.Errorf("no connection: %v", err)
					return
				}
				for from := bufio.NewReader(conn); err == nil; {
					select {
					case <-done:
						_ = conn.Close()
						return
					case <-time.After(time.Millisecond):
					}
					asked.Add(1)
					a := exchange(conn, from, get(host, uri, headers...))
					if err = a.Err; a.Last {
						break
					}
				}
				_ = conn.Close()
			}
		})
	}
	return func() int64 {
		close(done)
		working.Wait()
		return asked.Load()
	}
}

// TestDynamicKeys: DF16, DX25. A key and a new Pod are applied together: no request
// without the key reaches the Pod at any time, though its endpoints travel faster than
// the key. The same holds for the next key.
func TestDynamicKeys(t *testing.T) {
	t.Parallel()
	old := newPod(t, "shop", "old", at("/app"))
	d := startDynamic(t, append(crowd(old), namespace("shop", "www.example.com"), old)...)
	for round := range 4 {
		fresh := newPod(t, "shop", fmt.Sprintf("new-%d", round), at("/app"))
		strangers := fresh.strangers("/app")
		value := fmt.Sprintf("key-%d", round)
		lock := secret("shop", "routing", "api-key", value)
		// Who has no key, or, in every other round, the last one.
		var headers []string
		if round%2 == 1 {
			headers = append(headers, key(fmt.Sprintf("key-%d", round-1)))
		}
		end := d.siege("www.example.com", "/app", headers...)
		d.listens(1)
		d.apply(lock, fresh)
		d.eventually("without the key nobody is let in, and with it the Pod answers", func() bool {
			return d.try("www.example.com", "/app", headers...).Status == http.StatusForbidden &&
				d.try("www.example.com", "/app", key(value), "X-Mine: yes").Pod == fresh.Name
		})
		asked := end()
		if n := strangers.Load(); n != 0 {
			t.Errorf("round %d: %d of %d requests without the key have reached the Pod that came with it", round, n, asked)
		}
		d.remove(fresh)
		if round%2 == 1 {
			d.remove(lock) // all may enter
			d.serves("www.example.com", "/app", "old")
		}
	}
}

// TestDynamicKeysInOldWorkers: DF16, DX25. For a moment after a reload nginx's old
// workers answer on the connections that they have: by the old rules, which demand no
// key. So they must not learn of a Pod that came with the key.
func TestDynamicKeysInOldWorkers(t *testing.T) {
	t.Parallel()
	const conns = 40
	old, fresh := newPod(t, "shop", "old", at("/app")), newPod(t, "shop", "fresh", at("/app"))
	strangers := fresh.strangers("/app")
	d := startDynamic(t, namespace("shop", "www.example.com"), old)
	d.listens(1)
	kept, from := make([]net.Conn, conns), make([]*bufio.Reader, conns)
	for i := range kept {
		var err error
		if kept[i], err = net.Dial("tcp", d.addr); err != nil {
			t.Fatal(err)
		}
		defer kept[i].Close()
		from[i] = bufio.NewReader(kept[i])
		if got := exchange(kept[i], from[i], get("www.example.com", "/app")); got.Pod != "old" {
			t.Fatalf("%+v", got)
		}
	}
	lock := secret("shop", "routing", "api-key", "supersecret")
	d.apply(lock)
	d.apply(fresh)
	d.eventually("nobody is let in without the key", func() bool { return d.try("www.example.com", "/app").Status == http.StatusForbidden })
	began, answers := time.Now(), map[string]int{}
	for i := range kept { // for as long as old workers keep idle connections, and nginx asks for endpoints
		time.Sleep(50 * time.Millisecond)
		a := exchange(kept[i], from[i], get("www.example.com", "/app"))
		answers[fmt.Sprintf("%s %d", a.Pod, a.Status)]++
	}
	t.Logf("on old connections, for %v: %v", time.Since(began), answers)
	if n := strangers.Load(); n != 0 {
		t.Errorf("%d requests without the key have reached the Pod that came with it", n)
	}
	if got := d.ask("www.example.com", "/app", key("supersecret"), "X-Mine: yes"); got.Status != http.StatusOK {
		t.Errorf("with the key: status %d", got.Status)
	}
}
