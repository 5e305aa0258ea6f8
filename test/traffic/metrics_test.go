package traffic

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// metrics asks for the metrics and gives those of Dispatcher and its nginx, by
// name and labels.
func (d *dispatcher) metrics() map[string]float64 {
	d.t.Helper()
	values := map[string]float64{}
	_, text := d.probe("/metrics")
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil && strings.HasPrefix(name, "dispatcher_") {
			values[name] = n
		}
	}
	return values
}

// measures waits until metrics have values.
func (d *dispatcher) measures(want map[string]float64) {
	d.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		got, wrong := d.metrics(), ""
		for name, value := range want {
			if n, known := got[name]; !known || n != value {
				wrong += fmt.Sprintf("\n%s is %v (there: %t), want %v", name, n, known, value)
			}
		}
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatal("not in time:" + wrong)
		}
	}
}

// TestMetrics: DX20. The metrics follow the cluster, the turns and nginx; requests
// make no new ones.
func TestMetrics(t *testing.T) {
	t.Parallel()
	web, other := newPod(t, "shop", "web", at("/app")), newPod(t, "shop", "other", at("/app"), at("/other"))
	d := start(t, namespace("shop", "www.example.com", "shop.example.com"), web)
	d.measures(map[string]float64{
		`dispatcher_objects{kind="Namespace"}`:                     1,
		`dispatcher_objects{kind="Pod"}`:                           1,
		`dispatcher_hosts`:                                         2,
		`dispatcher_routes`:                                        2,
		`dispatcher_upstreams`:                                     2,
		`dispatcher_endpoints`:                                     2,
		`dispatcher_problems{kind="paths"}`:                        0,
		`dispatcher_turns_total{result="live"}`:                    1,
		`dispatcher_reloads_total{cause="start",result="success"}`: 1,
		`dispatcher_turn_duration_seconds_count{step="build"}`:     1,
		`dispatcher_turn_duration_seconds_count{step="test"}`:      1,
		`dispatcher_turn_duration_seconds_count{step="verify"}`:    1,
		`dispatcher_last_turn_successful`:                          1,
		`dispatcher_event_to_live_seconds_count`:                   0,
		`dispatcher_nginx_up`:                                      1,
		`dispatcher_nginx_workers_draining`:                        0,
	})
	first := d.metrics()
	d.apply(other)
	d.serves("www.example.com", "/other", "other")
	d.measures(map[string]float64{
		`dispatcher_objects{kind="Pod"}`:                         2,
		`dispatcher_routes`:                                      4,
		`dispatcher_endpoints`:                                   6,
		`dispatcher_turns_total{result="live"}`:                  2,
		`dispatcher_reloads_total{cause="Pod",result="success"}`: 1,
		`dispatcher_turn_duration_seconds_count{step="render"}`:  2,
		`dispatcher_turn_duration_seconds_count{step="reload"}`:  2,
		`dispatcher_event_to_live_seconds_count`:                 1,
	})
	second := d.metrics()
	if took := second["dispatcher_event_to_live_seconds_sum"]; took <= 0 || took > patience.Seconds() {
		t.Errorf("the change took %v s", took)
	}
	for _, name := range []string{"dispatcher_last_good_generation", "dispatcher_last_good_generation_timestamp_seconds"} {
		if first[name] == 0 || second[name] == 0 || first[name] == second[name] {
			t.Errorf("%s was %v and is %v", name, first[name], second[name])
		}
	}

	// A bad entry; a Pod that is gone.
	d.apply(web.paths(at("/app"), entry{"basePath": "/bad", "weight": -1}))
	d.measures(map[string]float64{`dispatcher_problems{kind="paths"}`: 1})
	d.remove(other)
	d.measures(map[string]float64{`dispatcher_objects{kind="Pod"}`: 1, `dispatcher_endpoints`: 2, `dispatcher_routes`: 2})
	d.settle()

	// What nginx counts goes on over reloads; clients make no new series.
	before := d.metrics()
	for i := range 20 {
		d.ask("www.example.com", fmt.Sprintf("/app/%d", i))
		d.try(fmt.Sprintf("unknown-%d.example.com", i), "/")
	}
	after := d.metrics()
	if requests := after["dispatcher_nginx_requests_total"] - before["dispatcher_nginx_requests_total"]; requests < 40 || requests > 60 {
		t.Errorf("40 requests were counted as %v", requests)
	}
	if second["dispatcher_nginx_requests_total"] > before["dispatcher_nginx_requests_total"] {
		t.Error("a reload has lost what nginx had counted")
	}
	if after["dispatcher_nginx_connections_accepted_total"] < before["dispatcher_nginx_connections_accepted_total"]+40 {
		t.Error("connections were not counted")
	}
	for name := range after {
		if _, known := before[name]; !known {
			t.Errorf("requests have made the series %s", name)
		}
	}
}

