package ingress

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/backend"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/source/manifest"
)

const prefix = "example.com/"

// options are those of an operator who lets everything be.
func options() Options {
	return Options{
		Options: backend.Options{Prefix: prefix}, Class: "dispatcher", Controller: "example.com/controller",
		TLS: true, DefaultNamespace: "shop", Overrides: []string{"*"}, Dynamic: true, Sticky: true, Now: 1000,
	}
}

// world is what is known of a cluster with these objects.
func world(t testing.TB, yaml string) *cluster.Snapshot {
	t.Helper()
	file, err := manifest.Parse("test", []byte(yaml))
	if err != nil || len(file.Mistakes)+len(file.Broken) > 0 {
		t.Fatal(err, file)
	}
	objects, problems := manifest.Objects([]*manifest.File{file})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	interest := cluster.Interest{Services: true, Overrides: []string{"*"}}
	for _, f := range option.Fields() {
		interest.ServiceAnnotations = append(interest.ServiceAnnotations, prefix+f.Name)
	}
	cache := cluster.NewCache(labels.Nothing(), interest)
	for _, o := range objects {
		if _, err := cache.Set(o); err != nil {
			t.Fatal(err)
		}
	}
	return cache.Snapshot()
}

// base are Services a and b with a Pod each, and s outside the cluster.
const base = `---
apiVersion: v1
kind: Service
metadata: {namespace: shop, name: a}
spec: {selector: {app: a}, ports: [{name: web, port: 80}, {port: 81}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {namespace: shop, name: a-1, labels: {kubernetes.io/service-name: a}}
addressType: IPv4
ports: [{name: web, port: 8080}]
endpoints: [{addresses: [10.0.0.1], targetRef: {kind: Pod, name: a}}]
---
apiVersion: v1
kind: Pod
metadata: {namespace: shop, name: a}
status: {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: 'True', lastTransitionTime: '1970-01-01T00:01:40Z'}]}
---
apiVersion: v1
kind: Service
metadata: {namespace: shop, name: b}
spec: {selector: {app: b}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {namespace: shop, name: s, annotations: {example.com/allowSourceRanges: 10.0.0.0/8, example.com/readTimeout: 5m}}
spec: {ports: [{port: 80, targetPort: 80}], loadBalancerSourceRanges: [1.2.3.4/32, 10.1.0.0/16]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {namespace: shop, name: s-1, labels: {kubernetes.io/service-name: s}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [203.0.113.4]}, {addresses: [203.0.113.5]}]
`

// ingress is an Ingress that is so many seconds old, with the fields of its spec.
func ingressOf(name string, created int, spec string, annotations ...string) string {
	return fmt.Sprintf("---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {namespace: shop, name: %s, creationTimestamp: '1970-01-01T00:00:%02dZ', annotations: {%s}}\nspec: {%s}\n",
		name, created, strings.Join(annotations, ", "), spec)
}

// rules are rules of hosts and paths: "a.dev /x:a /=y:b" is two paths of one host, of
// which the second is exact.
func rules(words ...string) string {
	var out []string
	for _, rule := range words {
		host, rest, _ := strings.Cut(rule, " ")
		var paths []string
		for _, p := range strings.Fields(rest) {
			path, service, _ := strings.Cut(p, ":")
			kind := "Prefix"
			if exact, ok := strings.CutPrefix(path, "="); ok {
				path, kind = exact, "Exact"
			}
			paths = append(paths, fmt.Sprintf("{path: '%s', pathType: %s, backend: %s}", path, kind, to(service)))
		}
		text := "{"
		if host != "-" {
			text += "host: '" + host + "', "
		}
		out = append(out, text+"http: {paths: ["+strings.Join(paths, ", ")+"]}}")
	}
	return "rules: [" + strings.Join(out, ", ") + "]"
}

func to(service string) string {
	return "{service: {name: " + service + ", port: {number: 80}}}"
}

// translate gives what is served, and what was told, a line each.
func translate(t testing.TB, yaml string, opts Options) (served, told string) {
	t.Helper()
	out := Translate(input(world(t, yaml), opts), opts)
	var lines []string
	for _, h := range out.Hosts {
		lines = append(lines, strings.TrimSpace(h.show()+" "+tlsText(h)))
		for _, l := range h.Locations {
			lines = append(lines, "  "+locationText(l))
		}
	}
	var problems []string
	for _, p := range out.Problems {
		problems = append(problems, strings.TrimPrefix(p.String(), "Ingress/shop/"))
	}
	return strings.Join(lines, "\n"), strings.Join(problems, "\n")
}

// input is all Ingresses of the Namespace shop.
func input(s *cluster.Snapshot, opts Options) Input {
	in := Input{
		Namespace: &cluster.Namespace{Ref: cluster.Ref{Kind: "Namespace", Name: "shop"}},
		Ingresses: slices.Clone(s.Ingresses), Finder: backend.New(s, opts.Options), ConfigMaps: map[string]*cluster.ConfigMap{},
	}
	for _, o := range s.ConfigMaps {
		in.ConfigMaps[o.Name] = o
	}
	slices.Reverse(in.Ingresses)
	return in
}

func tlsText(h Host) string {
	switch {
	case h.Refused:
		return "refused"
	case h.TLS != nil:
		return h.TLS.Secret + " of " + h.TLS.Ref.Name + " " + h.TLS.Place
	}
	return ""
}

func locationText(l Location) string {
	text := l.Path.String()
	if l.Match != "prefix" {
		text = "=" + text
	}
	for _, e := range l.Upstream.Endpoints {
		text += " " + e.Addr.String()
	}
	for _, word := range []struct {
		is   bool
		text string
	}{
		{l.Acme, "acme"}, {l.Auth, "auth"}, {!l.Target.IsZero(), "as " + l.Target.String()}, {l.Sources != nil, fmt.Sprint(l.Sources)},
		{l.Limits.ReadTimeout > 0, fmt.Sprint(l.Limits.ReadTimeout, "s")}, {l.Upstream.Policy != "", string(l.Upstream.Policy)}, {l.Upstream.Balance != "", string(l.Upstream.Balance)},
	} {
		if word.is {
			text += " " + word.text
		}
	}
	return text
}

// check compares what is served, without locations if none is wanted, and the beginning
// of each line that was told.
func check(t *testing.T, yaml string, opts Options, served, told string) {
	t.Helper()
	gotServed, gotTold := translate(t, yaml, opts)
	if !strings.Contains(served, "  ") {
		gotServed = hostsOnly(gotServed)
	}
	if gotServed != served {
		t.Errorf("served is\n%s\nwant\n%s", gotServed, served)
	}
	got, want := strings.Split(gotTold, "\n"), strings.Split(told, "\n")
	ok := len(got) == len(want) && (told == "") == (gotTold == "")
	for i := range min(len(got), len(want)) {
		ok = ok && strings.HasPrefix(got[i], want[i])
	}
	if !ok {
		t.Errorf("told is\n%s\nwant\n%s", gotTold, told)
	}
}
