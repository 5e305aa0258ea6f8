package fuzz

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/nginxlex"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/healthcheck"
	"github.com/30x/dispatcher/test/internal/corridor"
	"github.com/30x/dispatcher/test/internal/judge"
)

// FuzzAnnotations: whatever one tenant writes, the configuration has the same
// shape as for harmless texts, holds nothing but the fixed directives, leaves the
// other tenants' part alone, and nothing is dropped in silence (DX3, DX5–DX9,
// DX12, DX21, DX28).
func FuzzAnnotations(f *testing.F) {
	for _, h := range seeds() {
		f.Add(h.hosts, h.paths, h.label, h.ip, h.probePath, h.headerName, h.headerVal, h.probePort)
	}
	t := newTrial(f)
	f.Fuzz(func(tb *testing.T, hosts, paths, label, ip, probePath, headerName, headerVal string, probePort int32) {
		t.run(tb, hostile{hosts, paths, label, ip, probePath, headerName, headerVal, probePort})
	})
}

// FuzzValues is FuzzAnnotations with well-formed JSON, so that the fuzzer spends
// its time on what stands in it.
func FuzzValues(f *testing.F) {
	for _, c := range []string{"", ";", "{", "$", "\n", "%3B", "%C3%A9", "..", "é", "\"", "#"} {
		f.Add("a.example"+c, "/x"+c, "/y"+c, "3000", "1", "prefix")
		f.Add(c+"*.a.example", "/x/"+c+"/", c+"/", "http", "7", "exact")
		f.Add("shared.example", c, "/", "80"+c, c, c)
	}
	t := newTrial(f)
	f.Fuzz(func(tb *testing.T, host, path, target, port, weight, match string) {
		entry := map[string]string{"basePath": path, "containerPort": port, "targetPath": target, "weight": weight, "match": match}
		plain := map[string]any{"basePath": path, "containerPort": 443}
		paths, err := json.Marshal([]any{entry, plain})
		if err != nil {
			tb.Fatal(err)
		}
		hosts, err := json.Marshal(map[string]any{host: nil, "own.example": nil})
		if err != nil {
			tb.Fatal(err)
		}
		t.run(tb, hostile{hosts: string(hosts), paths: string(paths), ip: "10.0.0.9", probePath: path, headerName: weight, headerVal: target, probePort: 80})
	})
}

// Our lexer reads what is rendered like one that is not ours.
func TestLexersAgree(t *testing.T) {
	c := newCorridor(t)
	for _, h := range seeds() {
		_, _, files := walk(t, c, append(neighbours(), h.objects()...))
		nodes, err := judge.New().Check(string(files.Conf))
		if err != nil {
			t.Fatal(err)
		}
		lexersAgree(t, string(files.Conf), nodes)
	}
}

// trial is what does not change from one hostile tenant to the next.
type trial struct {
	corridor *corridor.Corridor
	judge    *judge.Judge
	older    *route.Table
	before   []*nginxlex.Node
	request  healthcheck.Request
}

func newTrial(tb testing.TB) *trial {
	tb.Helper()
	c := newCorridor(tb)
	table, _, files := walk(tb, c, neighbours())
	before, err := judge.New().Check(string(files.Conf))
	if err != nil {
		tb.Fatal(err)
	}
	harmless := hostile{hosts: `{"a.example": {}}`, paths: `[{"basePath": "/", "containerPort": 3000}]`, ip: "10.0.0.3", probePath: "/", headerName: "A", headerVal: "b", probePort: 3000}
	with, problems, _ := walk(tb, c, harmless.objects())
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	return &trial{c, judge.New(), table, before, with.Hosts[0].Locations[0].Upstream.HealthCheck.Request}
}

func (t *trial) run(tb testing.TB, h hostile) {
	tb.Helper()
	table, problems, files := walk(tb, t.corridor, append(neighbours(), h.objects()...))
	plainProblems(tb, problems)
	sane(tb, table)
	nothingLost(tb, h, table, problems)

	conf := string(files.Conf)
	nodes, err := t.judge.Check(conf)
	if err != nil {
		tb.Fatal(err)
	}
	untouched(tb, t.older, t.before, nodes)

	w := newTwin(tb, t.request)
	harmless, err := t.corridor.Render(w.table(table))
	if err != nil {
		tb.Fatal(err)
	}
	twinNodes, err := t.judge.Check(string(harmless.Conf))
	if err != nil {
		tb.Fatal(err)
	}
	got, want := w.shape("", nodes, true), w.shape("", twinNodes, false)
	if got == want {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			tb.Fatalf("the shape differs from that of harmless texts:\ngot  %s\nwant %s", a[i], b[i])
		}
	}
	tb.Fatalf("the shape has %d lines, with harmless texts %d", len(a), len(b))
}

