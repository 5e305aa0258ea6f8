package traffic

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// chat is a handler that accepts a WebSocket and echoes its messages.
func chat(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = c.CloseNow() }()
	for {
		kind, text, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, text) != nil {
			return
		}
	}
}

// socket opens a WebSocket.
func (d *dispatcher) socket(url string) *websocket.Conn {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: d.client()})
	if err != nil {
		d.t.Fatalf("open %s: %v", url, err)
	}
	d.t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// echoes sends a message and waits for it to come back.
func echoes(c *websocket.Conn, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		return err
	}
	_, _, err := c.Read(ctx)
	return err
}

// TestWebSocket: DX22. Upgrades work on every route without configuration,
// socket.io's below a base path too, and other requests keep their connections.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/base"), at("/foo").to("/base"))
	web.on("/base/socket.io/", chat)
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web)
	d.run("--worker-processes=1")
	for _, url := range []string{"ws://www.example.com/base/socket.io/?EIO=4&transport=websocket", "ws://www.example.com/foo/socket.io/?EIO=4"} {
		c := d.socket(url)
		for _, text := range []string{"one", "two"} {
			if err := echoes(c, text); err != nil {
				t.Errorf("%s: %v", url, err)
			}
		}
		_ = c.Close(websocket.StatusNormalClosure, "")
	}
	before := web.connections.Load()
	for range 20 {
		d.ask("www.example.com", "/base/x")
	}
	if n := web.connections.Load() - before; n > 2 {
		t.Errorf("20 requests after WebSockets took %d connections", n)
	}
}

// TestOtherUpgrades: DX22. Only WebSockets are passed on: with h2c a client
// could speak to the Pod past nginx.
func TestOtherUpgrades(t *testing.T) {
	t.Parallel()
	d := start(t, namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
	for _, upgrade := range []string{"h2c", "TLS/1.3", "websocket2", "h2c, websocket"} {
		got := d.send("GET /app HTTP/1.1\r\nHost: www.example.com\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: " + upgrade + "\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
		if got.Pod != "web" || got.Sent.Get("Upgrade") != "" || got.Sent.Get("Connection") != "" {
			t.Errorf("Upgrade: %s arrives as %q, Connection %q, status %d", upgrade, got.Sent.Get("Upgrade"), got.Sent.Get("Connection"), got.Status)
		}
	}
	got := d.send("GET /app HTTP/1.1\r\nHost: www.example.com\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n")
	if got.Sent.Get("Upgrade") != "websocket" || got.Sent.Get("Connection") != "upgrade" {
		t.Errorf("Upgrade: WebSocket arrives as %q, Connection %q", got.Sent.Get("Upgrade"), got.Sent.Get("Connection"))
	}
}

// TestWebSocketAcrossReloads: a WebSocket lives on in an old worker, but no
// longer than WORKER_SHUTDOWN_TIMEOUT after the reload.
func TestWebSocketAcrossReloads(t *testing.T) {
	t.Parallel()
	const timeout = 3 * time.Second
	web, other := newPod(t, "shop", "web", at("/app")), newPod(t, "shop", "other", at("/1"))
	web.on("/app/chat", chat)
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web, other)
	d.run("--worker-shutdown-timeout=" + timeout.String())
	c := d.socket("ws://www.example.com/app/chat")
	if err := echoes(c, "before"); err != nil {
		t.Fatal(err)
	}
	reloaded := time.Now()
	for _, path := range []string{"/2", "/3"} {
		d.apply(other.paths(at(path)))
		d.serves("www.example.com", path, "other")
		if err := echoes(c, "after a reload"); err != nil {
			t.Fatalf("%v after the reload: %v", time.Since(reloaded), err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("it is still open %v after the reload: %v", time.Since(reloaded), err)
	}
	if lived := time.Since(reloaded); lived < timeout || lived > timeout+5*time.Second {
		t.Errorf("it was cut %v after the reload, want %v", lived, timeout)
	}
}
