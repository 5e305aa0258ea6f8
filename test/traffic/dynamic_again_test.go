package traffic

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// dying is a Pod on which requests are held until it dies, among others that stay.
type dying struct {
	*pod
	d    *dispatcher
	gate *gate
}

// hold holds requests of a path.
func (p *dying) hold(uri string) {
	p.d.t.Helper()
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		p.d.t.Fatal(err)
	}
	p.on(u.Path, p.gate.hold(p.backend))
}

// catch sends a request until the dying Pod has it, and gives what comes of it.
func (p *dying) catch(send func() answer) <-chan answer {
	p.d.t.Helper()
	for deadline := time.After(patience); ; {
		result := make(chan answer, 1)
		go func() { result <- send() }()
		select {
		case <-p.gate.reached:
			return result
		case got := <-result: // another Pod's
			if got.Status == 0 || got.Status >= http.StatusBadRequest {
				p.d.t.Fatalf("status %d, %v: %s", got.Status, got.Err, got.Text)
			}
		case <-deadline:
			p.d.t.Fatal("no request reaches the Pod that is to die")
		}
	}
}

// die ends the Pod with all that it does, after nginx has got another Pod: that is
// when nginx itself gives up.
func (p *dying) die(another *pod, host, path string, headers ...string) {
	p.d.t.Helper()
	check := p.d.unreloaded()
	p.d.listens(1)
	p.d.apply(another.ready(true))
	p.d.eventually("the other Pod answers", func() bool { return p.d.try(host, path, headers...).Pod == another.Name })
	_ = p.server.Close()
	check()
}

// raw is the text of a request.
func raw(method, host, uri string, headers ...string) string {
	return method + strings.TrimPrefix(get(host, uri, append([]string{"Connection: close"}, headers...)...), "GET")
}

