package traffic

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// rooms are Pods that have keys by the path's first segment.
func rooms(t *testing.T, change ...func(entry) entry) ([]*pod, keepers) {
	t.Helper()
	return newKeepers(t, func() []entry {
		e := at("/ws").by("segment:1")
		for _, c := range change {
			e = c(e)
		}
		return []entry{e}
	})
}

// TestKeyDown: HX6, HX12, KX4, KX7. While a Pod is down its keys wait, and clients are
// told so; the keys of others go on. It has its keys again when it is back, at another
// address too. Where endpoints change without a reload, none of this takes one.
func TestKeyDown(t *testing.T) {
	t.Parallel()
	pods, names := rooms(t, func(e entry) entry { return e.with("overrides", "rules") })
	rules := configMap("rules", map[string]string{"pinned": names[1]})
	d := start(t, objects(pods, namespace("shop", "www.example.com"), rules)...)
	if d.dynamic() {
		d.listens(len(names))
		defer d.unreloaded()()
	}
	const host = "www.example.com"
	own := []string{"/ws/" + names.like("k", names[1]), "/ws/pinned"}
	others := func() {
		t.Helper()
		for _, name := range []string{names[0], names[2], names[3]} {
			if got := d.ask(host, "/ws/"+names.like("k", name)); got.Pod != name {
				t.Errorf("a key of %s is answered by %s, status %d", name, got.Pod, got.Status)
			}
		}
	}
	others()
	for _, uri := range own {
		d.serves(host, uri, names[1])
	}
	d.apply(pods[1].ready(false))
	for _, uri := range own {
		d.answers(host, uri, http.StatusServiceUnavailable)
		if got := d.ask(host, uri); got.Received.Get("Retry-After") != "5" {
			t.Errorf("%s: %d with %v", uri, got.Status, got.Received)
		}
	}
	others()
	for _, p := range []*pod{pods[0], pods[2], pods[3]} {
		d.apply(p.ready(false))
	}
	for _, name := range names {
		d.answers(host, "/ws/"+names.like("k", name), http.StatusServiceUnavailable)
	}
	if got := d.ask(host, "/ws/x"); got.Received.Get("Retry-After") != "5" {
		t.Errorf("nobody is there: %d with %v", got.Status, got.Received)
	}
	for _, p := range []*pod{pods[0], pods[2], pods[3]} {
		d.apply(p.ready(true))
		d.serves(host, "/ws/"+names.like("k", p.Name), p.Name)
	}
	again := newPod(t, "shop", names[1], at("/ws").by("segment:1").with("overrides", "rules"))
	d.apply(again)
	for _, uri := range own {
		d.serves(host, uri, names[1])
	}
	if pods[1].hits.Load() == 0 || again.hits.Load() == 0 {
		t.Error("the Pod's server was never asked")
	}
	others()
}

// TestKeyNext: HX12. With whenDown "next" the keys of a Pod that is down, and only
// these, go to others until it is back.
func TestKeyNext(t *testing.T) {
	t.Parallel()
	pods, names := rooms(t, func(e entry) entry { return e.with("whenDown", "next") })
	d := start(t, objects(pods, namespace("shop", "www.example.com"))...)
	keys := map[string]string{} // key → Pod
	for i := range 200 {
		key := fmt.Sprint("k", i)
		keys[key] = names.of(key)
	}
	mine := "/ws/" + names.like("k", names[1])
	d.apply(pods[1].ready(false))
	d.eventually("another Pod answers", func() bool { got := d.try("www.example.com", mine); return got.Pod != "" && got.Pod != names[1] })
	d.settle()
	next := map[string]int{}
	for key, name := range keys {
		got := d.ask("www.example.com", "/ws/"+key)
		if name == names[1] {
			next[got.Pod]++
			name = got.Pod
		}
		if got.Status != http.StatusOK || got.Pod != name || got.Pod == names[1] {
			t.Errorf("%s of %s is answered by %s, status %d", key, keys[key], got.Pod, got.Status)
		}
	}
	if len(next) != 3 {
		t.Errorf("the keys of the Pod that is down go to %v", next)
	}
	d.apply(pods[1].ready(true))
	d.serves("www.example.com", mine, names[1])
	for key, name := range keys {
		if got := d.ask("www.example.com", "/ws/"+key); got.Pod != name {
			t.Errorf("%s of %s is answered by %s after all", key, name, got.Pod)
		}
	}
}

