package traffic

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	corev1 "k8s.io/api/core/v1"

	"github.com/30x/dispatcher/internal/pki"
)

// door is a port at which a Pod speaks TLS, and the names by which it was called.
type door struct {
	port  int
	mu    sync.Mutex
	calls []string
}

// secure has a backend speak TLS at one more port.
func (b *backend) secure(t testing.TB, certificate tls.Certificate) *door {
	t.Helper()
	listener, err := net.Listen("tcp", b.ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{port: listener.Addr().(*net.TCPAddr).Port}
	config := &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.calls = append(d.calls, hello.ServerName)
		return &certificate, nil
	}}
	go func() { _ = b.server.Serve(tls.NewListener(listener, config)) }() // newBackend closes it
	return d
}

// called gives the names since it was last asked.
func (d *door) called() (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names, d.calls = d.calls, nil
	return names
}

// opens declares ports of a Pod.
func (p *pod) opens(ports ...int) *pod {
	for _, port := range ports {
		p.Spec.Containers[0].Ports = append(p.Spec.Containers[0].Ports, corev1.ContainerPort{ContainerPort: int32(port)})
	}
	return p
}

// https makes a path one that is served by TLS at a port, by a host unless that is "".
func (e entry) https(port int, host string) entry {
	e["backendProtocol"], e["containerPort"] = "https", port
	if host != "" {
		e["backendHost"] = host
	}
	return e
}

// trusting writes the file of authorities.
func (d *dispatcher) trusting(ca *pki.Authority) {
	d.t.Helper()
	if err := os.WriteFile(d.beside("backends.crt"), []byte(pki.NewAuthority(d.t, "another").PEM()+ca.PEM()), 0o644); err != nil {
		d.t.Fatal(err)
	}
	d.env = append(d.env, "BACKEND_CA="+d.beside("backends.crt"))
}

// forged are headers that no Pod may see.
func forged() []string {
	return []string{key("supersecret"), "X-SSL-Client-Subject: mallory", "X-SSL-Client-Issuer: mallory", "X-SSL-Client-Fingerprint: mallory", "X-SSL-Client-Verify: SUCCESS"}
}

// secretsIn gives the headers that a Pod has seen and may not.
func secretsIn(a answer) (seen string) {
	for name, values := range a.Sent {
		if name = strings.ToLower(name); strings.Contains(name, "ssl") || strings.Contains(name, "api-key") {
			seen += name + ": " + strings.Join(values, ",") + "; "
		}
	}
	return seen
}

