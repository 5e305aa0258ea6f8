package fuzz

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/explain"
	"github.com/30x/dispatcher/pkg/explain/explanation"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/test/internal/corridor"
	"github.com/30x/dispatcher/test/internal/judge"
)

// TestExplanations: what explain says of a URL is what nginx does by the configuration
// that is rendered of the same objects: which host and location, with which status, to
// which Pods and with which URI. An own reading of that configuration is the judge.
func TestExplanations(t *testing.T) {
	folder := t.TempDir()
	ca := pki.NewAuthority(t, "explained")
	chain, key := ca.Server(t, []string{"default.example"})
	for name, text := range map[string]string{"crt": chain, "key": key} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tls := []string{"--ssl-cert=" + filepath.Join(folder, "crt"), "--ssl-key=" + filepath.Join(folder, "key")}
	served, servedKey := ca.Server(t, []string{"a.example", "b.example", "*.b.example"})
	for name, flags := range map[string][]string{
		"endpoints in the text": nil,
		"endpoints told":        {"--endpoints=dynamic"},
		"TLS":                   append(tls, "--default-namespace=tenant-0"),
		"TLS and a default":     append(tls, "--endpoints=dynamic", "--default-location-return=http://127.0.0.1:9/up/"),
		"odd defaults":          {"--default-location-return=444", "--nginx-status-path=/a", "--pod-hosts=open", "--default-namespace=tenant-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := corridor.New(nil, flags...)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]int{}
			const worlds = 40
			for seed := range uint64(worlds) {
				g := generator{rand.New(rand.NewPCG(seed, 7))}
				objects := g.explained(served, servedKey)
				compareWorld(t, g, c, objects, seen)
				if t.Failed() {
					t.Fatalf("world %d:\n%s", seed, describe(objects))
				}
			}
			for _, what := range []string{"pod", "nginx", "closed", "hash", "one", "source", "too deep", "target"} {
				if seen[what] < worlds/4 {
					t.Errorf("the worlds are too poor in %s: %v", what, seen)
				}
			}
			t.Log(seen)
		})
	}
}

func compareWorld(t *testing.T, g generator, c *corridor.Corridor, objects []metav1.Object, seen map[string]int) {
	t.Helper()
	cache := c.NewCache()
	for _, o := range objects {
		if _, err := cache.Set(o); err != nil {
			t.Fatal(err)
		}
	}
	snapshot := cache.Snapshot()
	table, problems := route.Build(snapshot, c.Options)
	files, err := c.Render(table)
	if err != nil {
		t.Fatal(err)
	}
	j := judge.New()
	j.DefaultReturn = c.Params.DefaultReturn
	nodes, err := j.Check(string(files.Conf))
	if err != nil {
		t.Log(err) // other tests are there to say so
	}
	nginx := simulate(nodes)
	world := explain.World{Table: table, Snapshot: snapshot, Problems: problems, Settings: explain.Settings{
		Options: c.Options, Selector: "routable", DefaultReturn: c.Params.DefaultReturn, StatusPath: c.Params.StatusPath, SSLPort: c.Params.SSLPort,
		APIKeyHeader: c.Params.APIKeyHeader, Time: func(unix int64) string { return fmt.Sprint(unix) },
	}}
	for range 60 {
		compareRequest(t, g, c, world, nginx, seen)
	}
}

