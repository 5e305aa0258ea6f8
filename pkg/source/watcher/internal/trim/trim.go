// Package trim cuts objects of the Kubernetes API, in their place, to what may matter
// for routing: the memory of a large cluster is mostly in what nobody reads here. It
// never adds anything, and never decides what matters.
package trim

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Object cuts an object in its place; one of a kind that it does not know is left whole.
func Object(o any) {
	switch o := o.(type) {
	case *corev1.Namespace:
		*o = corev1.Namespace{ObjectMeta: trimMeta(o.ObjectMeta)}
	case *corev1.Pod:
		*o = corev1.Pod{
			ObjectMeta: withOwner(trimMeta(o.ObjectMeta), o.OwnerReferences),
			Spec: corev1.PodSpec{
				Containers:     trimContainers(o.Spec.Containers, false),
				InitContainers: trimContainers(o.Spec.InitContainers, true),
			},
			Status: corev1.PodStatus{
				Phase:      o.Status.Phase,
				PodIP:      o.Status.PodIP,
				PodIPs:     several(o.Status.PodIPs),
				HostIP:     o.Status.HostIP,
				HostIPs:    several(o.Status.HostIPs),
				Conditions: trimConditions(o.Status.Conditions),
			},
		}
	case *corev1.Secret:
		*o = corev1.Secret{
			ObjectMeta: bare(o.ObjectMeta),
			Type:       o.Type,
			Data:       o.Data,
		}
	case *corev1.Service:
		*o = corev1.Service{
			ObjectMeta: without(trimMeta(o.ObjectMeta)),
			Spec: corev1.ServiceSpec{
				Type:                     o.Spec.Type,
				Selector:                 o.Spec.Selector,
				ClusterIP:                o.Spec.ClusterIP,
				ClusterIPs:               o.Spec.ClusterIPs,
				ExternalName:             o.Spec.ExternalName,
				ExternalIPs:              o.Spec.ExternalIPs,
				LoadBalancerSourceRanges: o.Spec.LoadBalancerSourceRanges,
				Ports:                    o.Spec.Ports,
			},
			Status: corev1.ServiceStatus{LoadBalancer: o.Status.LoadBalancer},
		}
	case *discoveryv1.EndpointSlice:
		meta := bare(o.ObjectMeta)
		meta.CreationTimestamp = o.CreationTimestamp
		if service, ok := o.Labels[discoveryv1.LabelServiceName]; ok {
			meta.Labels = map[string]string{discoveryv1.LabelServiceName: service}
		}
		*o = discoveryv1.EndpointSlice{ObjectMeta: meta, AddressType: o.AddressType, Ports: o.Ports, Endpoints: trimEndpoints(o.Endpoints)}
	case *networkingv1.Ingress:
		*o = networkingv1.Ingress{ObjectMeta: without(trimMeta(o.ObjectMeta)), Spec: o.Spec}
	case *networkingv1.IngressClass:
		*o = networkingv1.IngressClass{ObjectMeta: without(trimMeta(o.ObjectMeta)), Spec: networkingv1.IngressClassSpec{Controller: o.Spec.Controller}}
	case *corev1.ConfigMap:
		*o = corev1.ConfigMap{ObjectMeta: bare(o.ObjectMeta), Data: trimData(o.Data)}
	case *appsv1.StatefulSet:
		*o = appsv1.StatefulSet{ObjectMeta: bare(o.ObjectMeta), Spec: appsv1.StatefulSetSpec{Replicas: o.Spec.Replicas, Ordinals: o.Spec.Ordinals}}
	}
}

// several leaves out a list that only repeats the one address beside it.
func several[T any](ips []T) []T {
	if len(ips) < 2 {
		return nil
	}
	return ips
}

// bare is what names an object and its version.
func bare(m metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion}
}

// without leaves out labels, which nobody reads, and what kubectl notes of the whole
// object.
func without(m metav1.ObjectMeta) metav1.ObjectMeta {
	m.Labels = nil
	delete(m.Annotations, corev1.LastAppliedConfigAnnotation)
	return m
}

// withOwner adds the controller that has made the object.
func withOwner(m metav1.ObjectMeta, owners []metav1.OwnerReference) metav1.ObjectMeta {
	for _, o := range owners {
		if o.Controller != nil && *o.Controller {
			m.OwnerReferences = []metav1.OwnerReference{{Kind: o.Kind, Name: o.Name, Controller: o.Controller}}
		}
	}
	return m
}

func trimEndpoints(in []discoveryv1.Endpoint) (out []discoveryv1.Endpoint) {
	for i := range in {
		e := discoveryv1.Endpoint{Addresses: in[i].Addresses, Conditions: in[i].Conditions}
		if r := in[i].TargetRef; r != nil {
			e.TargetRef = &corev1.ObjectReference{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		}
		out = append(out, e)
	}
	return out
}

// maxValue is more than any value may have that routing reads of a ConfigMap: the name
// of a Pod.
const maxValue = 254

func trimData(in map[string]string) map[string]string {
	for key, value := range in {
		if len(value) > maxValue {
			in[key] = strings.Clone(value[:maxValue])
		}
	}
	return in
}

func trimMeta(m metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:              m.Name,
		Namespace:         m.Namespace,
		UID:               m.UID,
		ResourceVersion:   m.ResourceVersion,
		Labels:            m.Labels,
		Annotations:       m.Annotations,
		CreationTimestamp: m.CreationTimestamp,
		DeletionTimestamp: m.DeletionTimestamp,
	}
}

// trimContainers leaves those that requests may be sent to: they have ports, and
// of init containers it is those that stay, as sidecars.
func trimContainers(in []corev1.Container, init bool) []corev1.Container {
	var out []corev1.Container
	for i := range in {
		c := &in[i]
		if len(c.Ports) == 0 || init && (c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways) {
			continue
		}
		out = append(out, corev1.Container{
			Name:           c.Name,
			Ports:          c.Ports,
			RestartPolicy:  c.RestartPolicy,
			ReadinessProbe: c.ReadinessProbe,
			LivenessProbe:  c.LivenessProbe,
		})
	}
	return out
}

// trimConditions leaves the one that says whether, and since when, the Pod is ready.
func trimConditions(in []corev1.PodCondition) []corev1.PodCondition {
	for _, c := range in {
		if c.Type == corev1.PodReady {
			return []corev1.PodCondition{{Type: c.Type, Status: c.Status, LastTransitionTime: c.LastTransitionTime}}
		}
	}
	return nil
}
