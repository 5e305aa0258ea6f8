// Package bench measures the corridor's pure rooms. `make bench` runs it; the
// figures compare within one run, since machines differ and are shared.
package bench

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/templates"
)

// size is a cluster: its Pods are spread evenly over one Namespace a host.
type size struct{ pods, hosts, paths int }

func (s size) String() string {
	return fmt.Sprintf("pods=%d/hosts=%d/paths=%d", s.pods, s.hosts, s.paths)
}

func sizes() []size {
	return []size{
		{100, 10, 1}, {1000, 10, 1}, {10000, 10, 1},
		{1000, 300, 1}, {10000, 300, 1}, {10000, 3000, 1},
		{10000, 3000, 3},
	}
}

func options() route.Options {
	return route.Options{
		HostsAnnotation: "hosts", PathsAnnotation: "paths", AuthAnnotation: "auth",
		OrgLabel: "org", EnvLabel: "env", AppNameLabel: "app", AppRevLabel: "rev",
	}
}

func params(b *testing.B) render.Params {
	b.Helper()
	texts, err := templates.Load("")
	if err != nil {
		b.Fatal(err)
	}
	parsed, err := render.ParseTemplates(texts)
	if err != nil {
		b.Fatal(err)
	}
	return render.Params{
		Templates: parsed, Nginx: render.Stable(), Listen: []netip.Addr{netip.IPv4Unspecified()}, Port: 80,
		StatusPath: "/dispatcher/status", DefaultReturn: "404", ClientMaxBodySize: "0", WorkerProcesses: "auto", AccessLog: true,
	}
}

// world makes a cluster of the given size and its snapshot.
func world(b *testing.B, s size) *cluster.Snapshot {
	b.Helper()
	cache := cluster.NewCache(labels.Everything(), options().Interest())
	set := func(o metav1.Object) {
		if _, err := cache.Set(o); err != nil {
			b.Fatal(err)
		}
	}
	for i := range s.hosts {
		set(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("tenant-%d", i), Labels: map[string]string{"org": "shop", "env": "test"},
			Annotations: map[string]string{"hosts": fmt.Sprintf(`{"www%d.example.com": {}}`, i)},
		}})
	}
	paths := ""
	for i := range s.paths {
		paths += fmt.Sprintf(`, {"basePath": "/app%d", "containerPort": "3000"}`, i)
	}
	for i := range s.pods {
		set(&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: fmt.Sprintf("tenant-%d", i%s.hosts), Name: fmt.Sprintf("web-%d", i),
				Labels: map[string]string{"app": "web", "rev": "1"}, Annotations: map[string]string{"paths": "[" + paths[2:] + "]"},
			},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Ports: []corev1.ContainerPort{{ContainerPort: 3000}}}}},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning, PodIP: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String(),
				Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			},
		})
	}
	snapshot := cache.Snapshot()
	if table, problems := route.Build(snapshot, options()); len(problems) > 0 || table.Counts().Endpoints != s.pods*s.paths {
		b.Fatalf("%d problems, %+v", len(problems), table.Counts())
	}
	return snapshot
}

// BenchmarkTurn is what a change costs before nginx sees it: snapshot → table →
// text. Endpoints a millisecond should stay the same as clusters grow.
func BenchmarkTurn(b *testing.B) {
	p := params(b)
	for _, s := range sizes() {
		snapshot := world(b, s)
		b.Run(s.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table, _ := route.Build(snapshot, options())
				if _, err := render.Render(table, p); err != nil {
					b.Fatal(err)
				}
			}
			perTurn := float64(b.Elapsed()) / float64(b.N) / float64(time.Millisecond)
			b.ReportMetric(perTurn, "ms/turn")
			b.ReportMetric(float64(s.pods*s.paths)/perTurn, "endpoints/ms")
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, s := range sizes() {
		snapshot := world(b, s)
		b.Run(s.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				route.Build(snapshot, options())
			}
		})
	}
}

func BenchmarkRender(b *testing.B) {
	p := params(b)
	for _, s := range sizes() {
		table, _ := route.Build(world(b, s), options())
		b.Run(s.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := render.Render(table, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
