// Package bench measures the pure rooms: how long Build and Render take, and
// how that grows with the cluster.
//
//	go test -run '^$' -bench . -benchmem ./test/bench
package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/test/internal/corridor"
)

// size is that of a cluster: Pods are spread evenly over Namespaces, of which
// each has one host.
type size struct{ pods, hosts, paths int }

func (s size) String() string {
	return fmt.Sprintf("pods=%d/hosts=%d/paths=%d", s.pods, s.hosts, s.paths)
}

func sizes() []size {
	return []size{{100, 10, 1}, {1_000, 300, 1}, {10_000, 3_000, 1}, {10_000, 3_000, 3}}
}

const prefix = "github.com/30x.dispatcher."

// snapshot makes a cluster of that size.
func snapshot(tb testing.TB, c *corridor.Corridor, s size) *cluster.Snapshot {
	tb.Helper()
	cache := c.NewCache()
	set := func(o metav1.Object) {
		if _, err := cache.Set(o); err != nil {
			tb.Fatal(err)
		}
	}
	for n := range s.hosts {
		name := fmt.Sprintf("team-%d", n)
		set(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: name, CreationTimestamp: metav1.Unix(int64(n), 0),
			Labels:      map[string]string{prefix + "routable": "true", prefix + "org": "acme", prefix + "env": "prod"},
			Annotations: map[string]string{prefix + "hosts": fmt.Sprintf(`{"%s.apps.example.com": {}}`, name)},
		}})
	}
	for n := range s.pods {
		// Each Namespace has its own annotation, as its Pods have one template.
		entries := make([]string, s.paths)
		for i := range entries {
			entries[i] = fmt.Sprintf(`{"basePath": "/team-%d/service-%d", "containerPort": "8080"}`, n%s.hosts, i)
		}
		set(&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: fmt.Sprintf("team-%d", n%s.hosts), Name: fmt.Sprintf("web-5d4f8c7b9-%05d", n), CreationTimestamp: metav1.Unix(int64(n), 0),
				Labels:      map[string]string{prefix + "routable": "true", prefix + "app.name": "web", prefix + "app.rev": "1"},
				Annotations: map[string]string{prefix + "paths": "[" + strings.Join(entries, ",") + "]"},
			},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Ports: []corev1.ContainerPort{{ContainerPort: 8080}}}}},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255),
				Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			},
		})
	}
	return cache.Snapshot()
}

func newCorridor(tb testing.TB) *corridor.Corridor {
	tb.Helper()
	c, err := corridor.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// build fails if the cluster is not served whole: nothing else would be measured.
func build(tb testing.TB, c *corridor.Corridor, s size, snap *cluster.Snapshot) *route.Table {
	tb.Helper()
	table, problems := route.Build(snap, c.Options)
	if n := table.Counts(); len(problems) > 0 || n.Hosts != s.hosts || n.Endpoints != s.pods*s.paths {
		tb.Fatalf("%s gives %+v and %d problems", s, n, len(problems))
	}
	return table
}

func BenchmarkBuild(b *testing.B) {
	each(b, func(b *testing.B, c *corridor.Corridor, _ size, snap *cluster.Snapshot) {
		for b.Loop() {
			route.Build(snap, c.Options)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	each(b, func(b *testing.B, c *corridor.Corridor, s size, snap *cluster.Snapshot) {
		table := build(b, c, s, snap)
		for b.Loop() {
			if _, err := c.Render(table); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkTurn is both together, as after each change in the cluster. "growth"
// is the time for one route of a Pod against that of the first cluster with as
// many Pods a host: 1 is linear.
func BenchmarkTurn(b *testing.B) {
	first := map[int]float64{} // by Pods a host
	each(b, func(b *testing.B, c *corridor.Corridor, s size, snap *cluster.Snapshot) {
		build(b, c, s, snap)
		for b.Loop() {
			if _, err := c.Render(build(b, c, s, snap)); err != nil {
				b.Fatal(err)
			}
		}
		route := float64(b.Elapsed()) / float64(b.N) / float64(s.pods*s.paths)
		if first[s.pods/s.hosts] == 0 {
			first[s.pods/s.hosts] = route
		}
		b.ReportMetric(route/first[s.pods/s.hosts], "growth")
	})
}

func each(b *testing.B, measure func(*testing.B, *corridor.Corridor, size, *cluster.Snapshot)) {
	b.Helper()
	for _, s := range sizes() {
		b.Run(s.String(), func(b *testing.B) {
			c := newCorridor(b)
			snap := snapshot(b, c, s)
			b.ReportAllocs()
			measure(b, c, s, snap)
			b.ReportMetric(float64(s.pods)/(float64(b.Elapsed())/float64(b.N)/float64(time.Millisecond)), "pods/ms")
		})
	}
}
