package traffic

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// microservices are the Pods of an example of the dialect microservice. Each has
// the labels, annotations and containers of the example's template, and an echo
// server at the port that they name.
func microservices(t *testing.T, example string) (pods []*pod) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", example, "manifest.yaml"))
	var rc corev1.ReplicationController
	if err := errors.Join(err, yaml.UnmarshalStrict(text, &rc)); err != nil {
		t.Fatal(err)
	}
	port := rc.Spec.Template.Spec.Containers[0].Ports[0].ContainerPort
	for i := range *rc.Spec.Replicas {
		p := newPodAt(t, fmt.Sprintf("%s:%d", newLoopback(), port), "default", fmt.Sprintf("%s-%d", rc.Name, i))
		p.Labels, p.Annotations = maps.Clone(rc.Spec.Template.Labels), maps.Clone(rc.Spec.Template.Annotations)
		p.Spec = rc.Spec.Template.Spec
		pods = append(pods, p)
	}
	return pods
}

// newMicroservice is a Pod that names its hosts and its paths, as PORT:PATH; 0
// stands for its own port.
func newMicroservice(t *testing.T, namespace, name, hosts, paths string) *pod {
	t.Helper()
	p := newPod(t, namespace, name)
	p.Labels = map[string]string{"microservice": "true"}
	p.Annotations = map[string]string{"trafficHosts": hosts, "publicPaths": strings.ReplaceAll(paths, "0:", fmt.Sprintf("%d:", p.port))}
	return p
}

// bare makes a Namespace without label and annotations.
func bare(name string, hour int) *corev1.Namespace {
	return created(&corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: name}}, hour)
}

