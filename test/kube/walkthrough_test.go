package kube

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// walk is one through an example: a Namespace and one workload in it.
type walk struct {
	*namespace
	d        *dispatcher.Dispatcher
	manifest string // file
}

// example makes an example's manifest its own: another Namespace, another host.
// The kubelet for it runs.
func (s *scenario) example(name string) *walk {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", name, "manifest.yaml"))
	s.must(err)
	own := "test-namespace-" + rand.String(6)
	n := &namespace{s, own, own + ".example.com"}
	manifest := strings.NewReplacer("test-namespace", n.name, "test.k8s.local", n.host).Replace(string(text))
	if !strings.Contains(manifest, n.host) {
		s.t.Fatalf("example %s has another host or Namespace than test.k8s.local and test-namespace", name)
	}
	w := &walk{namespace: n, d: s.dispatcher(), manifest: filepath.Join(s.t.TempDir(), "rc.yaml")}
	s.must(os.WriteFile(w.manifest, []byte(manifest), 0o600))
	s.t.Cleanup(func() { s.deleteNamespace(n.name) })
	n.kubelet()
	return w
}

// in runs kubectl in the Namespace.
func (w *walk) in(args ...string) string {
	w.t.Helper()
	return w.kubectl(append([]string{"--namespace=" + w.name}, args...)...)
}

// pods lists the Pods that are there and not Terminating.
func (w *walk) pods() []string {
	w.t.Helper()
	list, err := w.client.CoreV1().Pods(w.name).List(w.ctx, metav1.ListOptions{LabelSelector: "name=nodejs-k8s-env"})
	w.must(err)
	var names []string
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			names = append(names, p.Name)
		}
	}
	return names
}

// shared waits until so many Pods share the traffic of a path, and returns them.
func (w *walk) shared(n int, uri string) (names []string) {
	w.t.Helper()
	w.d.Eventually(fmt.Sprintf("%d Pods share %s", n, uri), func() bool {
		names = w.pods()
		count := map[string]int{}
		for range 10 * n { // each worker of nginx takes turns by itself
			count[w.d.Try(w.host, uri).Pod]++
		}
		for _, name := range names {
			if count[name] == 0 {
				return false
			}
		}
		return len(names) == n && len(count) == n
	})
	w.d.Settle()
	return names
}

// steady asks for a path again and again, and reports the first request that no
// Pod answers. The returned function ends it.
func (w *walk) steady(uri string) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	var asking sync.WaitGroup
	asking.Go(func() {
		for n := 1; ctx.Err() == nil; n++ {
			if got := w.d.Try(w.host, uri); got.Pod == "" {
				w.t.Errorf("in the steady traffic, request %d: status %d, %v", n, got.Status, got.Err)
				return
			}
			time.Sleep(time.Millisecond) // the machine has other things to do
		}
	})
	return func() { cancel(); asking.Wait() }
}

