package traffic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/explain"
	"github.com/30x/dispatcher/pkg/explain/explanation"
)

// TestExplanations: what a Dispatcher says of a URL is what its nginx does with a request
// for it: who answers, with which status, with which URI, and whether the connection is
// closed. DF11, DF12, DF14, DF15, DF16, DF19, DX26, DX30, KF1, HF2, HF3, EF4.
func TestExplanations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secure bool
		flags  []string
	}{
		"HTTP":            {false, []string{"--endpoints=reload", "--default-namespace=tenant-0"}},
		"endpoints told":  {false, []string{"--trusted-proxies=127.0.0.0/8"}},
		"TLS":             {true, []string{"--default-namespace=tenant-0", "--default-location-return=444"}},
		"TLS and reloads": {true, []string{"--endpoints=reload"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]int{}
			for seed := range uint64(6) {
				g := explained{t, rand.New(rand.NewPCG(seed, uint64(len(name))))}
				d := prepare(t)
				if c.secure {
					d = prepareTLS(t)
				}
				objects := g.objects(d, c.secure)
				d.applyList(objects...)
				d.run(append(c.flags, "--endpoint-allow=127.0.0.0/8", "--worker-processes=1")...)
				for range 150 {
					d.compare(g.request(c.secure, declared(objects)), seen)
				}
				if t.Failed() {
					t.Fatalf("world %d", seed)
				}
			}
			for _, what := range []string{"pod", "nginx", "closed", "one", "hash", "source", "API key", "wildcard", "too deep"} {
				if seen[what] < 5 {
					t.Errorf("the worlds are too poor in %s: %v", what, seen)
				}
			}
			t.Log(seen)
		})
	}
}

// declared are the paths of the Pods, as clients write them.
func declared(objects []metav1.Object) (out []string) {
	for _, o := range objects {
		var entries []entry
		if p, ok := o.(*pod); ok && json.Unmarshal([]byte(p.Annotations[pathsKey]), &entries) == nil {
			for _, e := range entries {
				out = append(out, strings.TrimSuffix(e["basePath"].(string), "/"))
			}
		}
	}
	return append(out, "/out")
}

// compare asks nginx and Dispatcher for the same.
func (d *dispatcher) compare(r request, seen map[string]int) {
	d.t.Helper()
	got := d.explain(r)
	name, _, _ := strings.Cut(strings.ToLower(r.host), ":")
	raw := get(r.host, r.uri, append([]string{"Connection: close"}, r.headers...)...)
	var is answer
	if r.secure {
		is = d.sendTLS(hello(strings.TrimSuffix(name, ".")), raw)
		if is.Err != nil && strings.Contains(is.Err.Error(), "unrecognized name") {
			is.Err = io.EOF // the handshake was refused, which is a closed connection, too
		}
	} else {
		is = d.send(raw)
	}
	seen[string(got.Answer.By)]++
	seen[string(got.Host.Match)]++
	if got.Policy != nil {
		seen[got.Policy.Name]++
	}
	for _, demand := range got.Demands {
		seen[string(demand.What)]++
		if demand.What == explanation.DemandKey && demand.Met == explanation.Unknown && !r.keyed && is.Status == http.StatusForbidden {
			return // it is taken to be brought
		}
	}
	if why := disagree(got, is); why != "" {
		var text strings.Builder
		_ = got.Write(&text)
		d.t.Errorf("%s %q: %s: nginx answers with %d by %q at %q, %v\n%s", r.url(), r.headers, why, is.Status, is.Pod, is.URI, is.Err, &text)
	}
}

// disagree says in what an explanation and an answer differ; "" if in nothing.
func disagree(got *explain.Explanation, is answer) string {
	a := got.Answer
	switch {
	case is.Status == 0 && !is.closed():
		return "no answer"
	case is.closed() != (a.By == explanation.Closed):
		return "closed"
	case is.closed():
	case is.Pod == "":
		if a.Status != is.Status || a.Served != (is.Status < 400) {
			return "status"
		}
		if to := is.Received.Get("Location"); is.Status == http.StatusPermanentRedirect && to != a.To {
			return "redirect to " + to
		}
	case a.By != explanation.ByPod || !a.Served || a.Status != 0:
		return "a Pod answers"
	case got.Target != is.URI:
		return "target"
	default:
		for _, p := range got.Pods {
			if _, name, _ := strings.Cut(p.Name, "/tenant-0/"); p.Answers && (strings.HasSuffix(p.Name, "/"+is.Pod) || name == "outside" && is.Pod == "outside") {
				return ""
			}
		}
		return "who"
	}
	return ""
}

// explain asks Dispatcher's admin port.
func (d *dispatcher) explain(r request) *explain.Explanation {
	d.t.Helper()
	form := url.Values{"url": {r.url()}, "header": r.headers, "client": {"127.0.0.1"}}
	status, text := d.probe("/api/explain?" + form.Encode())
	got := &explain.Explanation{}
	if err := json.Unmarshal([]byte(text), got); err != nil || status != http.StatusOK {
		d.t.Fatalf("%s: %d %s", r.url(), status, text)
	}
	return got
}

// TestExplainCommand: the command asks a running Dispatcher, tells by its exit code
// whether somebody answers, and shows no key (DX25).
func TestExplainCommand(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"))
	d := start(t, namespace("shop", "www.example.com"), secret("shop", "routing", "api-key", "a-secret-key"), web)
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"www.example.com/app/x", 0, []string{"Pod/shop/web answers, if the request brings the API key", net.JoinHostPort(web.ip, strconv.Itoa(web.port))}},
		{"www.example.com/app/x --header X-ROUTING-API-KEY:YS1zZWNyZXQta2V5", 0, []string{"Pod/shop/web answers\n"}},
		{"www.example.com/app/x --header X-ROUTING-API-KEY:wrong --output=json", 1, []string{`"status": 403`}},
		{"other.example.com/", 1, []string{"the connection is closed"}},
		{"pod shop/web", 0, []string{"serves"}},
		{"pod shop/other", 1, []string{"no such Pod"}},
		{"www.example.com:x/", 2, []string{"not a port"}},
	} {
		out, err := exec.Command(d.programs.Dispatcher, append([]string{"explain", "--from=" + d.admin}, strings.Fields(c.args)...)...).CombinedOutput()
		code, failed := 0, (*exec.ExitError)(nil)
		switch {
		case errors.As(err, &failed):
			code = failed.ExitCode()
		case err != nil:
			t.Fatal(err)
		}
		for _, want := range c.want {
			if code != c.code || !strings.Contains(string(out), want) {
				t.Errorf("explain %s ends with %d, want %d and %q:\n%s", c.args, code, c.code, want, out)
			}
		}
		for _, key := range []string{"a-secret-key", "YS1zZWNyZXQta2V5", "wrong"} {
			if strings.Contains(string(out), key) {
				t.Errorf("explain %s shows the key %s:\n%s", c.args, key, out)
			}
		}
	}
	if status, text := d.probe("/api/explain"); status != http.StatusBadRequest || !strings.Contains(text, "?url=") {
		t.Errorf("without a question: %d %s", status, text)
	}
	if status, text := d.probe("/api/explain?url=" + url.QueryEscape("www.example.com/") + "&client=x"); status != http.StatusBadRequest {
		t.Error(fmt.Sprint(status), text)
	}
}