// TestKeyWebSocket: HF1, HX3, HX4, HX5. A WebSocket is opened at the Pod of its key, and
// carries bytes of any size untouched; a key of a Pod that is down gets no WebSocket
// that is closed at once, but an answer.
func TestKeyWebSocket(t *testing.T) {
	t.Parallel()
	pods, names := rooms(t)
	key := names.like("room", names[2])
	for _, p := range pods {
		p.on("/ws/"+key, chat)
	}
	d := start(t, objects(pods, namespace("shop", "www.example.com"))...)
	for range 2 {
		c := d.socket("ws://www.example.com/ws/" + key + "?token=x")
		for _, text := range []string{"hello", strings.Repeat("x", 30_000)} {
			if err := echoes(c, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, p := range pods {
		if n := p.hits.Load(); (n == 2) != (i == 2) {
			t.Errorf("%s has had %d WebSockets", p.Name, n)
		}
	}
	upgrade := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	d.apply(pods[2].ready(false))
	d.eventually("the Pod's keys wait", func() bool {
		return d.send(get("www.example.com", "/ws/"+key, upgrade...)).Status == http.StatusServiceUnavailable
	})
}

// TestKeyAgain: HX12, DX4. A Pod dies with requests in flight, and is back at another
// address: those that may be repeated begin anew there, not at a Pod of other keys.
func TestKeyAgain(t *testing.T) {
	t.Parallel()
	d := prepareDynamic(t)
	pods, names := rooms(t, func(e entry) entry { return e.with("readTimeout", "1m").with("targetPath", "/up") })
	uri := "/ws/" + names.like("k", names[1]) + "/a%2Fb?x=%20&y"
	g := newGate()
	for _, p := range pods {
		p.on("/up/"+strings.TrimPrefix(strings.SplitN(uri, "/a%2F", 2)[0], "/ws/")+"/a/b", g.hold(p.backend))
	}
	d.apply(objects(pods, namespace("shop", "www.example.com"))...)
	d.runDynamic()
	d.listens(len(names))
	result := make(chan answer, 1)
	go func() { result <- d.try("www.example.com", uri) }()
	select {
	case <-g.reached:
	case <-time.After(patience):
		t.Fatal("no request reaches the Pod")
	}
	again := newPod(t, "shop", names[1], at("/ws").by("segment:1").with("readTimeout", "1m").with("targetPath", "/up"))
	d.apply(again)
	d.eventually("nginx has the new address", func() bool {
		d.try("www.example.com", "/ws/"+names.like("k", names[1]))
		return again.hits.Load() > 0
	})
	_ = pods[1].server.Close()
	got := <-result
	if want := strings.Replace(uri, "/ws/", "/up/", 1); got.Status != http.StatusOK || got.Pod != names[1] || got.URI != want {
		t.Errorf("status %d, %v from %s, URI %s, want %s", got.Status, got.Err, got.Pod, got.URI, want)
	}
}

// TestManyOverrides: HF3, DX21. As many overrides as there may be, with the longest
// keys, are in force soon, and keep nobody else from being served.
func TestManyOverrides(t *testing.T) {
	t.Parallel()
	const many = 10000
	pods, names := rooms(t, func(e entry) entry { return e.with("overrides", "rules") })
	d := prepare(t)
	d.apply(objects(pods, namespace("shop", "www.example.com"))...)
	d.run()
	rules := configMap("rules", map[string]string{})
	key := func(i int) string {
		k := fmt.Sprintf("%05d", i)
		return strings.Repeat("Room-", 60)[:253-len(k)] + k
	}
	for i := range many {
		rules.Data[key(i)] = names[i%len(names)]
	}
	began := time.Now()
	d.apply(rules)
	written := time.Since(began)
	probe := 0
	for names.of(key(probe)) == names[probe%len(names)] {
		probe++
	}
	d.serves("www.example.com", "/ws/"+key(probe), names[probe%len(names)])
	t.Logf("%d overrides: written after %v, in force after %v", many, written, time.Since(began))
	for i := 0; i < many; i += 97 {
		if got := d.ask("www.example.com", "/ws/"+key(i)); got.Pod != names[i%len(names)] {
			t.Errorf("key %d is answered by %s, status %d", i, got.Pod, got.Status)
		}
		if k := strings.ToLower(key(i)); d.ask("www.example.com", "/ws/"+k).Pod != names.of(k) {
			t.Errorf("key %d in lower case is not answered by its own Pod", i)
		}
	}
}

// TestNobodyThere: KX4, KX5. Where one Pod gets all requests and there is none, clients
// are told when to come back, also if no Pod has ever served; then all go to one.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	one := func() entry { return at("/app").with("policy", "one") }
	a, b := newPod(t, "shop", "a", one()).ready(false), newPod(t, "shop", "b", one()).ready(false)
	d := start(t, namespace("shop", "www.example.com"), a, b)
	for _, uri := range []string{"/app", "/app/x"} {
		if got := d.ask("www.example.com", uri); got.Status != http.StatusServiceUnavailable || got.Received.Get("Retry-After") != "5" {
			t.Errorf("%s: %d with %v", uri, got.Status, got.Received)
		}
	}
	d.apply(a.readySince(1))
	d.serves("www.example.com", "/app", "a")
	d.apply(b.readySince(2))
	d.apply(a.unready())
	d.serves("www.example.com", "/app", "b")
	d.apply(a.readySince(3))
	if got := d.pods(20, "www.example.com", "/app"); got["b"] != 20 {
		t.Errorf("answered by %v", got)
	}
}