// ask30 is who answers 30 requests of a client that keeps its connections.
func ask30(t *testing.T, client *http.Client, url string) (names []string) {
	t.Helper()
	seen := map[string]bool{}
	for range 30 {
		a := read(client.Get(url))
		if a.Err != nil || a.Status != http.StatusOK {
			t.Fatalf("%s: %+v", url, a)
		}
		seen[a.Pod] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// TestMicroserviceExample: PF1, PF2, PF3, PF5, PF7, PF8 and PF9 by the seed's own
// example: one Pod, then three, which share the requests; each that goes or loses
// its label is followed (PX2: none of them was known before). PX1, PX5: every Pod
// has its own address.
func TestMicroserviceExample(t *testing.T) {
	t.Parallel()
	const host = "test.k8s.local"
	d := prepare(t)
	web := microservices(t, "microservice")[0]
	d.apply(web)
	d.run("--dialects=microservice")
	for _, uri := range []string{"/nodejs", "/nodejs/", "/nodejs/a%2Fb?x=1"} {
		if got := d.ask(host, uri); got.Pod != web.Name || got.URI != uri || got.Host != host {
			t.Errorf("%s: %+v", uri, got)
		}
	}
	for _, uri := range []string{"/", "/nodejsfoo", "/other"} {
		if got := d.ask(host, uri); got.Status != http.StatusNotFound || got.Pod != "" {
			t.Errorf("%s: %+v, want 404", uri, got)
		}
	}
	for _, other := range []string{"k8s.local", "www.test.k8s.local", "other.k8s.local"} {
		if got := d.try(other, "/nodejs"); !got.closed() {
			t.Errorf("%s: %+v, want a closed connection", other, got)
		}
	}

	d.remove(web)
	three := microservices(t, "microservice-scaled")
	d.apply(three[0], three[1], three[2])
	client, url := d.client(), "http://"+host+"/nodejs/x"
	d.eventually("all three serve", func() bool {
		count := d.tally(30, host, "/nodejs")
		return len(count) == 3 && count[three[2].Name] > 0
	})
	d.settle()
	all := []string{three[0].Name, three[1].Name, three[2].Name}
	if got := ask30(t, client, url); !slices.Equal(got, all) {
		t.Errorf("requests went to %q, want %q", got, all)
	}

	d.remove(three[1])
	d.eventually("the Pod that is gone gets no more", func() bool { return d.tally(30, host, "/nodejs")[three[1].Name] == 0 })
	d.settle()
	before := three[1].hits.Load()
	if got := ask30(t, client, url); !slices.Equal(got, []string{all[0], all[2]}) || three[1].hits.Load() != before {
		t.Errorf("requests went to %q", got)
	}
	three[0].Labels["microservice"] = "yes"
	d.apply(three[0])
	d.eventually("the Pod without the label gets no more", func() bool { return d.tally(30, host, "/nodejs")[all[0]] == 0 })
	d.settle()
	if got := ask30(t, client, url); !slices.Equal(got, all[2:]) {
		t.Errorf("requests went to %q", got)
	}
	d.remove(three[0], three[2])
	d.answers(host, "/nodejs", 0)
}

// tally asks n times and counts who answered; nobody is "".
func (d *dispatcher) tally(n int, host, uri string) map[string]int {
	count := map[string]int{}
	for range n {
		count[d.try(host, uri).Pod]++
	}
	return count
}

// TestMicroserviceOpenHosts: PX14, PX17. Where Pods may name any host, the
// Namespace that was created first owns it: another one's Pods serve there neither
// the same path nor another, and lose nothing of their own (PF4). The host is free
// when its owner has gone.
func TestMicroserviceOpenHosts(t *testing.T) {
	t.Parallel()
	owner := newMicroservice(t, "owner", "owner", "shared.example.com", "0:/")
	thief := newMicroservice(t, "thief", "thief", "shared.example.com own.example.com", "0:/ 0:/more")
	d := prepare(t)
	d.apply(bare("owner", 1), bare("thief", 2), thief)
	d.run("--dialects=microservice", "--pod-hosts=open")
	d.serves("shared.example.com", "/", "thief") // nobody else names it
	d.apply(owner)
	d.serves("shared.example.com", "/", "owner")
	for _, uri := range []string{"/", "/more", "/more/x"} {
		if got := d.tally(20, "shared.example.com", uri); got["owner"] != 20 {
			t.Errorf("%s: %v", uri, got)
		}
		if got := d.ask("own.example.com", uri).Pod; got != "thief" {
			t.Errorf("own.example.com%s: answered by %q", uri, got)
		}
	}
	if log := d.log(); !strings.Contains(log, "object=Pod/thief/thief") || !strings.Contains(log, "Namespace owner owns it") {
		t.Error("the loss of the host is not told")
	}
	d.remove(owner)
	d.serves("shared.example.com", "/", "thief")
}

// TestMicroserviceGrantedHosts: PX17. Where hosts must be granted, a Pod serves
// those that its Namespace declares; others are told, and served by nobody. It
// stands beside Pods of the dialect dispatcher.
func TestMicroserviceGrantedHosts(t *testing.T) {
	t.Parallel()
	ns := namespace("shop", "www.example.com")
	old := newMicroservice(t, "shop", "old", "www.example.com stolen.example.com", "0:/old")
	d := prepare(t)
	d.apply(ns, namespace("bank", "bank.example.com"), newPod(t, "bank", "bank", at("/")), old, newPod(t, "shop", "new", at("/new")),
		newMicroservice(t, "shop", "thief", "bank.example.com", "0:/old"))
	d.run("--dialects=dispatcher,microservice", "--pod-hosts=granted")
	for uri, want := range map[string]string{"/old": "old", "/old/x": "old", "/new": "new"} {
		if got := d.ask("www.example.com", uri).Pod; got != want {
			t.Errorf("%s: answered by %q, want %q", uri, got, want)
		}
	}
	if got := d.ask("bank.example.com", "/old").Pod; got != "bank" {
		t.Errorf("another Namespace's host: answered by %q", got)
	}
	if got := d.try("stolen.example.com", "/old"); !got.closed() {
		t.Errorf("a host that was not granted: %+v", got)
	}
	if log := d.log(); !strings.Contains(log, "does not declare stolen.example.com") || !strings.Contains(log, "does not declare bank.example.com") {
		t.Error("the hosts that were not granted are not told")
	}
	ns.Annotations[hostsKey] = toJSON(map[string]any{"www.example.com": map[string]any{}, "stolen.example.com": map[string]any{}})
	d.apply(ns)
	d.serves("stolen.example.com", "/old", "old")
}
