package source

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/source/watcher"
)

// Scope is what Kube watches of a cluster. The server does the selecting; nothing else
// is asked for, so that nothing else must be granted.
type Scope struct {
	Namespace  string          // nothing outside of it, and no Namespaces; "": all
	Namespaces labels.Selector // nil: all
	Pods       labels.Selector // nil: all
	// Claims are the annotations by which Pods ask to be served; nil is any annotation.
	// While Secrets can't be read, a Pod that claims something new waits.
	Claims       []string
	Secret       string // name of the Secrets that are read; "": none are
	TLSSecrets   bool   // all Secrets of type kubernetes.io/tls
	Services     bool   // with their EndpointSlices
	Ingresses    bool   // with IngressClasses
	StatefulSets bool
	ConfigMaps   []string // their names; "*" is all
	WholeMap     string   // name of ConfigMaps that come whole, whatever ConfigMaps says; "": none
}

// resources are the kinds that are watched.
func (k *Kube) resources() (out []watcher.Resource) {
	s, in := k.scope, k.scope.Namespace
	core, networking := k.client.CoreV1(), k.client.NetworkingV1()
	if in == "" {
		out = append(out, resource(k, watcher.Namespaces, "namespaces", &corev1.Namespace{}, labelled(s.Namespaces), core.Namespaces().List, core.Namespaces().Watch))
	}
	out = append(out, resource(k, watcher.Pods, "pods", &corev1.Pod{}, labelled(s.Pods), watcher.ByPages(core.Pods(in).List), core.Pods(in).Watch))
	name := fields.OneTermEqualSelector(metav1.ObjectNameField, s.Secret)
	if s.Secret != "" {
		out = append(out, resource(k, watcher.Secrets, "secrets", &corev1.Secret{}, fielded(name), core.Secrets(in).List, core.Secrets(in).Watch))
	}
	if s.TLSSecrets {
		// Two streams that told of the same Secret could do so in any order.
		tls := fields.AndSelectors(fields.OneTermEqualSelector("type", string(corev1.SecretTypeTLS)), fields.OneTermNotEqualSelector(metav1.ObjectNameField, s.Secret))
		out = append(out, resource(k, watcher.TLSSecrets, tlsSecrets, &corev1.Secret{}, fielded(tls), core.Secrets(in).List, core.Secrets(in).Watch))
	}
	if s.Services {
		endpoints := k.client.DiscoveryV1().EndpointSlices(in)
		out = append(out,
			resource(k, watcher.Services, "services", &corev1.Service{}, labelled(nil), watcher.ByPages(core.Services(in).List), core.Services(in).Watch),
			resource(k, watcher.EndpointSlices, "endpointslices.discovery.k8s.io", &discoveryv1.EndpointSlice{}, labelled(nil), watcher.ByPages(endpoints.List), endpoints.Watch))
	}
	if s.Ingresses {
		out = append(out,
			resource(k, watcher.Ingresses, "ingresses.networking.k8s.io", &networkingv1.Ingress{}, labelled(nil), watcher.ByPages(networking.Ingresses(in).List), networking.Ingresses(in).Watch),
			resource(k, watcher.IngressClasses, "ingressclasses.networking.k8s.io", &networkingv1.IngressClass{}, labelled(nil), networking.IngressClasses().List, networking.IngressClasses().Watch))
	}
	if s.StatefulSets {
		sets := k.client.AppsV1().StatefulSets(in)
		out = append(out, resource(k, watcher.StatefulSets, "statefulsets.apps", &appsv1.StatefulSet{}, labelled(nil), watcher.ByPages(sets.List), sets.Watch))
	}
	maps := core.ConfigMaps(in)
	for i, m := range watcher.MapsNamed(s.ConfigMaps, s.WholeMap) {
		list := watcher.ByPages(maps.List)
		if m.Whole {
			list = watcher.InOne(maps.List)
		}
		r := resource(k, watcher.ConfigMaps+watcher.Kind(i), m.What, &corev1.ConfigMap{}, fielded(m.Fields), list, maps.Watch)
		r.Whole = m.Whole
		out = append(out, r)
	}
	return out
}

// labelled chooses by labels; nil is everything.
func labelled(by labels.Selector) func(*metav1.ListOptions) {
	return func(o *metav1.ListOptions) {
		if by != nil {
			o.LabelSelector = by.String()
		}
	}
}

func fielded(by fields.Selector) func(*metav1.ListOptions) {
	return func(o *metav1.ListOptions) { o.FieldSelector = by.String() }
}