// seeds are the injections that worked in the original, and its examples.
func seeds() []hostile {
	good := hostile{
		hosts: `{"test.k8s.local": {}}`, paths: `[{"basePath": "/nodejs", "containerPort": "3000"}]`, label: "some-org", ip: "10.244.69.6",
		probePath: "/status", headerName: "X-Probe", headerVal: "kubelet", probePort: 3000,
	}
	with := func(change func(*hostile)) hostile {
		h := good
		change(&h)
		return h
	}
	hosts := func(text string) hostile { return with(func(h *hostile) { h.hosts = text }) }
	paths := func(text string) hostile { return with(func(h *hostile) { h.paths = text }) }
	list := []hostile{
		good,
		hosts(`{"host1.example": {}, "host2.example": null}`),
		hosts(`{"*.wild.example": {}, "10.1.2.3": {}, "shared.example": {}, "SHOP.example.": {}}`),
		hosts(`{"a.com": {"ssl": {}}}`),                                             // DX9
		hosts(`{"x; } server { listen 81; return 200 pwned; } #": {}, "y.com": 7}`), // DX7
		hosts(`{"../../../tmp/x": {}, "~^.*$": {}, "_": {}, "": {}}`),
		hosts(`{"` + strings.Repeat("h", 55) + "." + strings.Repeat("i", 16) + `.example": {}}`), // DX21
		hosts(`{“curly.example”: {}}`),
		hosts(`["a.example"]`),
		paths(`[{"basePath": "/", "containerPort": "80"},{"basePath": "/nodejs", "containerPort": "3000"}]`),
		paths(`[{"basePath": "/foo", "containerPort": 3000, "targetPath": "/bar", "weight": 3}]`),
		paths(`[{"basePath": "/x", "containerPort": "+443"}, {"basePath": "/y", "containerPort": "0443"}]`),                                                        // DX3
		paths(`[{"basePath": "/x { return 200 pwned; } location /y", "containerPort": 3000}]`),                                                                     // DX5
		paths(`[{"basePath": "/x\nreturn 200;", "containerPort": 3000}]`),                                                                                          // DX5
		paths(`[{"basePath": "/x", "containerPort": 3000, "targetPath": "/y; } location /z { return 200 pwned; } #"}]`),                                            // DX6
		paths(`[{"basePath": "m/b", "containerPort": 3000}, {"basePath": "/m/b", "containerPort": 3000}]`),                                                         // DX12
		paths(`[{"basePath": "/(a+)+*", "containerPort": 3000, "targetPath": "/(b)"}, {"basePath": "/` + strings.Repeat("p", 1999) + `", "containerPort": 3000}]`), // DX21
		paths(`[{"basePath": "= /x", "containerPort": 3000}, {"basePath": "~ ^/", "containerPort": 3000}, {"basePath": "@n", "containerPort": 3000}]`),             // DX28
		paths(`[{"basePath": "/x/", "containerPort": 3000, "match": "exact", "targetPath": "/"}, {"basePath": "/x", "containerPort": 80, "targetPath": "/"}]`),
		paths(`[{"basePath": "/a/b/c/", "containerPort": 3000, "match": "exact"}, {"basePath": "/a", "containerPort": 80, "targetPath": "/caf%C3%A9"}]`),
		paths(`[{"basePath": "/%C3%A9", "containerPort": "http", "targetPath": "/%7E%C3%A9"}, {"basePath": "/$host", "containerPort": 80}, 7, null, {}]`),
		paths(`[{"basePath": "/x", "containerPort": 3000, "targetPath": "/` + strings.Repeat("%C3%A9", 900) + `"}]`),
		with(func(h *hostile) { h.probePath = `/"; } server { listen 81; } #` }), // DX8
		with(func(h *hostile) { h.probePath = "/" + strings.Repeat("x", 5000) }),
		with(func(h *hostile) { h.headerName, h.headerVal = "X: y\r\nZ", `"; }` }),
		with(func(h *hostile) { h.probePort = 8443 }),
		with(func(h *hostile) { h.ip = "fd00::1" }),
		with(func(h *hostile) { h.ip = "10.0.0.1; }" }),
		with(func(h *hostile) { h.ip = "fe80::1%eth0" }),
		with(func(h *hostile) { h.label = "a\n  } include /etc/passwd; #" }),
	}
	// Each character that means something somewhere, alone.
	for _, c := range ";{}#$'?~=@*%&<>|^`[]() \\\"" {
		text := strconv.Quote("/a" + string(c) + "b")
		list = append(list,
			paths(`[{"basePath": `+text+`, "containerPort": 3000}, {"basePath": "/t", "containerPort": 3000, "targetPath": `+text+`}]`),
			with(func(h *hostile) { h.probePath = "/a" + string(c) + "b" }),
			with(func(h *hostile) { h.headerVal = "a" + string(c) + "b" }),
			with(func(h *hostile) { h.headerName = "a" + string(c) + "b" }),
			hosts(`{`+strconv.Quote("a"+string(c)+"b.example")+`: {}}`))
	}
	return list
}