// TestBackendTLS: EX8, DX22. Pods that are asked over https are called by the name that is
// chosen, and are sent nothing unless they show a certificate for it by an authority that
// is trusted.
func TestBackendTLS(t *testing.T) {
	t.Parallel()
	d, ca, stranger := prepare(t), pki.NewAuthority(t, "backends"), pki.NewAuthority(t, "backends")
	d.trusting(ca)
	certified := func(by *pki.Authority, hosts string, options ...pki.Option) tls.Certificate {
		chain, key := by.Server(t, strings.Fields(hosts), options...)
		return pair(t, chain, key)
	}
	const both = "www.example.com web.internal"
	middle := ca.Intermediate(t, "middle")
	own, selfKey := pki.SelfSigned(t, "www.example.com")
	web := newPod(t, "shop", "web")
	good := web.secure(t, certified(middle, both))
	entries := []entry{
		at("/own").https(good.port, ""), at("/named").https(good.port, "web.internal"), at("/from").to("/to").https(good.port, ""),
		at("/keyed").by("arg:k").https(good.port, "web.internal"), at("/host").by("host").to("/x").https(good.port, "web.internal"),
		{"basePath": "/clear", "containerPort": web.port, "backendHost": "clear.internal"}, {"basePath": "/usual", "containerPort": web.port},
	}
	cut := certified(middle, both)
	cut.Certificate = cut.Certificate[:1]
	bad := map[string]*door{
		"wrong": web.secure(t, certified(ca, "elsewhere.example")), "stranger": web.secure(t, certified(stranger, both)), "self": web.secure(t, pair(t, own, selfKey)),
		"expired": web.secure(t, certified(ca, both, pki.Expires(time.Now().Add(-time.Minute)))), "early": web.secure(t, certified(ca, both, pki.NotBefore(time.Now().Add(time.Hour)))),
		"deeper": web.secure(t, certified(ca, "*.www.example.com")), "cut": web.secure(t, cut), "plain": {port: web.port},
	}
	for name, b := range bad {
		entries = append(entries, at("/bad/"+name).https(b.port, ""))
		web.opens(b.port)
	}
	// The right name of another host is the wrong one.
	entries = append(entries, at("/bad/named").https(good.port, "other.internal"), at("/bad/keyed").by("arg:k").https(bad["wrong"].port, ""))
	web.opens(good.port)
	web.Annotations[pathsKey] = toJSON(entries)
	web.on("/own/chat", chat)
	d.apply(namespace("shop", "www.example.com", "*.wild.dev"), web, secret("shop", "routing", "api-key", "supersecret"))
	d.run("--worker-processes=1")

	const www = "www.example.com"
	called := map[string]bool{}
	for _, c := range []struct{ host, uri, seen, sent, name string }{
		{www, "/own/a%2Fb?x=%20", "/own/a%2Fb?x=%20", www, www},
		{www, "/from/y?z", "/to/y?z", www, www},
		{www, "/from", "/to", www, www},
		{www, "/named", "/named", "web.internal", "web.internal"},
		{"x.wild.dev", "/named", "/named", "web.internal", "web.internal"},
		{www, "/keyed?k=1", "/keyed?k=1", "web.internal", "web.internal"},
		{www, "/host/y%20?z", "/x/y%20?z", "web.internal", "web.internal"},
		{www, "/clear", "/clear", "clear.internal", ""},
		{www, "/usual", "/usual", www, ""},
		{"x.wild.dev", "/usual", "/usual", "x.wild.dev", ""},
	} {
		got := d.ask(c.host, c.uri, forged()...)
		if got.Pod != "web" || got.URI != c.seen || got.Host != c.sent || strings.Join(got.Sent["X-Forwarded-Host"], "|") != c.host {
			t.Errorf("%s%s: status %d from %q, asked for %s%s, %v", c.host, c.uri, got.Status, got.Pod, got.Host, got.URI, got.Sent)
		}
		if secrets := secretsIn(got); secrets != "" {
			t.Errorf("%s%s: the Pod has seen %s", c.host, c.uri, secrets)
		}
		for _, name := range good.called() { // none if the connection is an earlier request's
			if called[name] = true; name != c.name {
				t.Errorf("%s%s: called by the name %q, want %q", c.host, c.uri, name, c.name)
			}
		}
		if got := d.ask(c.host, c.uri); got.Status != http.StatusForbidden {
			t.Errorf("%s%s without the key: status %d", c.host, c.uri, got.Status)
		}
	}
	if !called[www] || !called["web.internal"] {
		t.Errorf("called by %v only", called)
	}
	if got := d.ask("x.wild.dev", "/own", forged()...); got.Status != http.StatusServiceUnavailable || got.Received.Get("Retry-After") != "5" {
		t.Errorf("a wildcard host has no name: status %d", got.Status)
	}

	hits := web.hits.Load()
	for _, uri := range []string{"wrong", "stranger", "self", "expired", "early", "deeper", "cut", "plain", "named", "keyed?k=1"} {
		if got := d.ask(www, "/bad/"+uri, forged()...); got.Status != http.StatusBadGateway {
			t.Errorf("%s: status %d from %q", uri, got.Status, got.Pod)
		}
		post := "POST /bad/" + uri + " HTTP/1.1\r\nHost: " + www + "\r\nConnection: close\r\nContent-Length: 5\r\n" + key("supersecret") + "\r\n\r\nhello"
		if got := d.send(post); got.Status != http.StatusBadGateway {
			t.Errorf("POST %s: status %d from %q", uri, got.Status, got.Pod)
		}
	}
	if n := web.hits.Load() - hits; n != 0 {
		t.Errorf("%d requests have reached a Pod that is not who it should be", n)
	}
	d.speaks("ws://www.example.com/own/chat", http.Header{"X-Routing-Api-Key": {"c3VwZXJzZWNyZXQ="}})
	connections := web.connections.Load()
	for range 20 {
		d.ask(www, "/own", forged()...)
	}
	if n := web.connections.Load() - connections; n > 2 {
		t.Errorf("20 requests took %d connections", n)
	}
	if log := d.log(); strings.Contains(log, "[emerg]") || strings.Contains(log, "[warn]") || strings.Contains(log, "[alert]") {
		t.Error("nginx complains")
	}
}

// speaks opens a WebSocket and has it echo.
func (d *dispatcher) speaks(url string, headers http.Header) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: d.client(), HTTPHeader: headers})
	if err != nil {
		d.t.Errorf("%s: %v", url, err)
		return
	}
	defer func() { _ = c.CloseNow() }()
	if err := echoes(c, "one"); err != nil {
		d.t.Errorf("%s: %v", url, err)
	}
}

// TestBackendTLSWithoutAuthorities: EX8. Nobody is asked who can't be verified.
func TestBackendTLSWithoutAuthorities(t *testing.T) {
	t.Parallel()
	ca := pki.NewAuthority(t, "backends")
	chain, certKey := ca.Server(t, []string{"www.example.com"})
	web := newPod(t, "shop", "web", at("/"))
	secured := web.secure(t, pair(t, chain, certKey))
	web.Annotations[pathsKey] = toJSON([]entry{{"basePath": "/", "containerPort": web.port}, at("/own").https(secured.port, "")})
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web.opens(secured.port))
	d.env = []string{"BACKEND_CA=none"}
	d.run()
	if got := d.ask("www.example.com", "/own/x"); got.Status != http.StatusServiceUnavailable || web.hits.Load() != 0 {
		t.Errorf("status %d from %q", got.Status, got.Pod)
	}
	if got := d.ask("www.example.com", "/"); got.Pod != "web" {
		t.Errorf("its neighbour: status %d", got.Status)
	}
	if !strings.Contains(d.log(), "BACKEND_CA") {
		t.Error("nobody is told")
	}

	garbage := prepare(t)
	refuses := func(text, why string) {
		t.Helper()
		replaceFile(t, garbage.beside("garbage.crt"), text)
		garbage.begin()
		if code := garbage.wait(); code == 0 || !strings.Contains(garbage.log(), why) {
			t.Errorf("status %d:\n%s", code, garbage.log())
		}
	}
	garbage.env = []string{"BACKEND_CA=" + garbage.beside("garbage.crt")}
	refuses("include /etc/passwd;", "it holds no certificate in PEM")
	if garbage.nginxVersion() < 1_023_001 { // it would read all of them for each path
		refuses(strings.Repeat(ca.PEM(), 11), "it holds 11 certificates")
	}
}
