package traffic

import (
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// TestDirectorWebSocket: KX10, KX11. WebSockets work, and live on when another Pod takes
// over; so do requests that are under way. New ones go to the new Pod alone.
func TestDirectorWebSocket(t *testing.T) {
	t.Parallel()
	a, b := member(t, "a", 1), member(t, "b", 2)
	a.on("/chat", chat)
	g := newGate()
	a.on("/slow", g.hold(a.backend))
	d := direct(t, a, b)
	c := d.socket("ws://www.example.com/chat")
	if err := echoes(c, "before"); err != nil {
		t.Fatal(err)
	}
	var slow sync.WaitGroup
	slow.Go(func() {
		if got := d.try("www.example.com", "/slow"); got.Pod != "a" {
			t.Errorf("the request that was under way is answered with %d by %q: %v", got.Status, got.Pod, got.Err)
		}
	})
	<-g.reached
	d.apply(a.unready())
	d.serves("www.example.com", "/", "b")
	before := a.hits.Load()
	d.only("b")
	if n := a.hits.Load(); n != before {
		t.Errorf("the Pod that has left got %d more requests", n-before)
	}
	if err := echoes(c, "after"); err != nil {
		t.Errorf("the WebSocket has ended: %v", err)
	}
	close(g.open)
	slow.Wait()
	_ = c.Close(websocket.StatusNormalClosure, "")
}

// TestDirectorIdentity: KX3, KX7. A Pod that inherits the incumbent's address is another
// Pod, and the incumbent at another port is the same.
func TestDirectorIdentity(t *testing.T) {
	t.Parallel()
	a, b := member(t, "a", 1), member(t, "b", 2)
	d := direct(t, a, b)
	d.only("a")
	again := newBackend(t, a.ip+":0", "a at another port")
	a.Spec.Containers[0].Ports[0].ContainerPort = int32(again.port)
	d.apply(a)
	d.serves("www.example.com", "/", "a at another port")
	d.only("a at another port")

	heir := &pod{Pod: a.DeepCopy(), backend: a.backend}
	heir.Name = "heir"
	d.apply(heir.readySince(3))
	d.remove(a)
	d.serves("www.example.com", "/", "b")
	d.only("b")
}

// TestDirectorReplicas: KX8. The choice is not that of one process: another one makes the
// same, and so does one that is started again.
func TestDirectorReplicas(t *testing.T) {
	t.Parallel()
	a, b, c := member(t, "a", 1), member(t, "b", 2), member(t, "c", 3)
	first := direct(t, a, b, c)
	first.apply(a.unready())
	first.serves("www.example.com", "/", "b")
	first.takesIn(func() { first.apply(a.readySince(4)) })

	second := prepare(t)
	second.beDirector()
	second.manifests = first.manifests
	second.run("-service=test")
	second.only("b")
	first.signal(syscall.SIGKILL)
	first.wait()
	first.run("-service=test")
	first.only("b")
	first.remove(b)
	for _, d := range []*dispatcher{first, second} {
		d.serves("www.example.com", "/", "c")
		d.only("c")
	}
}

// TestDirectorReadyGrace: KX9. With a grace a failed probe moves nothing, if the Pod is
// back in time; if it isn't, another takes over when the grace ends, without any event.
func TestDirectorReadyGrace(t *testing.T) {
	t.Parallel()
	const grace = 5 * time.Second
	a, b := member(t, "a", 1), member(t, "b", 2)
	d := prepare(t)
	d.beDirector()
	d.apply(a, b, directed())
	d.run("-service=test", "-ready-grace="+grace.String())
	d.only("a")
	d.takesIn(func() { d.apply(a.unready()) })
	d.only("a")
	a.readySince(0).Status.Conditions[0].LastTransitionTime = metav1.Now()
	d.takesIn(func() { d.apply(a) })
	d.only("a")

	lost := time.Now()
	d.apply(a.unready())
	d.serves("www.example.com", "/", "b")
	if after := time.Since(lost); after < grace-time.Second {
		t.Errorf("another Pod took over after %v", after)
	}
	d.only("b")
}

// TestDirectorTargetPort: KX2. The port is the one of the name that was given.
func TestDirectorTargetPort(t *testing.T) {
	t.Parallel()
	a := member(t, "a", 1)
	other := newBackend(t, a.ip+":0", "the other port")
	a.Spec.Containers[0].Ports = append(a.Spec.Containers[0].Ports, corev1.ContainerPort{Name: "admin", ContainerPort: int32(other.port)})
	service := directed()
	service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Name: "more", Port: 81, TargetPort: intstr.FromString("admin")})
	d := prepare(t)
	d.beDirector()
	d.apply(a, service)
	d.run("-service=test", "-target-port=more")
	d.only("the other port")
	if a.hits.Load() > 0 {
		t.Error("port http was asked")
	}
}

// TestDirectorStops: KX12. It lets requests finish that are under way, and takes no more.
func TestDirectorStops(t *testing.T) {
	t.Parallel()
	a := member(t, "a", 1)
	g := newGate()
	a.on("/slow", g.hold(a.backend))
	d := direct(t, a)
	var slow sync.WaitGroup
	slow.Go(func() {
		if got := d.try("www.example.com", "/slow"); got.Pod != "a" {
			t.Errorf("the request that was under way is answered with %d by %q: %v", got.Status, got.Pod, got.Err)
		}
	})
	<-g.reached
	d.masterPID()
	d.signal(syscall.SIGTERM)
	d.eventually("it takes no more requests", func() bool { return d.try("www.example.com", "/").Status == 0 })
	close(g.open)
	slow.Wait()
	if code := d.wait(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}

// TestDirectorIsNotReady: KX5. While the API does not answer, nothing is served, and it
// is alive but not ready.
func TestDirectorIsNotReady(t *testing.T) {
	t.Parallel()
	d := prepare(t)
	d.beDirector()
	silent := newGate()
	api := newBackend(t, newLoopback()+":0", "API")
	for _, path := range []string{"/api/v1/namespaces/default/services", "/api/v1/namespaces/default/pods", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"} {
		api.on(path, silent.hold(api))
	}
	d.begin("-service=test", "--source=kube", fmt.Sprintf("--kube-host=http://%s:%d", api.ip, api.port))
	for range 3 { // each of the three kinds, and in this Namespace alone
		select {
		case <-silent.reached:
		case <-time.After(patience):
			t.Fatal("the API is not asked")
		}
	}
	if status, _ := d.probe("/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d", status)
	}
	if status, _ := d.probe("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz answers %d", status)
	}
	if got := d.try("www.example.com", "/"); got.Status != 0 {
		t.Errorf("a request is answered with %d", got.Status)
	}
}