// TestMetricsOfDraining: an old worker counts for as long as it has a connection,
// and nginx's end is seen.
func TestMetricsOfDraining(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"))
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web)
	d.run("--worker-shutdown-timeout=60s")
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Half a request; nginx has read of it once it counts it.
	_, _ = io.WriteString(conn, "GET /app HTTP/1.1\r\nHost: www.example.com\r\n")
	d.measures(map[string]float64{`dispatcher_nginx_connections{state="reading"}`: 1})
	d.apply(web.paths(at("/app"), at("/new")))
	d.serves("www.example.com", "/new", "web")
	d.measures(map[string]float64{"dispatcher_nginx_workers_draining": 1, `dispatcher_turns_total{result="live"}`: 2})
	_, _ = io.WriteString(conn, "Connection: close\r\n\r\n")
	if a := exchange(conn, bufio.NewReader(conn), ""); a.Pod != "web" {
		t.Errorf("the old worker answers %+v", a)
	}
	d.measures(map[string]float64{"dispatcher_nginx_workers_draining": 0})

	// A nginx that is killed starts again, and counts anew.
	if err := syscall.Kill(d.masterPID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.eventually("nginx is seen again", func() bool {
		n := d.metrics()
		return n["dispatcher_turn_duration_seconds_count{step=\"verify\"}"] == 3 && n["dispatcher_nginx_up"] == 1
	})
	d.masterPID()
}

// TestMetricsOfFailures: DX18, DX20. What fails and what nginx refuses is counted,
// and nothing is told to be served before it is.
func TestMetricsOfFailures(t *testing.T) {
	t.Parallel()
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
	template := filepath.Join(t.TempDir(), "default-server.tmpl")
	builtIn := readFile("../../templates/default-server.tmpl")
	replaceFile(t, template, builtIn)
	thief := newBackend(t, d.addr, "thief")
	d.begin("--template-dir=" + filepath.Dir(template))
	d.eventually("the failure is counted", func() bool {
		n := d.metrics()
		_, served := n["dispatcher_hosts"]
		good, turned := n["dispatcher_last_turn_successful"]
		return turned && good == 0 && !served && n[`dispatcher_reloads_total{cause="start",result="failed"}`] >= 1 &&
			n[`dispatcher_turns_total{result="failed"}`] >= 1 && n["dispatcher_nginx_up"] == 0
	})
	_ = thief.server.Close()
	d.measures(map[string]float64{"dispatcher_last_turn_successful": 1, "dispatcher_hosts": 1, "dispatcher_nginx_up": 1, `dispatcher_turns_total{result="live"}`: 1})

	generation := d.metrics()["dispatcher_last_good_generation"]
	replaceFile(t, template, strings.Replace(builtIn, "access_log off;", "no_such_directive on;", 1))
	d.measures(map[string]float64{
		`dispatcher_reloads_total{cause="templates",result="refused"}`: 1,
		"dispatcher_last_good_generation":                              generation,
	})
	d.masterPID()
}