// TestDynamicAgain: DF22, DX4. A Pod dies with requests in flight while endpoints
// change: those that may be repeated are answered by another Pod, as if nothing had
// happened, byte for byte.
func TestDynamicAgain(t *testing.T) {
	t.Parallel()
	paths := func() []entry {
		return []entry{at("/app"), at("/from").to("/to"), {"basePath": "/exact", "match": "exact"},
			{"basePath": "/moved", "match": "exact", "targetPath": "/elsewhere"}, at("/").to("/root")}
	}
	d := prepareDynamic(t)
	stays, comes := newPod(t, "shop", "stays", paths()...), newPod(t, "shop", "comes", paths()...)
	dies := dying{newPod(t, "shop", "dies", paths()...), d, newGate()}
	d.apply(namespace("shop", "www.example.com", "*.example.org"), secret("shop", "routing", "api-key", "supersecret"),
		stays, comes.ready(false), dies.ready(false))
	d.runDynamic()
	requests := []struct{ method, host, uri, want string }{
		{"GET", "www.example.com", "/app/a%2Fb//c;d=1?q=%20&r=a+b&&s", "/app/a%2Fb//c;d=1?q=%20&r=a+b&&s"},
		{"GET", "www.example.com", "/app?x=1", "/app?x=1"},
		{"GET", "www.example.com", "/app/?", "/app/?"},
		{"GET", "www.example.com", "/from/x%20y%2f/?z=%2F&z", "/to/x%20y%2f/?z=%2F&z"},
		{"GET", "www.example.com", "/from?$args=$uri", "/to?$args=$uri"},
		{"GET", "www.example.com", "/from", "/to"},
		{"GET", "www.example.com", "/exact?y=1", "/exact?y=1"},
		{"GET", "www.example.com", "/moved?y=%20", "/elsewhere?y=%20"},
		{"GET", "www.example.com", "/x/%C3%A4?y", "/root/x/%C3%A4?y"},
		{"GET", "shop.example.org", "/app/wild?y", "/app/wild?y"},
		{"OPTIONS", "www.example.com", "/app/options", "/app/options"},
		{"HEAD", "www.example.com", "/app/head", "/app/head"},
	}
	texts, ordinary := make([]string, len(requests)), make([]answer, len(requests))
	for i, r := range requests {
		texts[i] = raw(r.method, r.host, r.uri, key("supersecret"), "X-Mine: yes", "Cookie: a=b")
		if r.method == http.MethodHead {
			dies.hold(r.want)
			continue // an answer without a body can't be compared
		}
		if ordinary[i] = d.send(texts[i]); ordinary[i].URI != r.want {
			t.Fatalf("%s %s arrives as %q, status %d", r.method, r.uri, ordinary[i].URI, ordinary[i].Status)
		}
		dies.hold(r.want)
	}
	d.apply(dies.ready(true))
	results := make([]<-chan answer, len(requests))
	for i := range requests {
		results[i] = dies.catch(func() answer { return d.send(texts[i]) })
	}
	// A WebSocket that is just being opened is one of them.
	dies.hold("/app/chat")
	for _, p := range []*pod{stays, comes} {
		p.on("/app/chat", chat)
	}
	opened := dies.catch(func() answer {
		return d.send(get("www.example.com", "/app/chat", key("supersecret"), "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
	})
	dies.die(comes, "www.example.com", "/app/probe", key("supersecret"))
	if got := <-opened; got.Status != http.StatusSwitchingProtocols {
		t.Errorf("a WebSocket: status %d, %v", got.Status, got.Err)
	}
	for i, r := range requests {
		got, want := <-results[i], ordinary[i]
		if got.Status != http.StatusOK {
			t.Errorf("%s %s%s: status %d, %v", r.method, r.host, r.uri, got.Status, got.Err)
			continue
		}
		if r.method == "HEAD" {
			continue // answered, and nothing is to be seen
		}
		for _, a := range []answer{got, want} {
			delete(a.Sent, "X-Request-Id")
		}
		got.Pod = want.Pod
		if toJSON(got.echo) != toJSON(want.echo) {
			t.Errorf("%s %s%s: repeated as\n%s, was\n%s", r.method, r.host, r.uri, toJSON(got.echo), toJSON(want.echo))
		}
	}
}

// TestDynamicOnce: DF22. What a Pod may have acted on before it died is not sent to
// another one: a request with a body, or one that changes something.
func TestDynamicOnce(t *testing.T) {
	t.Parallel()
	const uri = "/app/once"
	d := prepareTLS(t)
	if d.nginxVersion() < 1_027_003 {
		prepareDynamic(t) // skips
	}
	stays, comes := newPod(t, "shop", "stays", at("/app")), newPod(t, "shop", "comes", at("/app"))
	dies := dying{newPod(t, "shop", "dies", at("/app")), d, newGate()}
	dies.hold(uri)
	var elsewhere atomic.Int64
	for _, p := range []*pod{stays, comes} {
		p.on(uri, func(w http.ResponseWriter, r *http.Request) {
			elsewhere.Add(1)
			p.echo(w, r)
		})
	}
	d.apply(hosts(namespace("shop"), map[string]option{"secure.dev": overTLS(), "plain.dev": {}}), d.certified("shop", "secure.dev"), stays, comes.ready(false), dies)
	d.runDynamic()
	secure := d.web(d.wary(), 2)
	over2 := func(body io.Reader) answer {
		r, err := http.NewRequest(http.MethodGet, "https://secure.dev"+uri, body)
		if err != nil {
			return answer{Err: err}
		}
		return read(secure.Do(r))
	}
	requests := map[string]func() answer{
		"POST":                func() answer { return d.send(raw("POST", "plain.dev", uri, "Content-Length: 5") + "hello") },
		"POST without a body": func() answer { return d.send(raw("POST", "plain.dev", uri, "Content-Length: 0")) },
		"PATCH":               func() answer { return d.send(raw("PATCH", "plain.dev", uri, "Content-Length: 5") + "hello") },
		"PUT":                 func() answer { return d.send(raw("PUT", "plain.dev", uri, "Content-Length: 5") + "hello") },
		"DELETE":              func() answer { return d.send(raw("DELETE", "plain.dev", uri)) },
		"GET with a body":     func() answer { return d.send(raw("GET", "plain.dev", uri, "Content-Length: 5") + "hello") },
		"GET with a body in chunks": func() answer {
			return d.send(raw("GET", "plain.dev", uri, "Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n")
		},
		"GET with a body over HTTP/2": func() answer { return over2(strings.NewReader("hello")) }, // which tells its length
	}
	results := map[string]<-chan answer{}
	for name, send := range requests {
		results[name] = dies.catch(send)
	}
	plain := dies.catch(func() answer { return over2(nil) })
	before := elsewhere.Load()
	dies.die(comes, "plain.dev", "/app/probe")
	if got := <-plain; got.Status != http.StatusOK {
		t.Errorf("GET over HTTP/2: status %d, %v", got.Status, got.Err)
	}
	for name, result := range results {
		if got := <-result; got.Status != http.StatusBadGateway {
			t.Errorf("%s: status %d, %v: %s", name, got.Status, got.Err, got.Text)
		}
	}
	if n := elsewhere.Load() - before; n != 1 {
		t.Errorf("%d requests were sent to another Pod, too, want 1", n)
	}
}
