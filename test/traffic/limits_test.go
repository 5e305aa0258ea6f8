package traffic

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// sendFrom is send from an address of this machine.
func (d *dispatcher) sendFrom(ip, raw string) answer {
	d.t.Helper()
	dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	conn, err := dialer.Dial("tcp", d.addr)
	if err != nil {
		return answer{Err: fmt.Errorf("%w: %w", errNoConnection, err)}
	}
	defer conn.Close()
	return exchange(conn, bufio.NewReader(conn), raw)
}

const ranges = "203.0.113.0/24,2001:db8::/32,127.66.0.0/16"

// TestSources: EF4, EX4, EX5. Only clients in the networks that are named are let in,
// by IPv4 and IPv6; what a client says of itself counts only from proxies that are
// trusted, and an API key is demanded besides.
func TestSources(t *testing.T) {
	t.Parallel()
	const client, trusted = "127.66.0.1", "127.77.0.1"
	d := prepare(t)
	locked := newPod(t, "locked", "locked", at("/locked").with("allowSourceRanges", ranges))
	d.apply(namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/some").with("allowSourceRanges", ranges), at("/some/open"), at("/all").with("allowSourceRanges", "0.0.0.0/0,::/0")),
		namespace("locked", "www.example.com"), secret("locked", "routing", "api-key", "supersecret"), locked)
	d.run("--trusted-proxies=" + trusted)
	const forwarded = "X-Forwarded-For: "
	for _, c := range []struct {
		from, path, header string
		status             int
	}{
		{client, "/some", "", 200},
		{client, "/some/x", "", 200},
		{"127.67.0.1", "/some", "", 403},
		{"127.67.0.1", "/some/x", "", 403},
		{"127.67.0.1", "/some/open", "", 200},
		{"127.67.0.1", "/all", "", 200},
		{"127.67.0.1", "/some", forwarded + "203.0.113.9", 403},
		{client, "/some", forwarded + "198.51.100.1", 200},
		{trusted, "/some", "", 403},
		{trusted, "/some", forwarded + "203.0.113.9", 200},
		{trusted, "/some", forwarded + "2001:db8:1::7", 200},
		{trusted, "/all", forwarded + "2001:db9::7", 200},
		{trusted, "/some", forwarded + "2001:db9::7", 403},
		{trusted, "/some", forwarded + "203.0.113.9, 198.51.100.1", 403},
		{client, "/locked", "", 403},
		{client, "/locked", key("supersecret"), 200},
		{"127.67.0.1", "/locked", key("supersecret"), 403},
	} {
		headers := []string{"Connection: close"}
		if c.header != "" {
			headers = append(headers, c.header)
		}
		if got := d.sendFrom(c.from, get("www.example.com", c.path, headers...)); got.Status != c.status {
			t.Errorf("%s from %s %s: status %d, %v, want %d", c.path, c.from, c.header, got.Status, got.Err, c.status)
		}
	}
	if n := locked.hits.Load(); n != 1 {
		t.Errorf("the Pod with a key and networks had %d requests", n)
	}
}

// TestProxyProtocol: EX5. Clients are known by the PROXY protocol, if it is a trusted
// proxy that speaks it, and by nothing else.
func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	const trusted, stranger = "127.77.0.1", "127.67.0.1"
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/some").with("allowSourceRanges", ranges), at("/")))
	d.run("--proxy-protocol", "--trusted-proxies="+trusted)
	text := get("www.example.com", "/some", "Connection: close", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Real-IP: 203.0.113.9")
	for head, status := range map[string]int{
		"PROXY TCP4 203.0.113.9 127.0.0.1 1 80\r\n":   200,
		"PROXY TCP6 2001:db8::1 2001:db8::2 1 80\r\n": 200,
		"PROXY TCP4 198.51.100.1 127.0.0.1 1 80\r\n":  403,
		"PROXY TCP6 2001:db9::1 2001:db8::2 1 80\r\n": 403,
		"PROXY UNKNOWN\r\n":                           403,
		"PROXY TCP4 203.0.113.256 127.0.0.1 1 80\r\n": 403,
		"": 0,
	} {
		if got := d.sendFrom(trusted, head+text); got.Status != status || status == 0 && !got.closed() {
			t.Errorf("%q: status %d, %v, want %d", head, got.Status, got.Err, status)
		}
	}
	if got := d.sendFrom(stranger, "PROXY TCP4 203.0.113.9 127.0.0.1 1 80\r\n"+text); got.Status != http.StatusForbidden {
		t.Errorf("a stranger's word is taken: status %d, %v", got.Status, got.Err)
	}
	for from, client := range map[string]string{trusted: "198.51.100.1", stranger: stranger} {
		got := d.sendFrom(from, "PROXY TCP4 198.51.100.1 127.0.0.1 1 80\r\n"+strings.Replace(text, "/some", "/", 1))
		if got.Sent.Get("X-Forwarded-For") != client || got.Sent.Get("X-Real-Ip") != client || got.Sent.Get("X-Forwarded-Proto") != "http" {
			t.Errorf("from %s: status %d, %v; the Pod sees %v", from, got.Status, got.Err, got.Sent)
		}
	}
}

// TestLimits: a path's own limits hold for it, and for no other.
func TestLimits(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/own").with("maxBodySize", "1k").with("readTimeout", "1s").with("sendTimeout", "5s").with("connectTimeout", "2s"), at("/"))
	g := newGate()
	web.on("/own/slow", g.hold(web.backend))
	web.on("/slow", g.hold(web.backend))
	d := start(t, namespace("shop", "www.example.com"), web)
	for path, limit := range map[string]bool{"/own/x": true, "/x": false} {
		for size, status := range map[int]int{1024: 200, 1025: 413} {
			if !limit {
				status = 200
			}
			if got := d.send(raw("POST", "www.example.com", path, fmt.Sprint("Content-Length: ", size)) + strings.Repeat("x", size)); got.Status != status {
				t.Errorf("%d bytes to %s: status %d, %v, want %d", size, path, got.Status, got.Err, status)
			}
		}
	}
	slow := make(chan answer, 1)
	began := time.Now()
	go func() { slow <- d.try("www.example.com", "/slow") }()
	if got := d.ask("www.example.com", "/own/slow"); got.Status != http.StatusGatewayTimeout || time.Since(began) < 900*time.Millisecond {
		t.Errorf("status %d after %v", got.Status, time.Since(began))
	}
	close(g.open)
	if got := <-slow; got.Pod != "web" {
		t.Errorf("where there is no limit: status %d, %v", got.Status, got.Err)
	}
}
