package status

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/route"
)

type proxy struct{ alive, stale bool }

func (p proxy) Alive() bool { return p.alive }
func (p proxy) Stale() bool { return p.stale }

// full is a Status of which all is known.
func full() *Status {
	s := New(proxy{alive: true}, func(context.Context) Stats {
		return Stats{Draining: 2, Told: true, Active: 9, Reading: 1, Writing: 3, Waiting: 5, Accepted: 100, Handled: 99, Requests: 1000}
	}, func() Asked { return Asked{Questions: 70, Held: 3, Behind: 1} })
	s.Step("test", 30*time.Millisecond)
	s.Step("reload", time.Millisecond)
	s.Step("verify", 120*time.Millisecond)
	s.Set(controller.Report{
		Generation:   "00000000000f1234",
		Counts:       route.Counts{Hosts: 2, Locations: 4, Endpoints: 7, Upstreams: 3},
		Objects:      map[string]int{"Namespace": 1, "Pod": 5},
		ProblemKinds: map[string]int{"hosts": 1, "tls": 0},
		Certificates: []controller.Certificate{{Namespace: "shop", Host: "www.example.com", NotAfter: 1800000000}},
		Quarantined:  map[string]int{"shop": 2},
		Capacity:     4096,
		LiveSince:    time.UnixMilli(1700000000500),
		Turn: controller.Turn{
			Cause: "several", Result: "live",
			Steps:   []controller.Step{{Name: "build", Took: 2 * time.Millisecond}, {Name: "render", Took: 4 * time.Millisecond}},
			Reloads: []string{"refused", "success"},
			Delays:  []time.Duration{40 * time.Millisecond, 4 * time.Second},
		},
	})
	return s
}

// Each metric of the table is exported, and nothing else.
func TestMetricsAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(full().metrics)
	found, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, f := range found {
		types[f.GetName()] = strings.ToLower(f.GetType().String())
	}
	for _, row := range table() {
		if got := types[row.fullName()]; got != string(row.kind) {
			t.Errorf("%s is a %q, want a %s", row.fullName(), got, row.kind)
		}
		delete(types, row.fullName())
	}
	if len(types) > 0 {
		t.Errorf("not in the table: %v", types)
	}
}

func TestMetricsFollowTheConventions(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(full().metrics)
	found, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(found).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricValues(t *testing.T) {
	t.Parallel()
	expect(t, full(), `
dispatcher_objects{kind="Namespace"} 1
dispatcher_objects{kind="Pod"} 5
dispatcher_hosts 2
dispatcher_routes 4
dispatcher_upstreams 3
dispatcher_endpoints 7
dispatcher_problems{kind="hosts"} 1
dispatcher_problems{kind="tls"} 0
dispatcher_certificate_expiry_timestamp_seconds{host="www.example.com",namespace="shop"} 1.8e+09
dispatcher_turns_total{result="live"} 1
dispatcher_turns_total{result="failed"} 0
dispatcher_turn_duration_seconds_count{step="build"} 1
dispatcher_turn_duration_seconds_bucket{step="build",le="0.001"} 0
dispatcher_turn_duration_seconds_bucket{step="build",le="0.0025"} 1
dispatcher_turn_duration_seconds_count{step="render"} 1
dispatcher_turn_duration_seconds_sum{step="test"} 0.03
dispatcher_turn_duration_seconds_sum{step="reload"} 0.001
dispatcher_turn_duration_seconds_sum{step="verify"} 0.12
dispatcher_reloads_total{cause="several",result="refused"} 1
dispatcher_reloads_total{cause="several",result="success"} 1
dispatcher_reloads_total{cause="Pod",result="success"} 0
dispatcher_event_to_live_seconds_count 2
dispatcher_event_to_live_seconds_sum 4.04
dispatcher_last_turn_successful 1
dispatcher_stale 0
dispatcher_last_good_generation 15
dispatcher_last_good_generation_timestamp_seconds 1.7000000005e+09
dispatcher_endpoint_questions_total 70
dispatcher_endpoint_questions_held 3
dispatcher_upstreams_behind 1
dispatcher_endpoints_capacity 4096
dispatcher_nginx_up 1
dispatcher_nginx_workers_draining 2
dispatcher_nginx_connections_active 9
dispatcher_nginx_connections{state="reading"} 1
dispatcher_nginx_connections{state="writing"} 3
dispatcher_nginx_connections{state="waiting"} 5
dispatcher_nginx_connections_accepted_total 100
dispatcher_nginx_connections_handled_total 99
dispatcher_nginx_requests_total 1000`)
}

// What fails is counted, and leaves the last good configuration in the metrics.
func TestMetricsOfAFailure(t *testing.T) {
	t.Parallel()
	s := full()
	r := s.last()
	r.Err = errors.New("no space left on device")
	r.Turn = controller.Turn{Cause: "Pod", Result: "failed", Reloads: []string{"failed"}}
	s.Set(r)
	r.Turn = controller.Turn{}
	s.Set(r) // nothing new
	if strings.Contains(scrape(t, s), `result=""`) {
		t.Error("a Report without a turn was counted")
	}
	expect(t, s, `
dispatcher_hosts 2
dispatcher_last_good_generation 15
dispatcher_last_turn_successful 0
dispatcher_turns_total{result="live"} 1
dispatcher_turns_total{result="failed"} 1
dispatcher_reloads_total{cause="Pod",result="failed"} 1
dispatcher_event_to_live_seconds_count 2`)
}

// What isn't known is left out: it is not 0.
func TestMetricsOfTheUnknown(t *testing.T) {
	t.Parallel()
	silent := scrape(t, New(proxy{}, func(context.Context) Stats { return Stats{} }, nil))
	if !strings.Contains(silent, "\ndispatcher_nginx_up 0\n") {
		t.Errorf("nginx is not known to be down:\n%s", silent)
	}
	if stale := scrape(t, New(proxy{alive: true, stale: true}, func(context.Context) Stats { return Stats{} }, nil)); !strings.Contains(stale, "\ndispatcher_stale 1\n") {
		t.Errorf("it isn't told that what is served is stale:\n%s", stale)
	}
	mock := scrape(t, New(proxy{alive: true}, nil, nil))
	for _, name := range []string{"hosts", "routes", "last_turn", "last_good", "nginx_connections", "nginx_requests", "endpoint_questions", "endpoints_capacity", "upstreams_behind"} {
		if strings.Contains(silent+mock, "\ndispatcher_"+name) {
			t.Errorf("%s is exported before it is known", name)
		}
	}
	if strings.Contains(mock, "\ndispatcher_nginx") {
		t.Errorf("without nginx:\n%s", mock)
	}
	if !strings.Contains(mock, "\nprocess_") || !strings.Contains(mock, "\ngo_") {
		t.Error("the metrics of the process are missing")
	}
}

func scrape(t *testing.T, s *Status) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("/metrics answers %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// expect fails for each line that is missing in the metrics.
func expect(t *testing.T, s *Status, lines string) {
	t.Helper()
	text := scrape(t, s)
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		if line = strings.TrimSuffix(line, "\n"); !strings.Contains(text, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, " ")
			name, _, _ = strings.Cut(name, "{")
			var like []string
			for l := range strings.Lines(text) {
				if strings.HasPrefix(l, name) {
					like = append(like, l)
				}
			}
			t.Errorf("%s is missing among:\n%s", line, strings.Join(like, ""))
		}
	}
}