// compareRequest asks both for the same URL.
func compareRequest(t *testing.T, g generator, c *corridor.Corridor, world explain.World, nginx *simulated, seen map[string]int) {
	t.Helper()
	a := asked{secure: g.percent(30), host: g.pick("a.example", "b.example", "c.example", "d.example", "w.b.example", "x.b.example", "x.w.b.example", "10.0.0.1", "nobody.example"), headers: map[string]string{}}
	a.client = netip.MustParseAddr(g.pick("192.0.2.1", "192.0.2.9", "203.0.113.1", "2001:db8::1"))
	for range g.IntN(4) {
		a.path += "/" + g.pick("a", "b", "a-b", "a.b", "caf\xc3\xa9", "(x)*", "B")
	}
	if h := world.Table.Hosts; len(h) > 0 && g.percent(70) { // rather where something is
		v := h[g.IntN(len(h))]
		if name := v.Name.String(); name != "" {
			a.host = strings.Replace(name, "*", "w", 1)
		}
		if n := len(v.Locations); n > 0 {
			a.path = strings.TrimSuffix(v.Locations[g.IntN(n)].Path.String(), "/") + g.pick("", "", "/a", "/b/a", a.path)
		}
	}
	if a.path == "" || g.percent(20) && !strings.HasSuffix(a.path, "/") {
		a.path += "/"
	}
	if g.percent(5) {
		a.path = c.Params.StatusPath
	}
	var hidden bool
	a.uri, hidden = g.disguise(a.path)
	if g.percent(30) {
		a.args = g.pick("k=a", "k=B&x=1", "x=2", "K=default")
		a.uri += "?" + a.args
	}
	q := explain.Query{URL: map[bool]string{true: "https://", false: "http://"}[a.secure] + g.pick(a.host, strings.ToUpper(a.host), a.host+".", a.host+":8080") + a.uri, Client: a.client}
	send := func(name, value string) {
		a.headers[strings.ReplaceAll(strings.ToLower(name), "-", "_")] = value
		q.Headers = append(q.Headers, name+": "+value)
	}
	keyed := g.percent(70)
	if keyed {
		send(c.Params.APIKeyHeader, g.pick(base64.StdEncoding.EncodeToString([]byte("secret")), "secret", ""))
	}
	if g.percent(30) {
		send("X-Key", g.pick("a", "b", "default"))
	}
	got, err := explain.URL(world, q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	if !c.Options.TLS && a.secure {
		if got.Answer.By != explanation.Closed {
			t.Errorf("%s: %+v without TLS", q.URL, got.Answer)
		}
		return
	}
	want := nginx.answer(a)
	seen[string(got.Answer.By)]++
	seen[string(got.Host.Match)]++
	if got.Policy != nil {
		seen[got.Policy.Name]++
	}
	for _, d := range got.Demands {
		seen[string(d.What)]++
	}
	if want.upstream != "" && want.uri != a.uri {
		seen["target"]++
	}
	if demand := got.Demands; want.status == 403 && !keyed && slices.ContainsFunc(demand, func(d explanation.Demand) bool {
		return d.What == explanation.DemandKey && d.Met == explanation.Unknown
	}) {
		seen["key not told"]++
		return // explain takes it to be right
	}
	if got.Path != a.path {
		t.Errorf("%s: the path is %q, want %q", q.URL, got.Path, a.path)
	}
	if why := differ(got, want, world.Table, hidden); why != "" {
		var text strings.Builder
		_ = got.Write(&text)
		t.Errorf("%s %q from %s: %s\nnginx: %+v\nexplained: %s", q.URL, q.Headers, q.Client, why, want, &text)
	}
}

// differ says in what an explanation and an outcome differ.
func differ(got *explain.Explanation, want outcome, table *route.Table, hidden bool) string {
	endpoints, found := endpointsOf(table, want.upstream)
	if found && len(endpoints) == 0 {
		want = outcome{status: 503} // that is what nginx is told to ask then
	}
	var addresses []string
	for _, p := range got.Pods {
		if p.Answers {
			addresses = append(addresses, p.Address)
		}
	}
	slices.Sort(addresses)
	switch a := got.Answer; {
	case hidden && a.Status == 400:
		return "" // the judge has no eye for it
	case want.closed:
		if a.By != explanation.Closed || a.Served {
			return "the connection is closed"
		}
	case want.upstream != "":
		if a.By != explanation.ByPod || !a.Served || a.Status != 0 {
			return "a Pod answers"
		}
		if !slices.Equal(addresses, endpoints) {
			return fmt.Sprintf("%v answer, not %v", endpoints, addresses)
		}
		if !hidden && got.Target != want.uri {
			return fmt.Sprintf("the Pod gets %s, not %s", want.uri, got.Target)
		}
	case want.status == 0:
		if a.By != explanation.ByDefault || a.To == "" {
			return "the default answers"
		}
	case want.status == 308:
		if a.By != explanation.ByRedirect || a.To != want.to {
			return "it is redirected"
		}
	case a.Status != want.status || a.Served != (want.status < 400):
		return "nginx has its own answer"
	}
	return ""
}

// endpointsOf are the addresses of an upstream, sorted.
func endpointsOf(table *route.Table, name string) (out []string, found bool) {
	for _, h := range table.Hosts {
		for _, l := range h.Locations {
			if l.Upstream.Name == name {
				found = true
				for _, e := range l.Upstream.Endpoints {
					out = append(out, e.Addr.String())
				}
			}
			if l.Upstream.Keyed == nil {
				continue
			}
			for _, m := range l.Upstream.Keyed.Members {
				if m.Upstream == name {
					found = true
					if m.Endpoint != nil {
						out = append(out, m.Endpoint.Addr.String())
					}
				}
			}
		}
	}
	slices.Sort(out)
	return out, found
}
