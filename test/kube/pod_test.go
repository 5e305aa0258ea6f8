package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/30x/dispatcher/test/internal/backend"
)

// pod is a Pod and the server at its address. Its test plays the kubelet. The
// server is there from before the Pod runs until the test ends.
type pod struct {
	*backend.Backend
	n *namespace
}

// pod makes a routable Pod with paths, which is Pending on the one Node.
func (n *namespace) pod(name string, paths ...string) *pod {
	n.t.Helper()
	p := &pod{n.server(name, 0), n}
	p.create(paths...)
	return p
}

// server starts a Pod's server.
func (n *namespace) server(name string, port int) *backend.Backend {
	n.t.Helper()
	b, err := backend.Start(n.ctx, name, port)
	n.must(err)
	n.t.Cleanup(b.Close)
	return b
}

// create makes the Pod of a server, for the first time or, after vanish, again.
func (p *pod) create(paths ...string) {
	p.n.t.Helper()
	_, err := p.n.client.CoreV1().Pods(p.n.name).Create(p.n.ctx, p.object(paths...), metav1.CreateOptions{})
	p.n.must(err)
}

func (p *pod) object(paths ...string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:        p.Name,
			Labels:      map[string]string{routable: p.n.mark()},
			Annotations: map[string]string{pathsKey: p.paths(paths...)},
		},
		Spec: corev1.PodSpec{NodeName: nodeName, Containers: []corev1.Container{{
			Name: "app", Image: "echo", Ports: []corev1.ContainerPort{{ContainerPort: int32(p.Port)}},
		}}},
	}
}

// paths is the annotation that gives the Pod these paths.
func (p *pod) paths(paths ...string) string {
	entries := []map[string]any{}
	for _, path := range paths {
		entries = append(entries, map[string]any{"basePath": path, "containerPort": p.Port})
	}
	return toJSON(entries)
}

// start makes it Running, and not Ready.
func (p *pod) start() { p.n.t.Helper(); p.status(corev1.PodRunning, false) }

// run makes it Running and Ready.
func (p *pod) run() *pod { p.n.t.Helper(); p.status(corev1.PodRunning, true); return p }

// ready sets the Ready condition of a Pod that runs.
func (p *pod) ready(yes bool) { p.n.t.Helper(); p.status(corev1.PodRunning, yes) }

func (p *pod) status(phase corev1.PodPhase, ready bool) {
	p.n.t.Helper()
	p.n.must(p.n.setStatus(p.n.ctx, p.n.name, p.Backend, phase, ready))
}

// terminate deletes it as kubectl does. It stays, Terminating, until it vanishes.
func (p *pod) terminate() {
	p.n.t.Helper()
	p.n.must(p.n.client.CoreV1().Pods(p.n.name).Delete(p.n.ctx, p.Name, metav1.DeleteOptions{}))
}

// vanish deletes it at once, as a kubelet does when its containers have ended.
func (p *pod) vanish() {
	p.n.t.Helper()
	now := int64(0)
	p.n.must(p.n.client.CoreV1().Pods(p.n.name).Delete(p.n.ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}))
}

// annotate sets an annotation of the Pod; nil removes it.
func (p *pod) annotate(key string, value any) { p.n.t.Helper(); p.patch("annotations", key, value) }

// label sets a label of the Pod; nil removes it.
func (p *pod) label(key string, value any) { p.n.t.Helper(); p.patch("labels", key, value) }

func (p *pod) patch(kind, key string, value any) {
	p.n.t.Helper()
	_, err := p.n.client.CoreV1().Pods(p.n.name).Patch(p.n.ctx, p.Name, types.MergePatchType, metadata(kind, key, value), metav1.PatchOptions{})
	p.n.must(err)
}

// setStatus says of a Pod what a kubelet says. It is a merge patch, because a
// strategic one would add to the addresses and never replace one.
func (c *cluster) setStatus(ctx context.Context, namespace string, b *backend.Backend, phase corev1.PodPhase, ready bool) error {
	condition := corev1.ConditionFalse
	if ready {
		condition = corev1.ConditionTrue
	}
	status := corev1.PodStatus{
		Phase:  phase,
		PodIP:  b.IP,
		PodIPs: []corev1.PodIP{{IP: b.IP}},
		Conditions: []corev1.PodCondition{
			{Type: corev1.ContainersReady, Status: condition, LastTransitionTime: metav1.Now()},
			{Type: corev1.PodReady, Status: condition, LastTransitionTime: metav1.Now()},
		},
	}
	_, err := c.client.CoreV1().Pods(namespace).Patch(ctx, b.Name, types.MergePatchType, []byte(toJSON(map[string]any{"status": status})), metav1.PatchOptions{}, "status")
	return err
}
