package kube

import (
	"context"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"sync"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/30x/dispatcher/test/internal/backend"
)

// gate stands before an API server, and a test shuts it in various ways. What
// passes is not changed. Its wire is all connections to it, which can be cut and
// worse; its rules are about requests.
type gate struct {
	*wire
	t      testing.TB
	server *httptest.Server

	mu    sync.Mutex
	to    *route          // where requests go
	rules map[string]rule // by resource
	asked sync.Map        // verb and resource → *atomic.Int64
}

// route is the way to an API server.
type route struct {
	url  *url.URL
	trip http.RoundTripper
}

// rule holds up or refuses requests for a resource. It reports whether the request
// may go on.
type rule func(w http.ResponseWriter, r *http.Request) bool

// gate opens a gate to an API server, the scenario's if none is given.
func (s *scenario) gate(to ...*rest.Config) *gate {
	s.t.Helper()
	g := &gate{t: s.t, rules: map[string]rule{}}
	var err error
	g.wire, err = newWire(net.JoinHostPort(backend.Loopback(), "0"))
	s.must(err)
	g.lead(append(to, s.config)[0])
	g.server = httptest.NewUnstartedServer(g)
	_ = g.server.Listener.Close()
	g.server.Listener = g.wire
	g.server.EnableHTTP2 = true
	g.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of handshakes that were cut
	g.server.StartTLS()
	s.t.Cleanup(func() {
		_ = g.Close() // ends all requests, for which the server waits
		g.server.Close()
	})
	return g
}

// lead makes new requests go to an API server.
func (g *gate) lead(config *rest.Config) {
	g.t.Helper()
	to, err := url.Parse(config.Host)
	if err != nil {
		g.t.Fatal(err)
	}
	anonymous := rest.AnonymousClientConfig(config)
	tls, err := rest.TLSConfigFor(anonymous)
	if err != nil {
		g.t.Fatal(err)
	}
	trip := &http.Transport{TLSClientConfig: tls, ForceAttemptHTTP2: true}
	g.t.Cleanup(trip.CloseIdleConnections)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.to = &route{to, trip}
}

// rule sets the rule for a resource ("secrets"), or lifts it with nil.
func (g *gate) rule(resource string, r rule) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rules[resource] = r
}

// until is a rule that lets requests wait until a channel is closed.
func until(open <-chan struct{}) rule {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-open:
			return true
		case <-r.Context().Done():
			return false
		}
	}
}

// ServeHTTP passes a request on to the API server.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource := path.Base(r.URL.Path)
	verb := "list"
	if r.URL.Query().Has("watch") {
		verb = "watch"
	}
	g.mu.Lock()
	to, rule := g.to, g.rules[resource]
	g.mu.Unlock()
	if rule != nil && !rule(w, r) {
		return
	}
	g.count(verb, resource).Add(1)
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(to.url) },
		Transport: to.trip,
		ModifyResponse: func(*http.Response) error {
			g.count("answered "+verb, resource).Add(1)
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) {
			if !errors.Is(err, context.Canceled) { // the connection is closed, as the API server's was
				panic(http.ErrAbortHandler)
			}
		},
		ErrorLog: g.server.Config.ErrorLog,
	}
	proxy.ServeHTTP(w, r)
}

// count is how many requests have passed; the verb is "list" or "watch", or "answered
// list" or "answered watch".
func (g *gate) count(verb, resource string) *atomic.Int64 {
	n, _ := g.asked.LoadOrStore(verb+" "+resource, new(atomic.Int64))
	return n.(*atomic.Int64)
}

// through makes a kubeconfig one for this way in.
func (g *gate) through(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
	c.Server = "https://" + g.Addr().String()
	c.CertificateAuthorityData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.server.Certificate().Raw})
	c.TLSServerName = "example.com" // httptest's
}

// followed is how often all that Dispatcher follows has begun anew.
func (g *gate) followed() int64 {
	return min(g.count("answered watch", "namespaces").Load(), g.count("answered watch", "pods").Load(), g.count("answered watch", "secrets").Load())
}
