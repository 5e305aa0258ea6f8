package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode/utf8"
)

// accessLine is a line of the access log.
type accessLine struct {
	Time      string  `json:"time"`
	Host      string  `json:"host"`
	Method    string  `json:"method"`
	Path      string  `json:"path"`
	Protocol  string  `json:"protocol"`
	Status    int     `json:"status"`
	BytesSent int     `json:"bytes_sent"`
	Took      float64 `json:"request_time"`
	Client    string  `json:"client"`
	Pod       string  `json:"pod"`
	PodStatus string  `json:"pod_status"`
	Connect   string  `json:"pod_connect_time"`
	Response  string  `json:"pod_response_time"`
	RequestID string  `json:"request_id"`
}

// accessLog parses all lines of stdout. It holds nothing else.
func (d *dispatcher) accessLog() (lines []accessLine) {
	d.t.Helper()
	for text := range strings.Lines(d.out()) {
		var l accessLine
		decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
		decoder.DisallowUnknownFields()
		if !utf8.ValidString(text) {
			d.t.Errorf("a line of the access log is not UTF-8: %+q", text)
		}
		if err := decoder.Decode(&l); err != nil && strings.HasSuffix(text, "\n") {
			d.t.Errorf("%v in a line of the access log: %s", err, text)
		}
		lines = append(lines, l)
	}
	return lines
}

// TestAccessLog: DX35. Each request is a line of JSON on stdout, whatever it
// holds, with several workers writing.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"))
	web.on("/app/teapot", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web)
	d.run("--worker-processes=3")
	if n := len(workers(d.masterPID())); n != 3 {
		t.Errorf("%d workers, want 3", n)
	}
	want := 0
	ask := func(raw string) answer {
		want++
		return d.send(raw)
	}
	id := d.ask("www.example.com", "/app/%20x/?token=secret").Sent.Get("X-Request-Id")
	want++
	for _, raw := range []string{
		"GET /app/teapot HTTP/1.1\r\nHost: WWW.example.com:99\r\nConnection: close\r\n\r\n",
		"GET /nowhere HTTP/1.0\r\nHost: www.example.com\r\n\r\n",
		"GET /app/\"quoted\"\\back HTTP/1.0\r\nHost: www.example.com\r\n\r\n",
		"GET /app/%00 HTTP/1.0\r\nHost: www.example.com\r\n\r\n",
		"GET /app/%01%ff%0a HTTP/1.0\r\nHost: www.example.com\r\n\r\n",
		"GET /app/\xff\xc3( HTTP/1.0\r\nHost: www.example.com\r\n\r\n",
		"GET /app HTTP/1.0\r\nHost: www\xff.example.com\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: un\"known\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET /app\r\n\r\n",
		"\x16\x03\x01\x00\r\n\r\n",
		"NONSENSE\r\n\r\n",
		"GET /app HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"\"}{ / HTTP/1.0\r\nHost: www.example.com\r\n\r\n",
	} {
		ask(raw)
	}
	var load sync.WaitGroup
	for i := range 10 {
		load.Go(func() {
			for range 20 {
				d.try("www.example.com", fmt.Sprintf("/app/%d/%s", i, strings.Repeat("x", 2000)))
			}
		})
	}
	load.Wait()
	want += 200
	d.eventually("all requests are logged", func() bool { return strings.Count(d.out(), "\n") >= want })
	lines := d.accessLog()
	if len(lines) != want {
		t.Errorf("%d lines for %d requests", len(lines), want)
	}
	find := func(what string, is func(accessLine) bool) accessLine {
		t.Helper()
		i := slices.IndexFunc(lines, is)
		if i < 0 {
			t.Fatalf("no line has %s", what)
		}
		return lines[i]
	}
	l := find("the request id that the Pod saw", func(l accessLine) bool { return l.RequestID == id })
	if l.Host != "www.example.com" || l.Method != http.MethodGet || l.Path != "/app/%20x/" || l.Protocol != "HTTP/1.1" || l.Status != http.StatusOK || l.Client != "127.0.0.1" ||
		l.Pod != fmt.Sprintf("%s:%d", web.ip, web.port) || l.PodStatus != "200" || l.Time == "" || l.BytesSent == 0 || l.Connect == "" || l.Response == "" {
		t.Errorf("line %+v", l)
	}
	if l := find("the teapot", func(l accessLine) bool { return l.Path == "/app/teapot" }); l.Status != http.StatusTeapot || l.PodStatus != "418" {
		t.Errorf("line %+v", l)
	}
	if l := find("the unknown path", func(l accessLine) bool { return l.Path == "/nowhere" }); l.Status != http.StatusNotFound || l.Pod != "" || l.PodStatus != "" {
		t.Errorf("line %+v", l)
	}
	if strings.Contains(d.out(), "secret") {
		t.Error("the query is in the access log")
	}
}

// TestAccessLogOff: a setting turns it off; then nothing is on stdout.
func TestAccessLogOff(t *testing.T) {
	t.Parallel()
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
	d.run("--access-log=false")
	d.ask("www.example.com", "/app")
	d.ask("www.example.com", "/nowhere")
	d.try("unknown", "/")
	d.signal(syscall.SIGTERM)
	d.wait()
	if out := d.out(); out != "" {
		t.Errorf("stdout holds %q", out)
	}
}

// A request that an old worker gives up is a line of JSON too: nginx has no
// status for it, and would write 000.
func TestAccessLogOfCutRequests(t *testing.T) {
	t.Parallel()
	web, gate := newPod(t, "shop", "web", at("/app")), newGate()
	web.on("/app/slow", gate.hold(web.backend))
	defer close(gate.open)
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web)
	d.run("--worker-shutdown-timeout=1s")
	go d.try("www.example.com", "/app/slow")
	<-gate.reached
	d.apply(newPod(t, "shop", "other", at("/other")))
	d.serves("www.example.com", "/other", "other")
	d.eventually("the cut request is logged", func() bool { return strings.Contains(d.out(), `"path":"/app/slow"`) })
	if i := slices.IndexFunc(d.accessLog(), func(l accessLine) bool { return l.Path == "/app/slow" }); i < 0 {
		t.Errorf("the access log is %s", d.out())
	}
}
