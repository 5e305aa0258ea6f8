package kube

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

const (
	podsEach = 10  // in each Namespace
	reacts   = 50  // changes that are timed, one after the other
	churned  = 200 // changes at once

	// quiet is longer than the second in which nginx asks but once for the endpoints of
	// an upstream, if they change without a reload.
	quiet = 1200 * time.Millisecond
)

// scale is a cluster that grows, and a Pod that answers requests in it.
type scale struct {
	*scenario
	namespaces int
	size       int // of a Pod, in bytes of protobuf, on average
	probe      *pod
	turn       int // counts the paths of probe
}

// BenchmarkScale starts Dispatcher in a cluster of 1,000 Pods and in one of
// 10,000, in 1,000 Namespaces, and prints how long it takes to serve, how much
// memory that takes, and how soon a request sees that a Pod has changed. It
// judges no figure: it fails only if something doesn't work. With NGINX_BINARY,
// the nginx of PATH is measured as well.
//
//	KUBEBUILDER_ASSETS=$(scripts/kube-assets.sh) NGINX_BINARY=$(scripts/current-nginx.sh) \
//		go test -run '^$' -bench Scale -benchtime 1x -timeout 20m ./test/kube
func BenchmarkScale(b *testing.B) {
	s := newScale(b)
	all := map[string][]*figures{} // by nginx
	for _, namespaces := range []int{100, 1_000} {
		s.grow(namespaces)
		for nginx, programs := range nginxes(b) {
			b.Run(fmt.Sprintf("pods=%d/nginx=%s", s.pods(), nginx), func(b *testing.B) {
				at := *s.scenario
				at.t, at.ctx = b, b.Context()
				f := (&scale{&at, s.namespaces, s.size, s.probe, s.turn}).measure(programs)
				s.turn += 2 * reacts // paths that no Dispatcher has seen
				f.report(b)
				all[nginx] = append(all[nginx], f)
			})
		}
	}
	for _, nginx := range slices.Sorted(maps.Keys(all)) {
		fmt.Printf("\nWith nginx %s:\n", nginx)
		printTable(os.Stdout, all[nginx])
	}
}

// nginxes gives the programs to measure, by the version of nginx.
func nginxes(b *testing.B) map[string]dispatcher.Programs {
	b.Helper()
	found, err := findPrograms()
	found = dispatcher.Need(b, found, err)
	out := map[string]dispatcher.Programs{}
	for _, path := range []string{found.Nginx, "nginx"} {
		// It says "nginx version: nginx/1.22.1".
		said, err := exec.CommandContext(b.Context(), path, "-v").CombinedOutput()
		_, version, _ := strings.Cut(string(said), "nginx/")
		if version = strings.TrimSpace(version); err == nil && version != "" && out[version].Nginx == "" {
			out[version] = dispatcher.Programs{Dispatcher: found.Dispatcher, Nginx: path}
		}
	}
	return out
}

// newScale starts an API server of its own, whose limits are not the tests'.
func newScale(b *testing.B) *scale {
	b.Helper()
	own := filepath.Join(folder, "scale")
	if err := os.Mkdir(own, 0o700); err != nil {
		b.Fatal(err)
	}
	// These two look twice into each Namespace that they don't know, slowly.
	c, err := startCluster(needAssets(b), own, "LimitRanger", "ResourceQuota")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.stop(); err != nil {
			b.Errorf("stop the cluster: %v", err)
		}
	})
	s := &scale{scenario: &scenario{cluster: c, t: b, ctx: b.Context()}}
	s.need(b, "kubectl")
	s.must(s.base())
	fast := *c.config
	fast.QPS, fast.ContentType = -1, "application/vnd.kubernetes.protobuf"
	s.client, err = kubernetes.NewForConfig(&fast)
	s.must(err)
	n := &namespace{s.scenario, "probe", "probe.example.com"}
	s.makeNamespace(n.name, n.host)
	s.probe = n.pod("probe", "/").run()
	return s
}

func (s *scale) pods() int { return s.namespaces * podsEach }

