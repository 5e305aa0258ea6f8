package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/30x/dispatcher/test/internal/backend"
)

// kubelet is the scheduler and the kubelet of a Namespace whose Pods controllers
// make: it binds them, gives each a server on its first container port, and lets
// those vanish that are deleted. Their servers stay up until the test ends, as
// Pods that end well serve until nobody sends them requests.
type kubelet struct {
	n       *namespace
	servers map[types.UID]*backend.Backend
}

// kubelet begins to run the Pods of the Namespace.
func (n *namespace) kubelet() {
	n.t.Helper()
	k := &kubelet{n, map[types.UID]*backend.Backend{}}
	factory := informers.NewSharedInformerFactoryWithOptions(n.client, 0, informers.WithNamespace(n.name))
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { k.see(o) },
		UpdateFunc: func(_, o any) { k.see(o) },
	})
	n.must(err)
	stop := make(chan struct{})
	factory.Start(stop)
	n.t.Cleanup(func() {
		close(stop)
		factory.Shutdown()
		for _, b := range k.servers {
			b.Close()
		}
	})
}

// see is called by one goroutine, with one Pod after the other.
func (k *kubelet) see(o any) {
	p, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	if err := k.act(p); err != nil && k.n.ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		k.n.t.Errorf("kubelet: Pod %s: %v", p.Name, err)
	}
}

func (k *kubelet) act(p *corev1.Pod) error {
	ctx, pods := context.Background(), k.n.client.CoreV1().Pods(p.Namespace)
	if p.DeletionTimestamp != nil {
		now := int64(0)
		return pods.Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(p.UID))})
	}
	if k.servers[p.UID] != nil {
		return nil
	}
	if p.Spec.NodeName == "" {
		binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: p.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: nodeName}}
		if err := pods.Bind(ctx, binding, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	b, err := backend.Start(ctx, p.Name, int(p.Spec.Containers[0].Ports[0].ContainerPort))
	if err != nil {
		return err
	}
	k.servers[p.UID] = b
	return k.n.setStatus(ctx, p.Namespace, b, corev1.PodRunning, true)
}
