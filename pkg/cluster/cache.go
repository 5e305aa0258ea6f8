// Package cluster holds what Dispatcher knows of the cluster. Objects enter,
// are cut at the door to the fields that routing needs, and leave as an
// immutable, sorted Snapshot. It never reads the clock, the environment or the
// network, and it decides nothing about routing.
package cluster

import (
	"fmt"
	"reflect"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/30x/dispatcher/pkg/cluster/object"
	"github.com/30x/dispatcher/pkg/source/names"
)

// Cache keeps the newest known state of every object that matters. It is safe
// for concurrent use.
type Cache struct {
	interest Interest

	mu      sync.Mutex
	objects map[string]map[key]entry // by kind
}

// key is by namespace and name: a name alone belongs to many Pods.
type key struct{ namespace, name string }

// entry is what is kept of an object: a *Namespace, a *Pod, ….
type entry struct {
	made any
	uid  types.UID
}

// NewCache makes an empty Cache. The selector is that of the Namespaces and Pods that
// are routed; interest says what else is kept.
func NewCache(selector labels.Selector, interest Interest) *Cache {
	interest.Routable = selector
	return &Cache{interest: interest, objects: map[string]map[key]entry{}}
}

// Change is what an object's newest state means to routing.
type Change string

// A Pod joins and leaves those that serve while the object stays. One that does
// not serve, or not yet, still counts by what it claims in its annotations.
const (
	Unchanged Change = ""
	Added     Change = "added"
	Joined    Change = "now serves"
	Changed   Change = "changed"
	Left      Change = "no longer serves"
	Waits     Change = "waits to serve"
	Deleted   Change = "deleted"
)

// Kind is the kind of an object that a Cache may keep, "" for others.
func Kind(o metav1.Object) string {
	switch o.(type) {
	case *corev1.Namespace, *corev1.Pod, *corev1.Secret, *corev1.Service, *corev1.ConfigMap, *corev1.Endpoints, //nolint:staticcheck // deprecated, yet people have it in git
		*discoveryv1.EndpointSlice, *networkingv1.Ingress, *networkingv1.IngressClass, *appsv1.StatefulSet, *names.Addresses:
		return reflect.TypeOf(o).Elem().Name()
	}
	return ""
}

// cut makes what is kept of an object, nil of one that isn't wanted.
func (in Interest) cut(o metav1.Object) (any, error) {
	switch o := o.(type) {
	case *corev1.Namespace:
		if in.Services || in.Microservice != nil || in.routable(o) {
			return NewNamespace(o, in)
		}
	case *corev1.Pod:
		if in.Services || in.microservice(o) || in.routable(o) {
			return NewPod(o, in)
		}
	case *corev1.Secret:
		if o.Name == in.SecretName || in.TLSSecrets && o.Type == corev1.SecretTypeTLS {
			return NewSecret(in.cutSecret(o))
		}
	case *appsv1.StatefulSet:
		return object.NewStatefulSet(o)
	case *corev1.ConfigMap:
		if most := in.Overrides.Keep(o, in.ConfigMap); most > 0 {
			return object.NewConfigMap(o, most)
		}
	}
	if !in.Services {
		return nil, nil
	}
	switch o := o.(type) {
	case *corev1.Service:
		return object.NewService(o, in.ofServices)
	case *discoveryv1.EndpointSlice:
		if o.Labels[discoveryv1.LabelServiceName] != "" {
			return object.NewEndpointSlice(o)
		}
	case *corev1.Endpoints: //nolint:staticcheck // deprecated, yet people have it in git
		return object.NewEndpoints(o)
	case *networkingv1.Ingress:
		return object.NewIngress(o, in.ofServices)
	case *networkingv1.IngressClass:
		return object.NewIngressClass(o)
	case *names.Addresses:
		return object.NewAddresses(o)
	}
	return nil, nil
}

// Set takes in an object's newest state and returns what that means to routing.
// An object that is not wanted, or not any more, is removed; a kind that routing
// does not read is ignored. The error names an object that Kubernetes would not
// have accepted; nothing is changed then.
func (c *Cache) Set(o metav1.Object) (Change, error) {
	kind := Kind(o)
	made, err := c.interest.cut(o)
	if err != nil {
		return Unchanged, err
	}
	if made == nil {
		return c.Delete(o), nil
	}
	k := keyOf(o)
	switch o.(type) {
	case *corev1.Namespace, *networkingv1.IngressClass, *names.Addresses:
	default:
		if k.namespace == "" {
			return Unchanged, fmt.Errorf("%s: metadata.namespace is missing", Ref{Kind: kind, Name: k.name})
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old, known := c.objects[kind][k]
	if c.objects[kind] == nil {
		c.objects[kind] = map[key]entry{}
	}
	c.objects[kind][k] = entry{made, o.GetUID()}
	if p, ok := made.(*Pod); ok {
		before, _ := old.made.(*Pod)
		p.remember(before)
		return compare(before, p), nil
	}
	switch {
	case known && reflect.DeepEqual(old.made, made):
		return Unchanged, nil
	case !c.matters(made) && (!known || !c.matters(old.made)):
		return Unchanged, nil
	case known:
		return Changed, nil
	}
	return Added, nil
}

// Delete forgets an object and returns what that means to routing.
func (c *Cache) Delete(o metav1.Object) Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind, k := Kind(o), keyOf(o)
	old, known := c.objects[kind][k]
	delete(c.objects[kind], k)
	if known && c.matters(old.made) {
		return Deleted
	}
	return Unchanged
}

func keyOf(o metav1.Object) key { return key{o.GetNamespace(), o.GetName()} }

// matters reports whether it makes a difference that there is the object. In most
// clusters most endpoints are of Services that no Ingress names. Those of the API server
// do, since nothing may refer to them.
func (c *Cache) matters(made any) bool {
	switch o := made.(type) {
	case *Pod:
		return o.Serves() || !reflect.DeepEqual(o.claims(), claims{})
	case *EndpointSlice:
		return c.named(o.Namespace, o.Service)
	case []*EndpointSlice:
		return len(o) > 0 && c.named(o[0].Namespace, o[0].Service)
	}
	return true
}

// named reports whether an Ingress, or the interest, names the Service.
func (c *Cache) named(namespace, service string) bool {
	if s := c.interest.Service; s.Name == service && s.Namespace == namespace || namespace == "default" && service == "kubernetes" {
		return true
	}
	for k, e := range c.objects["Ingress"] {
		if o, ok := e.made.(*Ingress); ok && k.namespace == namespace && o.Names(service) {
			return true
		}
	}
	return false
}

// UID returns the UID of an object that matters, "" if there is none.
func (c *Cache) UID(ref Ref) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.objects[ref.Kind][key{ref.Namespace, ref.Name}].uid)
}
