package traffic

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestTLSRedirect: DF20, DX36. Plain HTTP requests of a TLS host never reach a
// Pod: they are sent to the same URI over TLS, or closed.
func TestTLSRedirect(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	web := newPod(t, "shop", "web", at("/"))
	ns := hosts(namespace("shop"), map[string]option{"secure.dev": overTLS(), "closed.dev": overTLS().redirect(false), "open.dev": overTLS().redirect(true)})
	d.apply(ns, d.certified("shop", "secure.dev", "closed.dev", "open.dev"), web)
	d.run()
	requests := map[string]struct{ line, host, location string }{
		"as it is":           {"GET /app/a%2Fb%20c?x=%20&y=1&y= HTTP/1.1", "secure.dev", "/app/a%2Fb%20c?x=%20&y=1&y="},
		"not normalised":     {"GET /a//b/./%2e%2E/c HTTP/1.1", "secure.dev", "/a//b/./%2e%2E/c"},
		"encoded line break": {"GET /a%0d%0aSet-Cookie:%20x?%0d%0a HTTP/1.1", "secure.dev", "/a%0d%0aSet-Cookie:%20x?%0d%0a"},
		"two slashes":        {"GET //evil.com/ HTTP/1.1", "secure.dev", "//evil.com/"},
		"absolute":           {"GET http://secure.dev/app?x HTTP/1.1", "other.dev", "/app?x"},
		"absolute, a port":   {"GET http://secure.dev:80/app HTTP/1.1", "other.dev", "/app"},
		"port":               {"GET /app HTTP/1.1", "secure.dev:8080", "/app"},
		"upper case":         {"GET /App HTTP/1.1", "SECURE.Dev", "/App"},
		"trailing dot":       {"GET /app HTTP/1.1", "secure.dev.", "/app"},
		"POST":               {"POST /app HTTP/1.1", "secure.dev", "/app"},
		"HTTP/1.0":           {"GET /app HTTP/1.0", "secure.dev", "/app"},
		"status path":        {"GET /dispatcher/status HTTP/1.1", "secure.dev", "/dispatcher/status"},
		"forwarded":          {"GET /app HTTP/1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.com", "secure.dev", "/app"},
	}
	for name, r := range requests {
		raw := r.line + "\r\nHost: " + r.host + "\r\nConnection: close\r\n\r\n"
		got := d.send(raw)
		if want := "https://secure.dev:" + d.securePort() + r.location; got.Status != http.StatusPermanentRedirect || got.Received.Get("Location") != want {
			t.Errorf("%s: status %d, Location %q, want %q; %v", name, got.Status, got.Received.Get("Location"), want, got.Err)
		}
		if len(got.Received["Set-Cookie"]) > 0 || len(got.Received["Strict-Transport-Security"]) > 0 {
			t.Errorf("%s: header %v", name, got.Received)
		}
		if got := d.send(strings.ReplaceAll(raw, "secure", "closed")); r.host != "SECURE.Dev" && !got.closed() {
			t.Errorf("%s: the host without redirects answers %d, %v", name, got.Status, got.Err)
		}
	}
	if n := web.hits.Load(); n != 0 {
		t.Errorf("%d requests on plain HTTP have reached the Pod", n)
	}
	// A client that follows comes to the Pod, with its method and body.
	client := d.web(d.wary(), 1)
	client.CheckRedirect = nil
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasSuffix(address, ":"+d.securePort()) {
			return new(net.Dialer).DialContext(ctx, network, d.secure)
		}
		return new(net.Dialer).DialContext(ctx, network, d.addr)
	}
	if got := read(client.Post("http://secure.dev/app?x", "text/plain", strings.NewReader("body"))); got.Pod != "web" || got.Method != http.MethodPost || got.Size != 4 || got.URI != "/app?x" {
		t.Errorf("followed: %+v", got)
	}
	for _, host := range []string{"secure.dev", "closed.dev", "open.dev"} {
		if got := d.tryTLS(host, "/app"); got.Pod != "web" {
			t.Errorf("%s over TLS: %+v", host, got)
		}
	}
}

// TestTLSSettings: DF20. SSL_REDIRECT is for hosts that say nothing; HSTS is told
// over TLS alone, instead of what Pods say.
func TestTLSSettings(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	d.env = append(d.env, "SSL_REDIRECT=false", "HSTS=300")
	web := newPod(t, "shop", "web", at("/"))
	web.on("/own", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=1; includeSubDomains")
	})
	ns := hosts(namespace("shop"), map[string]option{"silent.dev": overTLS(), "open.dev": overTLS().redirect(true), "closed.dev": overTLS().redirect(false), "plain.dev": {}})
	d.apply(ns, d.certified("shop", "silent.dev", "open.dev", "closed.dev"), web)
	d.run()
	for host, status := range map[string]int{"silent.dev": 0, "open.dev": http.StatusPermanentRedirect, "closed.dev": 0, "plain.dev": http.StatusOK} {
		got := d.try(host, "/")
		if got.Status != status || status == 0 && !got.closed() {
			t.Errorf("%s on plain HTTP: status %d, want %d; %v", host, got.Status, status, got.Err)
		}
		if h := got.Received["Strict-Transport-Security"]; len(h) > 0 {
			t.Errorf("%s on plain HTTP: %q", host, h)
		}
		if status == http.StatusOK {
			continue
		}
		for _, uri := range []string{"/", "/own"} {
			got := d.tryTLS(host, uri)
			if h := strings.Join(got.Received["Strict-Transport-Security"], "|"); got.Status != http.StatusOK || h != "max-age=300" {
				t.Errorf("%s%s over TLS: status %d, %q", host, uri, got.Status, h)
			}
		}
	}
	if got := d.tryTLS("unknown.dev", "/dispatcher/status"); got.Status != http.StatusOK || len(got.Received["Strict-Transport-Security"]) > 0 {
		t.Errorf("the status path: %d, %v", got.Status, got.Received)
	}
	if got := d.try("plain.dev", "/own"); got.Received.Get("Strict-Transport-Security") != "max-age=1; includeSubDomains" {
		t.Errorf("what a Pod of a plain host says: %v", got.Received)
	}
}

