package traffic

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// loopbacks counts the addresses that newLoopback has handed out.
var loopbacks atomic.Int32

// newLoopback returns a loopback address that no other test of this process
// has, and hardly one of another process.
func newLoopback() string {
	n := loopbacks.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 1+os.Getpid()%250, 1+n/250, 1+n%250)
}

// echo is what a Pod saw of a request. The Pod answers it as JSON.
type echo struct {
	Pod    string
	Method string
	URI    string // byte for byte
	Proto  string
	Host   string
	Sent   http.Header // the header fields
	Size   int64       // of the body
}

// backend is the server of a Pod. It answers every path with an echo, but for
// those that on gives a handler to.
type backend struct {
	name string
	ip   string
	port int

	hits        atomic.Int64
	connections atomic.Int64
	handlers    sync.Map // path → http.HandlerFunc
	server      *http.Server
}

func newBackend(t testing.TB, address, name string) *backend {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("start Pod %s: %v", name, err)
	}
	ip, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{name: name, ip: ip}
	b.port, _ = strconv.Atoi(port)
	b.server = &http.Server{
		Handler: http.HandlerFunc(b.respond),
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				b.connections.Add(1)
			}
		},
	}
	go func() { _ = b.server.Serve(listener) }()
	t.Cleanup(func() { _ = b.server.Close() })
	return b
}

// on gives a path to a handler.
func (b *backend) on(path string, h http.HandlerFunc) { b.handlers.Store(path, h) }

func (b *backend) respond(w http.ResponseWriter, r *http.Request) {
	b.hits.Add(1)
	if h, ok := b.handlers.Load(r.URL.Path); ok {
		h.(http.HandlerFunc)(w, r)
		return
	}
	b.echo(w, r)
}

func (b *backend) echo(w http.ResponseWriter, r *http.Request) {
	size, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return // the client has gone
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(echo{
		Pod: b.name, Method: r.Method, URI: r.RequestURI, Proto: r.Proto, Host: r.Host, Sent: r.Header, Size: size,
	})
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

// gate lets requests wait in a Pod: each tells reached, and goes on when open
// is closed.
type gate struct {
	reached chan struct{}
	open    chan struct{}
}

func newGate() *gate { return &gate{make(chan struct{}, 100), make(chan struct{})} }

// hold is a handler that waits at the gate and then echoes.
func (g *gate) hold(b *backend) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.reached <- struct{}{}
		select {
		case <-g.open:
		case <-r.Context().Done():
		}
		b.echo(w, r)
	}
}
