package traffic

import (
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestForwardedHeaders: DX23. The Pod is told of the client; what a client
// claims itself is replaced.
func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/"), at("/foo").to("/bar"))
	d := start(t, namespace("shop", "www.example.com"), web)
	_, port, _ := net.SplitHostPort(d.addr)
	lies := []string{
		"X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.com", "X-Forwarded-Port: 1", "X-Real-IP: 6.6.6.6",
		"X-Request-ID: 666", "Forwarded: for=6.6.6.6", "Proxy: http://evil.com", "X_Forwarded_For: 6.6.6.6",
	}
	ids := map[string]bool{}
	for _, headers := range [][]string{nil, lies} {
		for _, uri := range []string{"/", "/foo/1"} {
			sent := d.ask("www.EXAMPLE.com:1234", uri, headers...)
			for name, want := range map[string]string{
				"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "www.example.com",
				"X-Forwarded-Port": port, "Forwarded": "", "Proxy": "", "X_Forwarded_For": "", "Connection": "", "Upgrade": "",
			} {
				if got := strings.Join(sent.Sent[name], "|"); got != want {
					t.Errorf("%s: %s is %q, want %q", uri, name, got, want)
				}
			}
			if sent.Host != "www.example.com" || sent.Proto != "HTTP/1.1" {
				t.Errorf("%s: Host %q, %s", uri, sent.Host, sent.Proto)
			}
			id := sent.Sent.Get("X-Request-Id")
			if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || ids[id] {
				t.Errorf("%s: X-Request-Id is %q, ids so far %v", uri, id, ids)
			}
			ids[id] = true
		}
	}
}

// TestAPIKeyStaysHere: DX25. The header of the API key does not reach a Pod,
// also under the name that the operator has given it.
func TestAPIKeyStaysHere(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/"))
	for header, flags := range map[string][]string{"X-Routing-Api-Key": nil, "X-Door": {"--api-key-header=X-DOOR"}} {
		d := prepare(t)
		d.apply(namespace("shop", "www.example.com"), web)
		d.run(flags...)
		got := d.ask("www.example.com", "/", header+": c2VjcmV0", "X-Other: stays")
		if got.Pod != "web" || got.Sent.Get("X-Other") != "stays" || got.Sent.Get(header) != "" {
			t.Errorf("%s: the Pod got %v", header, got.Sent)
		}
	}
}

// TestTrustedProxies: DX23. What a trusted proxy says of the client is believed.
func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/")))
	d.run("--trusted-proxies=127.0.0.0/8,10.0.0.0/8")
	_, port, _ := net.SplitHostPort(d.addr)
	for name, c := range map[string]struct {
		headers []string
		want    map[string]string
	}{
		"told": {
			[]string{"X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.1.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example.com", "X-Forwarded-Port: 443", "X-Request-ID: from-edge-1"},
			map[string]string{
				"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.1.1.1, 127.0.0.1", "X-Real-Ip": "203.0.113.9", "X-Forwarded-Proto": "https",
				"X-Forwarded-Host": "shop.example.com", "X-Forwarded-Port": "443", "X-Request-Id": "from-edge-1",
			},
		},
		"silent": {
			nil,
			map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "www.example.com", "X-Forwarded-Port": port},
		},
		"nonsense": {
			[]string{"X-Forwarded-Proto: gopher"},
			map[string]string{"X-Forwarded-Proto": "http"},
		},
	} {
		got := d.ask("www.example.com", "/", c.headers...)
		for header, want := range c.want {
			if is := strings.Join(got.Sent[header], "|"); is != want {
				t.Errorf("%s: %s is %q, want %q", name, header, is, want)
			}
		}
		if got.Sent.Get("X-Request-Id") == "" || got.Host != "www.example.com" {
			t.Errorf("%s: Host %q, X-Request-Id %q", name, got.Host, got.Sent.Get("X-Request-Id"))
		}
	}
}

// TestUntrustedProxy: DX23. With TRUSTED_PROXIES set, other clients still are
// not believed.
func TestUntrustedProxy(t *testing.T) {
	t.Parallel()
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/")))
	d.run("--trusted-proxies=192.0.2.0/24")
	got := d.ask("www.example.com", "/", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.com", "X-Request-ID: 666", "X-Forwarded-Port: 1")
	for name, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "www.example.com"} {
		if is := strings.Join(got.Sent[name], "|"); is != want {
			t.Errorf("%s is %q, want %q", name, is, want)
		}
	}
	if id := got.Sent.Get("X-Request-Id"); id == "666" || id == "" {
		t.Errorf("X-Request-Id is %q", id)
	}
}