// TestWalkThrough: DF1, DF2, DF4, DF10, DF14, DF15, DF27, DF28, DF32. The seed's
// walk-through with kubectl and the cluster's own controllers, with the
// ReplicationController of the document and with a Deployment.
func TestWalkThrough(t *testing.T) {
	t.Parallel()
	for example, kind := range map[string]string{"nodejs": "replicationcontrollers", "nodejs-deployment": "deployments"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			s.controllers()
			w := s.example(example)
			workload := kind + "/nodejs-k8s-env"
			if got := w.d.Try(w.host, "/nodejs"); !got.Closed() {
				t.Errorf("before anything is there: %+v", got)
			}
			w.kubectl("create", "-f", w.manifest)
			pod := w.shared(1, "/nodejs")[0]
			if got := w.d.Ask(w.host, "/nodejs/socket.io/?a=b"); got.Pod != pod || got.URI != "/nodejs/socket.io/?a=b" || got.Host != w.host {
				t.Errorf("below the path: %+v", got)
			}
			if got := w.d.Ask(w.host, "/"); got.Status != http.StatusNotFound {
				t.Errorf("another path: %d", got.Status)
			}
			if got := w.d.Try("other."+w.host, "/nodejs"); !got.Closed() {
				t.Errorf("another host: %+v", got)
			}

			stop := w.steady("/nodejs")
			w.in("scale", "--replicas=3", workload)
			three := w.shared(3, "/nodejs")
			w.in("label", "pod", three[0], "--overwrite", routable+"=false")
			w.excludes(three[0])
			w.in("label", "pod", three[0], "--overwrite", routable+"=true")
			w.shared(3, "/nodejs")
			w.in("annotate", "pod", three[1], "--overwrite", pathsKey+`=[{"basePath": "/other", "containerPort": "3000", "targetPath": "/"}]`)
			w.excludes(three[1])
			w.d.Serves(w.host, "/other", three[1]) // a new path may take longer than to leave the old one
			if got := w.d.Ask(w.host, "/other/x"); got.Pod != three[1] || got.URI != "/x" {
				t.Errorf("the other path: %+v", got)
			}
			w.in("annotate", "pod", three[1], "--overwrite", pathsKey+`=[{"basePath": "/nodejs", "containerPort": 3000}]`)
			w.shared(3, "/nodejs")
			if kind == "deployments" {
				w.in("rollout", "restart", workload)
				w.in("rollout", "status", workload, "--timeout="+patience.String())
				for _, name := range w.shared(3, "/nodejs") {
					if slices.Contains(three, name) {
						t.Errorf("Pod %s has not been replaced", name)
					}
				}
			}
			w.in("scale", "--replicas=1", workload)
			w.shared(1, "/nodejs")
			stop()

			w.kubectl("label", "namespace", w.name, routable+"-")
			w.d.Answers(w.host, "/nodejs", 0)
			w.kubectl("label", "namespace", w.name, routable+"=true")
			w.shared(1, "/nodejs")
			w.kubectl("annotate", "namespace", w.name, "--overwrite", hostsKey+`={"new.`+w.host+`": {}}`)
			w.d.Answers(w.host, "/nodejs", 0)
			if got := w.d.Ask("new."+w.host, "/nodejs"); got.Pod == "" {
				t.Errorf("the new host: %+v", got)
			}
			w.in("scale", "--replicas=0", workload)
			w.d.Answers("new."+w.host, "/nodejs", http.StatusNotFound)
			w.kubectl("delete", "namespace", w.name)
			w.d.Answers("new."+w.host, "/nodejs", 0)
			for line := range strings.Lines(w.d.Log()) { // it has problems with what parallel tests do, too
				if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") && !strings.Contains(line, "msg=problem") {
					t.Errorf("Dispatcher complains: %s", line)
				}
			}
		})
	}
}

// excludes waits until a Pod has no traffic of /nodejs any more.
func (w *walk) excludes(pod string) {
	w.t.Helper()
	w.d.Eventually("Pod "+pod+" is left out", func() bool { return w.d.Pods(20, w.host, "/nodejs")[pod] == 0 })
	w.d.Settle()
	if n := w.d.Pods(20, w.host, "/nodejs")[pod]; n > 0 {
		w.t.Errorf("Pod %s is still asked", pod)
	}
}

// TestNamespaceDeleted: DF28, DX4. A Namespace that is deleted with its Pods in
// service takes them out at once, and its host when it is gone.
func TestNamespaceDeleted(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.controllers()
	w := s.example("nodejs-scaled")
	w.kubectl("create", "-f", w.manifest)
	w.shared(3, "/nodejs")
	w.kubectl("delete", "namespace", w.name, "--wait=false")
	w.d.Answers(w.host, "/nodejs", http.StatusNotFound)
	// Its controller leaves Pods time to end: half of their grace period and five seconds.
	w.d.Within(2*patience, "the host is gone", func() bool { return w.d.Try(w.host, "/nodejs").Closed() })
}
