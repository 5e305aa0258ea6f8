package source

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// api speaks just enough of the Kubernetes API: list and watch of Pods and
// Namespaces, in JSON. Its memory outlives its server, as etcd does.
type api struct {
	t         *testing.T
	address   string
	streaming bool // lists by watch, as servers from 1.32 on

	mu        sync.Mutex
	server    *http.Server
	forbidden bool // to do anything with Pods
	version   int
	pods      []*corev1.Pod
	history   []change
	forgotten int // the version up to which there is no history
	queries   []url.Values
	refused   int
	changed   chan struct{} // is closed and replaced when a Pod comes or goes
}

// change is one step in the history of the Pods.
type change struct {
	version int
	kind    string
	object  runtime.Object
}

func newAPI(t *testing.T, streaming bool) *api {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // nobody answers yet
	a := &api{t: t, address: l.Addr().String(), streaming: streaming, changed: make(chan struct{})}
	t.Cleanup(a.down)
	return a
}

func (a *api) client() kubernetes.Interface {
	return kubernetes.NewForConfigOrDie(&rest.Config{Host: "http://" + a.address})
}

func (a *api) up() {
	a.t.Helper()
	l, err := net.Listen("tcp", a.address)
	if err != nil {
		a.t.Fatal(err)
	}
	server := &http.Server{Handler: a}
	a.mu.Lock()
	a.server = server
	a.mu.Unlock()
	go func() { _ = server.Serve(l) }() // ends by down
}

// down cuts all connections.
func (a *api) down() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil {
		a.server.Close()
	}
}

// set makes these the Pods that there are.
func (a *api) set(names ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	step := func(kind string, p *corev1.Pod) {
		a.version++
		p = p.DeepCopy()
		p.ResourceVersion = fmt.Sprint(a.version)
		a.history = append(a.history, change{a.version, kind, p})
		if kind == "ADDED" {
			a.pods = append(a.pods, p)
		}
	}
	a.pods = slices.DeleteFunc(a.pods, func(p *corev1.Pod) bool {
		gone := !slices.Contains(names, p.Name)
		if gone {
			step("DELETED", p)
		}
		return gone
	})
	for _, n := range names {
		if !slices.ContainsFunc(a.pods, func(p *corev1.Pod) bool { return p.Name == n }) {
			p := pod(n, "")
			p.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
			step("ADDED", p)
		}
	}
	close(a.changed)
	a.changed = make(chan struct{})
}

// forget drops the history: who was away must list anew.
func (a *api) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.history, a.forgotten = nil, a.version
}

// since is what has happened to a resource after a version, up to now, and
// when that is over. At version 0 it is the objects that exist.
func (a *api) since(resource string, version int) (steps []change, now int, changed <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if resource == "namespaces" {
		n := namespace("team")
		n.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}
		n.ResourceVersion = "1"
		if version < 1 {
			steps = append(steps, change{1, "ADDED", n})
		}
		return steps, 1, nil
	}
	if resource == "secrets" {
		return nil, 1, nil
	}
	if version == 0 {
		for _, p := range a.pods {
			steps = append(steps, change{a.version, "ADDED", p})
		}
	}
	for _, c := range a.history {
		if version > 0 && c.version > version {
			steps = append(steps, c)
		}
	}
	return steps, a.version, a.changed
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource, query := strings.TrimPrefix(r.URL.Path, "/api/v1/"), r.URL.Query()
	a.mu.Lock()
	query.Set("resource", resource)
	a.queries = append(a.queries, query)
	forbidden := a.forbidden && resource == "pods"
	if forbidden && !query.Has("watch") {
		a.refused++
	}
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fail := func(code int, reason metav1.StatusReason) {
		w.WriteHeader(code)
		encode(w, metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure",
			Code: int32(code), Reason: reason, Message: "pods is forbidden:\x1b[31m user can't"})
	}
	switch {
	case forbidden:
		fail(http.StatusForbidden, metav1.StatusReasonForbidden)
	case query.Has("sendInitialEvents") && !a.streaming:
		fail(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	case resource == "pods" && query.Has("watch") && !query.Has("sendInitialEvents") && a.tooOld(query.Get("resourceVersion")):
		fail(http.StatusGone, metav1.StatusReasonExpired)
	case query.Has("watch"):
		a.watch(w, r, resource, query)
	default:
		steps, version, _ := a.since(resource, 0)
		objects := []runtime.Object{}
		for _, c := range steps {
			objects = append(objects, c.object)
		}
		kind := map[string]string{"pods": "PodList", "namespaces": "NamespaceList", "secrets": "SecretList"}[resource]
		encode(w, map[string]any{"apiVersion": "v1", "kind": kind,
			"metadata": map[string]any{"resourceVersion": fmt.Sprint(version)}, "items": objects})
	}
}

func (a *api) tooOld(version string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return number(version) < a.forgotten
}

func (a *api) watch(w http.ResponseWriter, r *http.Request, resource string, query url.Values) {
	since, initial := 0, query.Has("sendInitialEvents")
	if !initial {
		since = number(query.Get("resourceVersion"))
	}
	send := func(kind string, o any) { encode(w, map[string]any{"type": kind, "object": o}) }
	for {
		steps, now, changed := a.since(resource, since)
		for _, c := range steps {
			send(c.kind, c.object)
		}
		if initial {
			kind := map[string]string{"pods": "Pod", "namespaces": "Namespace", "secrets": "Secret"}[resource]
			send("BOOKMARK", map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{
				"resourceVersion": fmt.Sprint(now), "annotations": map[string]string{metav1.InitialEventsAnnotationKey: "true"}}})
		}
		since, initial = now, false
		w.(http.Flusher).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// encode ignores a client that has gone away.
func encode(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) }

// number reads a resource version; none is 0.
func number(version string) int {
	n, _ := strconv.Atoi(version)
	return n
}