// TestMatchedHost: DX24. The Pod sees the host that its route was found by.
func TestMatchedHost(t *testing.T) {
	t.Parallel()
	d := start(t, namespace("shop", "a.com"), newPod(t, "shop", "a", at("/")), namespace("evil", "evil.com"), newPod(t, "evil", "evil", at("/")))
	got := d.send("GET http://a.com/x HTTP/1.1\r\nHost: evil.com\r\nConnection: close\r\n\r\n")
	if got.Pod != "a" || got.Host != "a.com" || got.URI != "/x" || got.Sent.Get("X-Forwarded-Host") != "a.com" {
		t.Errorf("absolute form: %+v", got)
	}
	if got := d.send("GET / HTTP/1.1\r\nHost: a.com\r\nHost: evil.com\r\nConnection: close\r\n\r\n"); got.Status != http.StatusBadRequest {
		t.Errorf("two Hosts: status %d, want 400", got.Status)
	}
	if got := d.send("GET / HTTP/1.0\r\n\r\n"); !got.closed() {
		t.Errorf("HTTP/1.0 without Host: status %d, want a closed connection", got.Status)
	}
	if got := d.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"); got.Status != http.StatusBadRequest {
		t.Errorf("HTTP/1.1 without Host: status %d, want 400", got.Status)
	}
	if got := d.send("GET /old HTTP/1.0\r\nHost: a.com\r\n\r\n"); got.Pod != "a" || got.Proto != "HTTP/1.1" {
		t.Errorf("HTTP/1.0 with Host: %+v", got)
	}
}

// TestPodDoesNotSteer: a Pod's X-Accel headers, redirects and errors are passed
// on as they are; none makes nginx go elsewhere.
func TestPodDoesNotSteer(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/web"))
	other := newPod(t, "shop", "other", at("/other"))
	web.on("/web/accel", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Accel-Redirect", "/other")
		w.Header().Set("X-Accel-Limit-Rate", "1")
		_, _ = w.Write([]byte("mine"))
	})
	web.on("/web/moved", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://www.example.com/elsewhere")
		w.WriteHeader(http.StatusFound)
	})
	web.on("/web/broken", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "my own words", http.StatusBadGateway) })
	web.on("/web/hangup", hangUp)
	d := start(t, namespace("shop", "www.example.com"), web, other)
	if got := d.ask("www.example.com", "/web/accel"); got.Text != "mine" || other.hits.Load() != 0 {
		t.Errorf("X-Accel-Redirect: %+v", got)
	}
	if got := d.ask("www.example.com", "/web/moved"); got.Status != http.StatusFound || got.Received.Get("Location") != "http://www.example.com/elsewhere" {
		t.Errorf("redirect: %+v", got)
	}
	if got := d.ask("www.example.com", "/web/broken"); got.Status != http.StatusBadGateway || got.Text != "my own words\n" {
		t.Errorf("error: %+v", got)
	}
	got := d.ask("www.example.com", "/web/hangup")
	if got.Status != http.StatusBadGateway || strings.Contains(got.Text, "nginx/") || strings.Contains(got.Received.Get("Server"), "/") {
		t.Errorf("no answer: %+v", got)
	}
}

// TestNextPod: a request that may be repeated is tried on another Pod if one
// does not answer; one that may not is never sent twice.
func TestNextPod(t *testing.T) {
	t.Parallel()
	var pods [3]*pod
	for i, name := range []string{"dead", "dying", "alive"} {
		pods[i] = newPod(t, "shop", name, at("/get"), at("/post"))
	}
	dead, dying, alive := pods[0], pods[1], pods[2]
	_ = dead.server.Close()
	dying.on("/get", hangUp)
	dying.on("/post", hangUp)
	d := start(t, namespace("shop", "www.example.com"), dead, dying, alive)
	const times = 20
	if got := d.pods(times, "www.example.com", "/get"); got["alive"] != times || dying.hits.Swap(0) == 0 {
		t.Errorf("GET: %v", got)
	}
	alive.hits.Store(0)
	for range times {
		d.send("POST /post HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
	}
	if failed, done := dying.hits.Load(), alive.hits.Load(); failed+done != times || failed == 0 {
		t.Errorf("%d POST requests reached the dying Pod %d times and the other one %d times", times, failed, done)
	}
}
