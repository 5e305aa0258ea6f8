package status_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/status"
)

type proxy struct{ alive, stale bool }

func (p proxy) Alive() bool { return p.alive }
func (p proxy) Stale() bool { return p.stale }

// Ready only when the first full configuration is live (DX20), or that from before
// a restart still is, and while nginx runs.
func TestProbes(t *testing.T) {
	live := controller.Report{Generation: "abc123", Counts: route.Counts{Hosts: 2, Locations: 3, Endpoints: 5}, Problems: make([]route.Problem, 1)}
	refused := live
	refused.Err = errors.New("unknown directive in line 7")
	for _, c := range []struct {
		name   string
		report controller.Report
		proxy  proxy
		code   int
		text   string
	}{
		{"before the first", controller.Report{}, proxy{alive: true}, 503, "waiting"},
		{"first one refused", controller.Report{Err: errors.New("no such port")}, proxy{alive: true}, 503, "no such port"},
		{"before the first, after a restart", controller.Report{}, proxy{alive: true, stale: true}, 200, "ok, but stale: the last good configuration from before the restart is served, until all objects are known\n"},
		{"first one refused, after a restart", controller.Report{Err: errors.New("no such port")}, proxy{alive: true, stale: true}, 200, "stale: the last good configuration from before the restart is served; the first new one could not be applied: no such port\n"},
		{"live", live, proxy{alive: true}, 200, "ok: generation abc123, 2 hosts, 3 locations, 5 endpoints, 1 problems\n"},
		{"newest refused", refused, proxy{alive: true}, 200, "line 7"},
		{"nginx gone", live, proxy{}, 503, "nginx is not running"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := status.New(c.proxy, nil, nil)
			s.Set(c.report)
			server := httptest.NewServer(s.Handler())
			defer server.Close()
			if code, text := get(t, server.URL+"/readyz"); code != c.code || !strings.Contains(text, c.text) {
				t.Errorf("/readyz answers %d %q, want %d and %q", code, text, c.code, c.text)
			}
			if code, _ := get(t, server.URL+"/healthz"); code != 200 {
				t.Errorf("/healthz answers %d", code)
			}
			if code, _ := get(t, server.URL+"/other"); code != 404 {
				t.Errorf("/other answers %d", code)
			}
		})
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

func TestServeEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- status.New(proxy{alive: true}, nil, nil).Serve(ctx, l) }()
	if code, _ := get(t, "http://"+l.Addr().String()+"/healthz"); code != 200 {
		t.Errorf("/healthz answers %d", code)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// A certificate's end is a metric, so that people can be told of it in time.
func TestCertificateMetric(t *testing.T) {
	s := status.New(proxy{alive: true}, nil, nil)
	s.Set(controller.Report{Certificates: []controller.Certificate{{NotAfter: 1800000000}, {Namespace: "shop", Host: "secure.dev", NotAfter: 1900000000}}})
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		"# TYPE dispatcher_certificate_expiry_timestamp_seconds gauge",
		`dispatcher_certificate_expiry_timestamp_seconds{host="",namespace=""} 1.8e+09`,
		`dispatcher_certificate_expiry_timestamp_seconds{host="secure.dev",namespace="shop"} 1.9e+09`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("%s is missing in:\n%s", want, w.Body)
		}
	}
}
