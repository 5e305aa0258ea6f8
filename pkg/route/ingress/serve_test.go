package ingress

import (
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/route/table"
)

// EF3: what annotations ask for holds as for Pods, the Ingress' before the Service's.
// EF4, EX4: source ranges of the Ingress, the Service's annotation and its
// loadBalancerSourceRanges all count.
func TestOptions(t *testing.T) {
	opts := options()
	opts.Overrides = []string{"pins"}
	for name, c := range map[string]struct{ annotations, spec, served, told string }{
		"on all paths":     {"example.com/targetPath: /api, example.com/balance: random", rules("a.dev /x:a =/y:a"), "a.dev\n  /x 10.0.0.1:8080 as /api random\n  =/y 10.0.0.1:8080 as /api random", ""},
		"one Pod":          {"example.com/policy: one", rules("a.dev /:a"), "a.dev\n  / 10.0.0.1:8080 one", ""},
		"before others's":  {"example.com/readTimeout: 7s", rules("a.dev /:s"), "a.dev\n  / 203.0.113.4:8080 203.0.113.5:8080 [10.1.0.0/16] 7s", ""},
		"ranges (EF4)":     {"example.com/allowSourceRanges: 1.2.3.4/32", rules("a.dev /:a"), "a.dev\n  / 10.0.0.1:8080 [1.2.3.4/32]", ""},
		"all ranges (EX4)": {"example.com/allowSourceRanges: '10.1.2.0/24,192.0.2.0/24'", rules("a.dev /:s"), "a.dev\n  / 203.0.113.4:8080 203.0.113.5:8080 [10.1.2.0/24] 300s", ""},
		"none in common (EX4)": {"example.com/allowSourceRanges: 192.0.2.0/24", rules("a.dev /:s"), "a.dev\n  / 203.0.113.4:8080 203.0.113.5:8080 [0.0.0.0/32] 300s",
			`i: example.com/allowSourceRanges: all requests for "/" are answered with 403: these networks and those of Service s have no client in common`},
		"wrong ranges (EX4)": {"example.com/allowSourceRanges: 1.2.3.4/99", rules("a.dev /:s"), "a.dev\n  / 203.0.113.4:8080 203.0.113.5:8080 [0.0.0.0/32] 300s",
			`i: example.com/allowSourceRanges: all requests are answered with 403: "1.2.3.4/99"`},
		"wrong policy": {"example.com/policy: One", rules("a.dev /:a"), "a.dev\n  /", `i: example.com/policy: all requests are answered with 503: "One"`},
		"challenges (EF6)": {"example.com/auth: required", rules("a.dev /.well-known/acme-challenge/t0:a /x:a /.well-known/acme-challengex:a /.well-known:a", "b.dev =/.well-known/acme-challenge/t1:a /.well-known/acme-challenge/:a"),
			"a.dev\n  /.well-known 10.0.0.1:8080 auth\n  /.well-known/acme-challenge/t0 10.0.0.1:8080 acme\n  /.well-known/acme-challengex 10.0.0.1:8080 auth\n  /x 10.0.0.1:8080 auth\n" +
				"b.dev\n  /.well-known/acme-challenge 10.0.0.1:8080 acme\n  =/.well-known/acme-challenge/t1 10.0.0.1:8080 acme", ""},
		"without a key":       {"example.com/policy: hash", rules("a.dev /:a"), "a.dev\n  / hash", "i: example.com/key: all requests are answered with 503: policy \"hash\" needs to know"},
		"no such ConfigMap":   {"example.com/policy: hash, example.com/key: host, example.com/overrides: other", rules("a.dev /:a"), "a.dev\n  / 10.0.0.1:8080 hash", "i: example.com/overrides: it has no effect: Dispatcher reads no ConfigMap other; have the operator add it to OVERRIDES"},
		"overrides":           {"example.com/policy: hash, example.com/key: host, example.com/overrides: pins", rules("a.dev /:a", "b.dev /:a"), "a.dev\n  / 10.0.0.1:8080 hash\nb.dev\n  / 10.0.0.1:8080 hash", "ConfigMap/shop/pins: data.y: the override is dropped"},
		"without the policy":  {"example.com/readyGrace: 5s", rules("a.dev /:a /x:a"), "a.dev\n  / 10.0.0.1:8080\n  /x 10.0.0.1:8080", "i: example.com/readyGrace: it has no effect with policy"},
		"what nginx can't do": {"example.com/sticky: c, example.com/slowStart: 5s", rules("a.dev /:a /x:a"), "a.dev\n  / 10.0.0.1:8080\n  /x 10.0.0.1:8080", "i: example.com/sticky: it has no effect: it needs nginx 1.29.6\ni: example.com/slowStart: it has no effect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := opts
			opts.Dynamic, opts.Sticky = name != "what nginx can't do", name != "what nginx can't do"
			pins := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: shop, name: pins}\ndata: {x: a, 'y': b}\n"
			check(t, base+pins+ingressOf("i", 1, c.spec, c.annotations), opts, c.served, c.told)
		})
	}
}

