package tenants

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// age is when the hostile Namespace was created, by which it may own a host.
type age int

const (
	either  age = iota // every other case has it one way
	older              // before all others
	younger            // after the witness
)

// hostile is what the hostile tenant writes in a case. It begins with a Namespace and a
// Pod that are good.
type hostile struct {
	t       *testing.T
	w       *world
	ns      *corev1.Namespace
	pod     *corev1.Pod
	objects []any  // more of them
	raw     string // the text of a manifest file of its own
}

// The good entries that stand before and after a bad one.
var (
	good = []want{{host: "hostile.example", uri: "/good/x", pod: "evil"}, {host: "hostile.example", uri: "/after", pod: "evil"}}
	shut = []want{{host: "hostile.example", uri: "/good/x", status: http.StatusForbidden}}
)

// attack is a case.
type attack struct {
	name string
	age  age
	make func(h *hostile)
	// wants are requests to try; nil: the good entries are served.
	wants []want
	// told are the parts of Problems that must be logged, with bars between them.
	told []string
	// harmless: nothing is wrong with it, so no Problem may be told. maybe: one may.
	harmless, maybe bool
	// needs is a setting without which the case harms others.
	needs string
	// failed is a part of the errors that may be logged.
	failed string
	// after is done while the objects are there, beside the requests.
	after func(t *testing.T, w *world)
}

func newHostile(t *testing.T, w *world, hour int) *hostile {
	t.Helper()
	h := &hostile{t: t, w: w, ns: namespace("hostile", hour, `{"hostile.example": {}}`), pod: pod(w.pods["evil"], "hostile", "good", "")}
	h.entry("")
	return h
}

// fill puts in the hostile Pod's port for @PORT, and its address for @IP.
func (h *hostile) fill(text string) string {
	b := h.w.pods["evil"]
	return strings.NewReplacer("@PORT", strconv.Itoa(b.Port), "@IP", b.IP, "@WITNESS", h.w.pods["witness-0"].IP, "@VAULT", h.w.pods["vault"].IP).Replace(text)
}

// entry puts an entry of a path between the good ones: raw JSON.
func (h *hostile) entry(raw string) {
	if raw != "" {
		raw += ", "
	}
	h.paths(`[{"basePath": "/good", "containerPort": @PORT}, ` + raw + `{"basePath": "/after", "containerPort": @PORT}]`)
}

// paths is the Pod's whole annotation.
func (h *hostile) paths(text string) { h.pod.Annotations[pathsKey] = h.fill(text) }

// host puts members between the good hosts: raw JSON.
func (h *hostile) host(raw string) {
	h.ns.Annotations[hostsKey] = `{"hostile.example": {}, ` + raw + `, "after.hostile.example": {}}`
}

// add adds objects.
func (h *hostile) add(objects ...any) { h.objects = append(h.objects, objects...) }

// yaml adds objects that are written as people write them.
func (h *hostile) yaml(text string) {
	h.t.Helper()
	for document := range strings.SplitSeq(h.fill(text), "\n---\n") {
		object, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			h.t.Fatalf("%v:\n%s", err, document)
		}
		h.add(json.RawMessage(object))
	}
}

// more adds Pods like the good one.
func (h *hostile) more(n int, paths string) {
	for i := range n {
		p := h.pod.DeepCopy()
		p.Name, p.Annotations[pathsKey] = fmt.Sprintf("more-%d", i), h.fill(paths)
		h.add(p)
	}
}

func (h *hostile) text() string {
	return list(append([]any{h.ns, h.pod}, h.objects...)...)
}

// badPath is a case of a good Pod with one bad entry, which is told of.
func badPath(name, entry, reason string, wants ...want) attack {
	return attack{name: name, make: func(h *hostile) { h.entry(entry) }, told: []string{"Pod/hostile/good|" + pathsKey + "[1]|" + reason}, wants: append(wants, good...)}
}