// TestTLSWildcard: DF20, DX36. Over TLS a wildcard host stands for one label, and
// never for a host that another Namespace has, without TLS or with TLS that can't
// be given.
func TestTLSWildcard(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	wild, plain := newPod(t, "a", "wild", at("/")), newPod(t, "b", "plain", at("/"))
	d.apply(created(hosts(namespace("a"), map[string]option{"*.secure.dev": overTLS()}), 1), d.certified("a", "*.secure.dev"), wild,
		created(hosts(namespace("b"), map[string]option{"plain.secure.dev": {}, "broken.secure.dev": overTLS()}), 2), plain)
	d.run()
	client := d.web(d.wary(), 2)
	if got := fetch(client, "https://x.secure.dev/y", ""); got.Pod != "wild" {
		t.Errorf("one label: %+v", got)
	}
	if got := d.try("x.secure.dev", "/y"); got.Received.Get("Location") != "https://x.secure.dev:"+d.securePort()+"/y" {
		t.Errorf("one label on plain HTTP: %+v", got)
	}
	if got := d.ask("plain.secure.dev", "/"); got.Pod != "plain" {
		t.Errorf("the other Namespace's host on plain HTTP: %+v", got)
	}
	before := wild.hits.Load() + plain.hits.Load()
	for _, host := range []string{"a.b.secure.dev", "secure.dev", ".secure.dev", "x.other.dev", "broken.secure.dev"} {
		if got := d.try(host, "/"); !got.closed() && got.Status != http.StatusBadRequest {
			t.Errorf("%s on plain HTTP: %+v", host, got)
		}
	}
	for _, host := range []string{"a.b.secure.dev", "secure.dev", "broken.secure.dev", "plain.secure.dev"} {
		for _, sni := range []string{host, "x.secure.dev", "unknown.dev", ""} {
			got := d.sendTLS(hello(sni), get(host, "/"))
			rejected := got.Leaf == nil && got.Err != nil && strings.Contains(got.Err.Error(), "unrecognized name")
			if wantRejected := sni == "broken.secure.dev" || sni == "plain.secure.dev"; rejected != wantRejected || !rejected && !got.closed() {
				t.Errorf("%s over TLS, with the name %q: status %d, %v", host, sni, got.Status, got.Err)
			}
		}
	}
	if n := wild.hits.Load() + plain.hits.Load() - before; n != 0 {
		t.Errorf("%d requests have reached a Pod", n)
	}
}

// TestTLSOfSharedHost: DX14, DX36. The oldest Namespace of a host decides on its
// TLS; nobody's paths are served with less than their Namespace asks for, however
// the Namespaces come and go.
func TestTLSOfSharedHost(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	a, b := newPod(t, "a", "a", at("/a")), newPod(t, "b", "b", at("/b"))
	older := created(hosts(namespace("a"), map[string]option{"tls.dev": overTLS(), "plain.dev": {}}), 1)
	younger := created(hosts(namespace("b"), map[string]option{"tls.dev": {}, "plain.dev": overTLS()}), 2)
	own := d.certified("a", "tls.dev")
	d.apply(older, younger, own, d.certified("b", "tls.dev", "plain.dev"), a, b)
	d.run()
	check := func(what string) {
		t.Helper()
		for _, uri := range []string{"/a", "/b"} {
			if got := d.tryTLS("tls.dev", uri); got.Pod != uri[1:] || !got.Leaf.Equal(leaf(t, string(own.Data["ssl.crt"]))) {
				t.Errorf("%s: tls.dev%s over TLS: %+v", what, uri, got)
			}
			if got := d.ask("tls.dev", uri); got.Status != http.StatusPermanentRedirect {
				t.Errorf("%s: tls.dev%s on plain HTTP: status %d", what, uri, got.Status)
			}
		}
		if got := d.ask("plain.dev", "/a"); got.Pod != "a" {
			t.Errorf("%s: plain.dev/a: %+v", what, got)
		}
		if got := d.ask("plain.dev", "/b"); got.Status != http.StatusNotFound {
			t.Errorf("%s: plain.dev/b, whose Namespace asks for TLS, answers %d", what, got.Status)
		}
		if wrong := unserved(d.tryTLS("plain.dev", "/a")); wrong != "" {
			t.Errorf("%s: plain.dev over TLS: %s", what, wrong)
		}
	}
	check("at first")
	d.remove(own)
	d.answers("tls.dev", "/a", 0)
	for _, uri := range []string{"/a", "/b"} {
		if wrong := d.neither("tls.dev", uri); wrong != "" {
			t.Errorf("the owner's Secret is gone: %s: %s", uri, wrong)
		}
	}
	d.apply(own)
	d.servesTLS("tls.dev", "/a", "a")
	check("with the Secret again")
	d.remove(older)
	d.servesTLS("plain.dev", "/b", "b")
	if got := d.ask("tls.dev", "/b"); got.Pod != "b" {
		t.Errorf("without the older Namespace: %+v", got)
	}
	d.apply(older)
	d.servesTLS("tls.dev", "/a", "a")
	check("with the older Namespace again")
}
