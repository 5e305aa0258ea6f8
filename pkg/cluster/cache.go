// Package cluster holds what Dispatcher knows of the cluster. Objects enter,
// are cut at the door to the fields that routing needs, and leave as an
// immutable, sorted Snapshot. It never reads the clock, the environment or the
// network, and it decides nothing about routing.
package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Cache keeps the newest known state of every object that matters. It is safe
// for concurrent use.
type Cache struct {
	selector labels.Selector
	interest Interest

	mu         sync.Mutex
	namespaces map[string]*Namespace
	pods       map[key]*Pod
	secrets    map[string]*Secret // by Namespace: each has one at most
}

// key is by namespace and name: a name alone belongs to many Pods.
type key struct{ namespace, name string }

// NewCache makes an empty Cache for Pods and Namespaces that match the
// selector, and for the Secret of each Namespace that interest names.
func NewCache(selector labels.Selector, interest Interest) *Cache {
	return &Cache{
		selector:   selector,
		interest:   interest,
		namespaces: map[string]*Namespace{},
		pods:       map[key]*Pod{},
		secrets:    map[string]*Secret{},
	}
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

// Set takes in an object's newest state and returns what that means to routing.
// An object that the selector does not match is removed; a kind that routing
// does not read is ignored. The error names an object that Kubernetes would not
// have accepted; nothing is changed then.
func (c *Cache) Set(o metav1.Object) (Change, error) {
	if secret, ok := o.(*corev1.Secret); ok {
		return c.setSecret(secret)
	}
	if !c.selector.Matches(labels.Set(o.GetLabels())) {
		return c.Delete(o), nil
	}
	switch o := o.(type) {
	case *corev1.Namespace:
		n, err := NewNamespace(o, c.interest)
		if err != nil {
			return Unchanged, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		old := c.namespaces[n.Name]
		c.namespaces[n.Name] = n
		switch {
		case old == nil:
			return Added, nil
		case !reflect.DeepEqual(old, n):
			return Changed, nil
		}
	case *corev1.Pod:
		p, err := NewPod(o, c.interest)
		if err != nil {
			return Unchanged, err
		}
		if p.Namespace == "" {
			return Unchanged, fmt.Errorf("%s: metadata.namespace is missing", p.Ref)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		k := key{p.Namespace, p.Name}
		old := c.pods[k]
		c.pods[k] = p
		return compare(old, p), nil
	}
	return Unchanged, nil
}

// setSecret takes in the Secret that is read, and passes over all others: they
// must not touch what is known of that one.
func (c *Cache) setSecret(o *corev1.Secret) (Change, error) {
	if o.Name != c.interest.SecretName {
		return Unchanged, nil
	}
	s, err := NewSecret(o)
	if err != nil {
		return Unchanged, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.secrets[s.Namespace]
	c.secrets[s.Namespace] = s
	switch {
	case old == nil:
		return Added, nil
	case !reflect.DeepEqual(old, s):
		return Changed, nil
	}
	return Unchanged, nil
}

// Delete forgets an object and returns what that means to routing.
func (c *Cache) Delete(o metav1.Object) Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	counted := false
	switch o := o.(type) {
	case *corev1.Namespace:
		_, counted = c.namespaces[o.Name]
		delete(c.namespaces, o.Name)
	case *corev1.Pod:
		k := key{o.Namespace, o.Name}
		old := c.pods[k]
		counted = old != nil && (old.Serves() || len(old.claims()) > 0)
		delete(c.pods, k)
	case *corev1.Secret:
		if o.Name == c.interest.SecretName {
			_, counted = c.secrets[o.Namespace]
			delete(c.secrets, o.Namespace)
		}
	}
	if counted {
		return Deleted
	}
	return Unchanged
}

// Kind is the kind of an object that the cache keeps, "" for others.
func Kind(o metav1.Object) string {
	switch o.(type) {
	case *corev1.Namespace:
		return "Namespace"
	case *corev1.Pod:
		return "Pod"
	case *corev1.Secret:
		return "Secret"
	}
	return ""
}

// compare names the step from a Pod's old state, which may be nil, to its new
// one. A Pod that serves in neither is unchanged, whatever differs, but for what
// it claims: that is how Pending Pods cause next to no work.
func compare(old, p *Pod) Change {
	before := old != nil && old.Serves()
	switch {
	case p.Serves() && old == nil:
		return Added
	case p.Serves() && !before:
		return Joined
	case !p.Serves() && before:
		return Left
	case before && !reflect.DeepEqual(old, p):
		return Changed
	case !before && !maps.Equal(old.claims(), p.claims()):
		return Waits
	}
	return Unchanged
}

// claims are the annotations of a Pod that may serve one day.
func (p *Pod) claims() map[string]string {
	if p == nil || p.Finished {
		return nil
	}
	return p.Annotations
}

// Snapshot is the state of the cluster at one moment. It and all it points to
// are never changed after it was made.
type Snapshot struct {
	Namespaces []*Namespace // oldest first, then by name
	Pods       []*Pod       // by namespace, then by name
	Secrets    []*Secret    // by namespace; the one of each that is read
	// What follows is by namespace, then by name.
	TLSSecrets     []*Secret // of type kubernetes.io/tls
	Services       []*Service
	EndpointSlices []*EndpointSlice
	Ingresses      []*Ingress
	IngressClasses []*IngressClass
	ConfigMaps     []*ConfigMap
	StatefulSets   []*StatefulSet
	// Names are the addresses of names outside the cluster that were looked up.
	Names map[string][]netip.Addr
}

// UID returns the UID of an object that matters, "" if there is none.
func (c *Cache) UID(ref Ref) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch ref.Kind {
	case "Namespace":
		if o := c.namespaces[ref.Name]; o != nil {
			return o.UID
		}
	case "Pod":
		if o := c.pods[key{ref.Namespace, ref.Name}]; o != nil {
			return o.UID
		}
	case "Secret":
		if o := c.secrets[ref.Namespace]; o != nil && o.Name == ref.Name {
			return o.UID
		}
	}
	return ""
}

// Snapshot returns the present state, in an order that depends on nothing but
// the objects themselves.
func (c *Cache) Snapshot() *Snapshot {
	c.mu.Lock()
	s := &Snapshot{
		Namespaces: slices.Collect(maps.Values(c.namespaces)),
		Pods:       slices.Collect(maps.Values(c.pods)),
		Secrets:    slices.Collect(maps.Values(c.secrets)),
	}
	c.mu.Unlock()
	slices.SortFunc(s.Namespaces, func(a, b *Namespace) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(s.Pods, func(a, b *Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(s.Secrets, func(a, b *Secret) int { return cmp.Compare(a.Namespace, b.Namespace) })
	return s
}
