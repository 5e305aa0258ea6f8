// Package backend is the Pods of the tests. A name and an address enter; an HTTP
// server leaves that answers with its name and with what it saw of the request.
// It listens on loopback addresses only, each its own, as Pods have. It never
// knows of Kubernetes, nginx or Dispatcher.
package backend

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Echo is what a backend saw of a request. It answers it as JSON.
type Echo struct {
	Pod    string // the backend's name
	Method string
	URI    string // byte for byte
	Proto  string
	Host   string
	Sent   http.Header // the header fields
	Size   int64       // of the body, in bytes
}

// Backend is a server. It answers every path with an Echo, but for those that On
// gives a handler to.
type Backend struct {
	Name string
	IP   string
	Port int

	Hits        atomic.Int64 // requests
	Connections atomic.Int64 // that were opened
	handlers    sync.Map     // path → http.HandlerFunc
	server      *http.Server
}

// Loopback returns a random address of 127.0.0.0/8. With one address in sixteen
// million, nobody else uses it, so the ports on it are free and stay free.
func Loopback() string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("127.%d.%d.%d", 1+b[0]%250, 1+b[1]%250, 1+b[2]%250)
}

// Start starts a backend on a loopback address of its own. The port is any free
// one if it is 0. Close ends it.
func Start(ctx context.Context, name string, port int) (b *Backend, err error) {
	for range 3 { // in case somebody has come upon the same address
		b, err = StartAt(ctx, name, net.JoinHostPort(Loopback(), strconv.Itoa(port)))
		if !errors.Is(err, syscall.EADDRINUSE) {
			return b, err
		}
	}
	return nil, fmt.Errorf("%w: a program of this machine has port %d on all addresses: stop it and try again", err, port)
}

// StartAt starts a backend at an address, as net.Listen takes it.
func StartAt(ctx context.Context, name, address string) (*Backend, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("start backend %s: %w", name, err)
	}
	b := &Backend{Name: name}
	if at, ok := listener.Addr().(*net.TCPAddr); ok {
		b.IP, b.Port = at.IP.String(), at.Port
	}
	b.server = &http.Server{
		Handler: http.HandlerFunc(b.respond),
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				b.Connections.Add(1)
			}
		},
		ReadHeaderTimeout: time.Minute,
	}
	go func() { _ = b.server.Serve(listener) }() // ends by Close
	return b, nil
}

// Close ends the server and cuts its connections.
func (b *Backend) Close() { _ = b.server.Close() }

// On gives a path to a handler.
func (b *Backend) On(path string, h http.HandlerFunc) { b.handlers.Store(path, h) }

func (b *Backend) respond(w http.ResponseWriter, r *http.Request) {
	b.Hits.Add(1)
	h, _ := b.handlers.Load(r.URL.Path)
	if handle, ok := h.(http.HandlerFunc); ok {
		handle(w, r)
		return
	}
	b.Echo(w, r)
}

// Echo is the handler that answers with an Echo.
func (b *Backend) Echo(w http.ResponseWriter, r *http.Request) {
	size, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return // the client has gone
	}
	w.Header().Set("Content-Type", "application/json")
	text, err := json.Marshal(Echo{
		Pod: b.Name, Method: r.Method, URI: r.RequestURI, Proto: r.Proto, Host: r.Host, Sent: r.Header, Size: size,
	})
	if err != nil {
		panic(err) // none of its types can fail
	}
	_, _ = w.Write(text)
}

// HangUp is a handler that closes the connection without an answer.
func HangUp(w http.ResponseWriter, _ *http.Request) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

// Gate lets requests wait in a backend: each tells Reached, and goes on when Open
// is closed.
type Gate struct {
	Reached chan struct{}
	Open    chan struct{}
}

// NewGate returns a Gate that is shut.
func NewGate() *Gate { return &Gate{make(chan struct{}, 100), make(chan struct{})} }

// Hold is a handler that waits at the Gate and then answers with an Echo.
func (g *Gate) Hold(b *Backend) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.Reached <- struct{}{}
		select {
		case <-g.Open:
		case <-r.Context().Done():
		}
		b.Echo(w, r)
	}
}