// grow adds Namespaces, each with its Pods, until there are so many.
func (s *scale) grow(namespaces int) {
	s.t.Helper()
	first := s.namespaces
	s.namespaces = namespaces
	s.parallel(namespaces-first, func(ctx context.Context, i int) error {
		name := nthNamespace(first + i)
		_, err := s.client.CoreV1().Namespaces().Create(ctx, scaleNamespace(name, name+".apps.example.com"), metav1.CreateOptions{})
		return err
	})
	s.parallel((namespaces-first)*podsEach, func(ctx context.Context, i int) error {
		p, status := scalePod(first*podsEach + i)
		pods := s.client.CoreV1().Pods(p.Namespace)
		made, err := pods.Create(ctx, p, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		made.Status = status
		made, err = pods.UpdateStatus(ctx, made, metav1.UpdateOptions{})
		if i == 0 && err == nil {
			s.size = made.Size()
		}
		return err
	})
	if s.t.Failed() {
		s.t.FailNow() // some have not been made
	}
}

func (s *scale) makeNamespace(name, host string) {
	s.t.Helper()
	_, err := s.client.CoreV1().Namespaces().Create(s.ctx, scaleNamespace(name, host), metav1.CreateOptions{})
	s.must(err)
}

// measure starts a Dispatcher, changes Pods, and stops it again.
func (s *scale) measure(programs dispatcher.Programs) *figures {
	s.t.Helper()
	f := &figures{namespaces: s.namespaces, pods: s.pods(), size: s.size}
	d, took := s.start(programs)
	f.ready = took
	f.first = s.look(d)

	s.react(d) // the first is not counted: nginx has just started
	before := s.look(d)
	for range reacts {
		f.reactions = append(f.reactions, s.react(d))
	}
	f.before, f.steady = before, s.look(d)
	for range reacts / 10 {
		f.readiness = append(f.readiness, s.ready(d, false), s.ready(d, true))
	}

	began := time.Now()
	s.churn()
	s.react(d) // the watch tells in order: once this is live, so are the others
	f.churn = time.Since(began)
	f.churned = s.look(d)
	stop(s.t, d)

	// As with an API server that knows no list by watch.
	d, _ = s.start(programs, "KUBE_FEATURE_WatchListClient=false")
	f.listed = s.look(d)
	stop(s.t, d)
	return f
}

// start starts a Dispatcher, and returns how long it takes until all is served.
func (s *scale) start(programs dispatcher.Programs, environ ...string) (*dispatcher.Dispatcher, time.Duration) {
	s.t.Helper()
	d := dispatcher.New(s.t, programs, "--event-window=10ms")
	d.Env = environ
	kubeconfig := filepath.Join(d.Folder, "kubeconfig")
	s.must(s.tokenKubeconfig(s.ctx, kubeconfig, "dispatcher", "dispatcher"))
	began := time.Now()
	d.Begin("--kubeconfig=" + kubeconfig)
	d.Within(time.Minute, "Dispatcher is ready", func() bool {
		status, _ := d.Probe("/readyz")
		return status == http.StatusOK
	})
	took := time.Since(began)
	if got := int(metricsOf(d)["dispatcher_endpoints"]); got != s.pods()+1 {
		s.t.Fatalf("%d endpoints are served, want %d", got, s.pods()+1)
	}
	return d, took
}

func stop(t testing.TB, d *dispatcher.Dispatcher) {
	t.Helper()
	d.Signal(syscall.SIGTERM)
	if code := d.Wait(); code != 0 {
		t.Errorf("dispatcher ended with status %d", code)
	}
}

// react gives the Pod another path, and returns how long it takes until that is served.
func (s *scale) react(d *dispatcher.Dispatcher) time.Duration {
	s.t.Helper()
	s.turn++
	path := s.path()
	return s.time(d, s.probe.Name, func() { s.probe.annotate(pathsKey, s.probe.paths(path)) })
}

// ready makes the Pod ready or not, after a quiet time, and returns how long it takes
// until requests reach it, or don't.
func (s *scale) ready(d *dispatcher.Dispatcher, yes bool) time.Duration {
	s.t.Helper()
	time.Sleep(quiet)
	answers := ""
	if yes {
		answers = s.probe.Name
	}
	return s.time(d, answers, func() { s.probe.ready(yes) })
}

// path is what the Pod serves.
func (s *scale) path() string { return fmt.Sprintf("/turn-%d", s.turn) }

// time returns how long it takes from a change until a request is answered by the
// Pod, or if that is "" by none.
func (s *scale) time(d *dispatcher.Dispatcher, pod string, change func()) time.Duration {
	s.t.Helper()
	began := time.Now()
	change()
	for d.Try(s.probe.n.host, s.path()).Pod != pod {
		if time.Since(began) > dispatcher.Patience {
			s.t.Fatalf("not within %v: %s is answered by %q", dispatcher.Patience, s.path(), pod)
		}
		time.Sleep(time.Millisecond)
	}
	took := time.Since(began)
	d.Settle()
	return took
}

// churn changes many Pods at once.
func (s *scale) churn() {
	s.t.Helper()
	s.parallel(churned, func(ctx context.Context, i int) error {
		p, _ := scalePod(i * (s.pods() / churned))
		body := metadata("annotations", pathsKey, scalePaths(2+s.turn))
		_, err := s.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.MergePatchType, body, metav1.PatchOptions{})
		return err
	})
}

// look reads everything that there is to measure.
func (s *scale) look(d *dispatcher.Dispatcher) look {
	s.t.Helper()
	l := look{metrics: metricsOf(d)}
	s.must(l.readMemory(d))
	return l
}

// The Namespaces come by number.
func nthNamespace(n int) string { return fmt.Sprintf("team-%04d", n) }

func scaleNamespace(name, host string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:        name,
		Labels:      map[string]string{routable: "true", "github.com/30x.dispatcher.org": "acme", "github.com/30x.dispatcher.env": "prod"},
		Annotations: map[string]string{hostsKey: toJSON(map[string]any{host: map[string]any{}})},
	}}
}