// badPaths is a case of a good Pod with bad entries, each of which is told of: the value
// of a field that stands beside a good path and port.
func badPaths(name, field, reason string, values ...string) attack {
	a := attack{name: name}
	var entries []string
	status := http.StatusNotFound
	if field == "containerPort" && reason != "it must be" { // of a port that is missing, too, the path is the Namespace's
		status = idle
	}
	for i, v := range values {
		entry := `{"basePath": ` + v + `, "containerPort": @PORT}`
		switch field {
		case "basePath":
		case "containerPort":
			entry = fmt.Sprintf(`{"basePath": "/x%d", "containerPort": %s}`, i, v)
		default:
			entry = fmt.Sprintf(`{"basePath": "/x%d", "containerPort": @PORT, %s: %s}`, i, quoted(field), v)
		}
		entries = append(entries, entry)
		a.told = append(a.told, fmt.Sprintf("Pod/hostile/good|%s[%d].%s|%s", pathsKey, i+1, field, reason))
		a.wants = append(a.wants, want{host: "hostile.example", uri: fmt.Sprintf("/x%d", i), status: status})
	}
	a.wants = append(a.wants[:min(len(a.wants), 3)], good...)
	a.make = func(h *hostile) { h.entry(strings.Join(entries, ", ")) }
	return a
}

// badPod is a case of a Pod whose annotation can't be read, beside a good one.
func badPod(name, annotation, reason string) attack {
	return attack{name: name, make: func(h *hostile) { h.more(1, annotation) }, told: []string{"Pod/hostile/more-0|" + pathsKey + "|" + reason}}
}

// badHost is a case of a good Namespace with one bad host, which is told of.
func badHost(name, member, reason string, wants ...want) attack {
	return attack{name: name, make: func(h *hostile) { h.host(member) }, told: []string{"Namespace/hostile|" + reason},
		wants: append(append(wants, want{host: "after.hostile.example", uri: "/good", pod: "evil"}), good...)}
}

// quoted is a text as a JSON string.
func quoted(text string) string { return toJSON(text) }

func podOf(object any) *corev1.Pod { return object.(*corev1.Pod) }

// slice adds an EndpointSlice, and to the first one a Service without a selector and an
// Ingress with the host slice.hostile.example.
func (h *hostile) slice(kind string, port int, addresses ...string) {
	n := len(h.objects)
	if n == 0 {
		s := service("hostile", "slice", 80)
		s.Spec.Selector = nil
		h.add(s, ingress("hostile", "slice", "slice.hostile.example", to("/", "slice")))
	}
	var endpoints []map[string]any
	for _, a := range addresses {
		endpoints = append(endpoints, map[string]any{"addresses": []string{h.fill(a)}, "conditions": map[string]any{"ready": true}})
	}
	h.add(map[string]any{
		"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": kind,
		"metadata":  map[string]any{"namespace": "hostile", "name": fmt.Sprintf("slice-%d", max(n-2, 0)), "labels": map[string]string{"kubernetes.io/service-name": "slice"}},
		"endpoints": endpoints, "ports": []map[string]any{{"name": "http", "port": port}},
	})
}

// set adds a StatefulSet and its Pods 0 and 1, which share the keys of the path of its
// name.
func (h *hostile) set(name string, replicas, start int) {
	h.add(map[string]any{
		"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": map[string]any{"namespace": "hostile", "name": name},
		"spec": map[string]any{"replicas": replicas, "serviceName": name, "ordinals": map[string]any{"start": start}, "selector": map[string]any{"matchLabels": map[string]string{"set": name}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]string{"set": name}}, "spec": map[string]any{"containers": []any{}}}},
	})
	yes := true
	for i := range 2 {
		p := h.pod.DeepCopy()
		p.Name = fmt.Sprintf("%s-%d", name, i)
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: name, Controller: &yes}}
		p.Annotations[pathsKey] = h.fill(`[{"basePath": "/` + name + `", "containerPort": @PORT, "policy": "hash", "key": "segment:1", "whenDown": "next"}]`)
		h.add(p)
	}
}
