package traffic

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// directed is the Service of these tests: it selects Pods with the label app: test, at
// their port http.
func directed() *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "test"},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "test"},
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}},
		},
	}
}

// member is a Pod of that Service, which has been ready since so many seconds after a
// moment in the past.
func member(t testing.TB, name string, since int) *pod {
	p := newPod(t, "default", name)
	p.Labels, p.Annotations = map[string]string{"app": "test"}, nil
	p.Spec.Containers[0].Ports[0].Name = "http"
	return p.readySince(since)
}

func (p *pod) readySince(since int) *pod {
	p.ready(true).Status.Conditions[0].LastTransitionTime = metav1.Unix(1700000000+int64(since), 0)
	return p
}

// unready makes it not ready as of now.
func (p *pod) unready() *pod {
	p.ready(false).Status.Conditions[0].LastTransitionTime = metav1.Now()
	return p
}

// beDirector has begin start the command director in place of run, whose flags it takes,
// too.
func (d *dispatcher) beDirector() {
	d.t.Helper()
	script := filepath.Join(filepath.Dir(d.work), "director")
	text := fmt.Sprintf("#!/bin/sh\nshift\nexec %q director \"$@\"\n", d.programs.Dispatcher)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		d.t.Fatal(err)
	}
	d.programs.Dispatcher = script
}

// direct starts a director for the Service, as kube-pod-director was started.
func direct(t testing.TB, objects ...metav1.Object) *dispatcher {
	t.Helper()
	d := prepare(t)
	d.beDirector()
	d.apply(append(objects, directed())...)
	d.run("-namespace=default", "-service=test", "-logtostderr", "-v=2")
	return d
}

// only wants all of some requests, of all hosts and paths, to go to one Pod.
func (d *dispatcher) only(pod string) {
	d.t.Helper()
	for _, host := range []string{"a.example.com", "b.example.com:8080", "192.0.2.1", "localhost"} {
		for _, uri := range []string{"/", "/backend", "/a/b%2Fc?d=%20", "/.well-known/x"} {
			if got := d.ask(host, uri); got.Pod != pod || got.URI != uri {
				d.t.Errorf("%s%s is answered with %d by %q (%s), want %s", host, uri, got.Status, got.Pod, got.URI, pod)
			}
		}
	}
}

// takesIn waits until Dispatcher has taken in a change, whether nginx is told or not.
func (d *dispatcher) takesIn(change func()) {
	d.t.Helper()
	const builds = `dispatcher_turn_duration_seconds_count{step="build"}`
	before := d.metrics()[builds]
	change()
	d.eventually("the change is taken in", func() bool { return d.metrics()[builds] > before })
}

// trail is who answers, one after another, while requests are sent all the time.
type trail struct {
	done chan struct{}
	all  sync.WaitGroup
	pods []string
}

func (d *dispatcher) trail() *trail {
	r := &trail{done: make(chan struct{})}
	r.all.Go(func() {
		for {
			select {
			case <-r.done:
				return
			default:
			}
			if got := d.try("trail.example.com", "/trail"); len(r.pods) == 0 || r.pods[len(r.pods)-1] != got.Pod {
				r.pods = append(r.pods, got.Pod)
			}
		}
	})
	return r
}

func (r *trail) end() []string {
	close(r.done)
	r.all.Wait()
	return r.pods
}

// TestDirector: KF1, KF2, KF3. All requests go to the Pod that has been ready longest.
// Others come, go and come back, and nothing changes. When it leaves, one other takes
// over, once, and keeps it when the first is back.
func TestDirector(t *testing.T) {
	t.Parallel()
	a, b, c := member(t, "a", 1), member(t, "b", 2), member(t, "c", 3)
	d := direct(t, c, b, a)
	d.only("a")
	trail := d.trail()

	late := member(t, "0-late", 4)
	for _, change := range []func(){
		func() { d.apply(late) },
		func() { d.apply(b.unready()) },
		func() { d.remove(c) },
		func() { d.apply(b.readySince(5), c.readySince(6)) },
	} {
		d.takesIn(change)
		d.only("a")
	}

	d.apply(a.unready()) // of the others, late is the one that has been ready longest
	d.serves("any.example.com", "/", "0-late")
	d.only("0-late")
	d.takesIn(func() { d.apply(a.readySince(7)) })
	d.only("0-late")
	d.remove(late)
	d.serves("any.example.com", "/", "b")
	d.only("b")
	got := trail.end()
	if !d.dynamic() { // while nginx is reloaded, old workers and new ones answer
		var once []string
		for _, pod := range got {
			if !slices.Contains(once, pod) {
				once = append(once, pod)
			}
		}
		got = once
	}
	if !slices.Equal(got, []string{"a", "0-late", "b"}) {
		t.Errorf("one after another, %q have answered", got)
	}
	if n := c.hits.Load(); n > 0 {
		t.Errorf("Pod c got %d requests", n)
	}
}

// TestDirectorWithoutPods: KX4, KX5. Without a Pod that is ready the answer is 503, and
// says when to ask again.
func TestDirectorWithoutPods(t *testing.T) {
	t.Parallel()
	a := member(t, "a", 1)
	d := direct(t, a.unready())
	unavailable := func() {
		t.Helper()
		for _, uri := range []string{"/", "/a/b"} {
			if got := d.ask("www.example.com", uri); got.Status != http.StatusServiceUnavailable || got.Received.Get("Retry-After") == "" {
				t.Errorf("%s: status %d, Retry-After %q", uri, got.Status, got.Received.Get("Retry-After"))
			}
		}
	}
	unavailable()
	d.apply(a.readySince(1))
	d.serves("www.example.com", "/", "a")
	d.only("a")
	d.remove(a)
	d.answers("www.example.com", "/", http.StatusServiceUnavailable)
	unavailable()
	if a.hits.Load() == 0 {
		t.Error("the Pod was never asked")
	}
}

// TestDirectorRequests: KF6. Method, path, query and body arrive as they were sent, and
// X-Forwarded-For is appended to, since the proxy in front is one of the cluster.
func TestDirectorRequests(t *testing.T) {
	t.Parallel()
	a := member(t, "a", 1)
	d := direct(t, a)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		const uri = "/a//b/../%7Ec;d=1/%2e?x=1&x=%20+&y"
		got := d.send(method + " " + uri + " HTTP/1.1\r\nHost: Any.Example.com:8080\r\nX-Forwarded-For: 192.0.2.7\r\nX-Own: 1\r\nCookie: a=b\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
		if got.Err != nil || got.Pod != "a" {
			t.Fatalf("%s: %+v", method, got)
		}
		if got.Method != method || got.URI != uri || got.Size != 5 || got.Sent.Get("X-Own") != "1" || got.Sent.Get("Cookie") != "a=b" {
			t.Errorf("%s arrives as %s %s, %d bytes, %v", method, got.Method, got.URI, got.Size, got.Sent)
		}
		if xff := got.Sent.Get("X-Forwarded-For"); !strings.HasPrefix(xff, "192.0.2.7, 127.") {
			t.Errorf("X-Forwarded-For arrives as %q", xff)
		}
	}
}

// TestDirectorHost: KF6. Host arrives as it was sent, whatever it is.
func TestDirectorHost(t *testing.T) {
	t.Parallel()
	d := direct(t, member(t, "a", 1))
	for _, host := range []string{"www.example.com", "Any.Example.com:8080", "192.0.2.1:81", "[2001:db8::1]", "_"} {
		if got := d.ask(host, "/"); got.Host != host {
			t.Errorf("Host: %s arrives as %q", host, got.Host)
		}
	}
}
