// Package fuzz holds what must be true of every input: properties of random
// worlds of many tenants, and fuzz targets in which one tenant is hostile. The
// judges are an own lexer of nginx's syntax, a fixed list of directives, and a
// twin of each table in which all texts are harmless.
package fuzz

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/test/internal/corridor"
)

const prefix = "github.com/30x.dispatcher."

func newCorridor(tb testing.TB) *corridor.Corridor {
	tb.Helper()
	c, err := corridor.New([]string{"NGINX_ENABLE_HEALTH_CHECKS=true"})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// walk feeds the objects in their order and walks the rooms.
func walk(tb testing.TB, c *corridor.Corridor, objects []metav1.Object) (*route.Table, []route.Problem, render.Files) {
	tb.Helper()
	table, problems, err := c.Build(objects...)
	if err != nil {
		tb.Fatal(err)
	}
	files, err := c.Render(table)
	if err != nil {
		tb.Fatal(err)
	}
	return table, problems, files
}

func routable(labels map[string]string) map[string]string {
	out := map[string]string{prefix + "routable": "true"}
	for k, v := range labels {
		out[prefix+k] = v
	}
	return out
}

// namespace makes a Namespace; the younger, the greater created.
func namespace(name string, created int64, hosts string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, CreationTimestamp: metav1.Unix(created, 0), Labels: routable(labels), Annotations: map[string]string{prefix + "hosts": hosts},
	}}
}

// pod makes a Pod that serves, with the ports 3000 (http), 80, 443 and 8443.
func pod(namespace, name, ip, paths string, labels map[string]string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, CreationTimestamp: metav1.Unix(1, 0), Labels: routable(labels), Annotations: map[string]string{prefix + "paths": paths},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name:  "app",
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 3000}, {ContainerPort: 80}, {ContainerPort: 443}, {ContainerPort: 8443}},
		}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
}

// neighbours are well-behaved tenants, older than any other.
func neighbours() []metav1.Object {
	return []metav1.Object{
		namespace("shop", 1, `{"shop.example": {}, "*.shop.example": {}, "shared.example": {}}`, map[string]string{"org": "acme", "env": "prod"}),
		pod("shop", "web-0", "10.0.0.1", `[{"basePath": "/", "containerPort": 3000}, {"basePath": "/old", "containerPort": "http", "targetPath": "/new", "weight": 2}]`, map[string]string{"app.name": "web", "app.rev": "1"}),
		pod("shop", "web-1", "10.0.0.2", `[{"basePath": "/", "containerPort": 3000}]`, nil),
		namespace("blog", 2, `{"blog.example": {}, "shared.example": {}}`, nil),
		pod("blog", "web-0", "fd00::1", `[{"basePath": "/blog", "containerPort": 443}, {"basePath": "/feed/", "containerPort": 80, "match": "exact"}]`, nil),
	}
}

// hostile is what one tenant writes.
type hostile struct {
	hosts, paths, label, ip          string
	probePath, headerName, headerVal string
	probePort                        int32
}

// objects are the hostile tenant's, younger than the neighbours.
func (h hostile) objects() []metav1.Object {
	labels := map[string]string{"org": h.label, "env": h.label, "app.name": h.label, "app.rev": h.label}
	p := pod("tenant", "tenant-0", h.ip, h.paths, labels)
	p.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
		Path: h.probePath, Port: intstr.FromInt32(h.probePort), HTTPHeaders: []corev1.HTTPHeader{{Name: h.headerName, Value: h.headerVal}},
	}}}
	return []metav1.Object{namespace("tenant", 3, h.hosts, labels), p}
}

func shuffled(objects []metav1.Object, swap func(n int, swap func(i, j int))) []metav1.Object {
	out := append([]metav1.Object(nil), objects...)
	swap(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// describe shows objects in the message of a failure.
func describe(objects []metav1.Object) string {
	text := ""
	for _, o := range objects {
		text += fmt.Sprintf("%s/%s %q\n", o.GetNamespace(), o.GetName(), o.GetAnnotations())
	}
	return text
}
