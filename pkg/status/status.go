// Package status shows what goes on: Reports of the controller enter, answers to
// probes and metrics leave. It never changes anything and never asks anything but the last
// Report, the proxy for its state, and nginx for what it counts.
package status

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/explain"
)

// Proxy is what serves the configurations.
type Proxy interface {
	Alive() bool // it runs
	Stale() bool // it serves what it did before Dispatcher was started again
}

// Status keeps the last Report. It is safe for concurrent use.
type Status struct {
	proxy   Proxy
	stats   func(context.Context) Stats // nil: there is no nginx
	asked   func() Asked                // nil: it doesn't ask for endpoints
	metrics *metrics
	// settings are those with which questions are answered; nil: none are.
	settings *explain.Settings

	mu     sync.Mutex
	report controller.Report
}

// New makes a Status of the proxy; stats gives what nginx tells of itself, and asked
// how it asks for endpoints. Both may be nil.
func New(proxy Proxy, stats func(context.Context) Stats, asked func() Asked) *Status {
	s := &Status{proxy: proxy, stats: stats, asked: asked}
	s.metrics = newMetrics(s.moment)
	return s
}

// Step takes in how long a step of a turn took that the controller does not see:
// "test", "reload" or "verify".
func (s *Status) Step(name string, took time.Duration) { s.metrics.step(name, took) }

// Set takes in the newest Report.
func (s *Status) Set(r controller.Report) {
	s.metrics.count(r.Turn)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report = r
}

func (s *Status) last() controller.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report
}

// Handler answers /healthz (Dispatcher itself works) and /readyz (a full
// configuration is served, even if it is one from before a restart), each with a
// line of text that says why, /metrics for Prometheus, and /api/explain if Explain was
// called.
func (s *Status) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		ready, text := s.ready()
		if !ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintln(w, text)
	})
	mux.Handle("GET /metrics", s.metrics.handler())
	if s.settings != nil {
		mux.HandleFunc("GET /api/explain", s.answerQuestion)
		mux.HandleFunc("POST /api/explain", s.answerQuestion)
	}
	return mux
}

func (s *Status) ready() (ok bool, text string) {
	r := s.last()
	switch {
	case r.Generation == "" && s.proxy.Stale():
		text = "ok, but stale: the last good configuration from before the restart is served"
		if r.Err != nil {
			return true, fmt.Sprintf("%s; the first new one could not be applied: %v", text, r.Err)
		}
		return true, text + ", until all objects are known"
	case r.Generation == "" && r.Err != nil:
		return false, fmt.Sprintf("not ready: the first configuration could not be applied: %v", r.Err)
	case r.Generation == "":
		return false, "not ready: waiting until all objects are known and the first configuration is served"
	case !s.proxy.Alive():
		return false, "not ready: nginx is not running; it is being restarted"
	}
	text = fmt.Sprintf("ok: generation %s, %d hosts, %d locations, %d endpoints, %d problems",
		r.Generation, r.Counts.Hosts, r.Counts.Locations, r.Counts.Endpoints, len(r.Problems))
	if r.Err != nil {
		text += fmt.Sprintf("; the newest configuration is not served: %v", r.Err)
	}
	return true, text
}

// Serve answers on the listener until ctx is done, then ends open requests
// within a second.
func (s *Status) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	stopped := context.AfterFunc(ctx, func() {
		shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(shutdown) != nil {
			_ = server.Close()
		}
	})
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve admin port: %w", err)
	}
	return nil
}