// What is wrong with an option is told to the object that it comes from.
func TestOptionsOfServices(t *testing.T) {
	yaml := strings.Replace(base, "name: a}\nspec", "name: a, annotations: {example.com/policy: hash, example.com/sticky: c}}\nspec", 1)
	check(t, yaml+ingressOf("i", 1, rules("a.dev /:a")), options(), "a.dev\n  / hash",
		"Service/shop/a: example.com/sticky: it has no effect with policy \"hash\"\nService/shop/a: example.com/key: all requests are answered with 503")
	check(t, yaml+ingressOf("i", 1, rules("a.dev /:a"), "example.com/policy: balance"), options(), "a.dev\n  / 10.0.0.1:8080", "")
}

// A grace that ends changes what is served, so it is said when.
func TestUntil(t *testing.T) {
	yaml := strings.Replace(base, "'True'", "'False'", 1) + ingressOf("i", 1, rules("a.dev /:a"), "example.com/policy: one, example.com/readyGrace: 20s") +
		ingressOf("j", 2, rules("a.dev /x:a /y:a"), "example.com/policy: one, example.com/readyGrace: 10s") + ingressOf("k", 3, rules("a.dev /z:a"), "example.com/policy: one, example.com/readyGrace: 15s") +
		ingressOf("l", 4, rules("a.dev /plain:b"))
	s := world(t, yaml)
	for _, c := range []struct {
		now, until int64
		endpoints  int
	}{{105, 111, 1}, {111, 116, 1}, {116, 121, 1}, {121, 0, 0}} {
		opts := options()
		opts.Now = c.now
		s.Pods[0].WasReady = append(s.Pods[0].WasReady[:0:0], struct{ From, To int64 }{50, 100})
		out := Translate(input(s, opts), opts)
		up := out.Hosts[0].Locations[0].Upstream
		if out.Until != c.until || len(up.Endpoints) != c.endpoints {
			t.Errorf("at %d: until %d, %v", c.now, out.Until, up.Endpoints)
		}
	}
}

// Nothing is told of what nobody asks for.
func TestOldNginx(t *testing.T) {
	opts := options()
	opts.Dynamic, opts.Sticky, opts.Overrides = false, false, nil
	check(t, base+ingressOf("i", 1, rules("a.dev /:a")), opts, "a.dev\n  / 10.0.0.1:8080", "")
}

// Locations share nothing that is given a name later.
func TestUpstreamsAreApart(t *testing.T) {
	s := world(t, base+ingressOf("i", 1, rules("a.dev /:a /x:a")))
	out := Translate(input(s, options()), options())
	seen := map[*table.Upstream]bool{}
	for _, l := range out.Hosts[0].Locations {
		seen[l.Upstream] = true
		if l.From.Name != "shop" || l.Ref.Name != "i" || !strings.HasPrefix(l.Place, "spec.rules[0].http.paths[") || len(l.Upstream.Endpoints) != 1 {
			t.Errorf("%+v", l)
		}
	}
	if h := out.Hosts[0]; len(seen) != 2 || h.Ref.Name != "i" || h.Place != "spec.rules[0].host" {
		t.Errorf("%+v", h)
	}
}

// EX8: whoever serves is asked for the option's host, else for what the Service stands
// for; else for the client's.
func TestBackendHost(t *testing.T) {
	const outside = "---\napiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: out}\nspec: {type: ExternalName, externalName: API.example.com., ports: [{port: 443}]}\n"
	for _, c := range []struct{ service, annotation, want string }{
		{"a", "", ""}, {"a", "backendHost: b.example", "b.example"}, {"out", "", "api.example.com"}, {"out", "backendHost: b.example", "b.example"},
	} {
		path := "rules: [{host: a.dev, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: " + c.service + ", port: {number: " + map[string]string{"a": "80", "out": "443"}[c.service] + "}}}}]}}]"
		annotations := []string{prefix + "backendProtocol: https"}
		if c.annotation != "" {
			annotations = append(annotations, prefix+c.annotation)
		}
		s := world(t, base+outside+ingressOf("i", 1, path, annotations...))
		out := Translate(input(s, options()), options())
		if b := out.Hosts[0].Locations[0].Backend; !b.HTTPS || b.Host.String() != c.want {
			t.Errorf("%s, %q: %+v, want %q", c.service, c.annotation, b, c.want)
		}
	}
}
