package watcher

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// trim cuts an object, in its place, to what may matter for routing: the memory
// of a large cluster is mostly in what nobody reads here.
func trim(o Object) {
	switch o := o.(type) {
	case *corev1.Namespace:
		*o = corev1.Namespace{ObjectMeta: trimMeta(o.ObjectMeta)}
	case *corev1.Pod:
		*o = corev1.Pod{
			ObjectMeta: trimMeta(o.ObjectMeta),
			Spec: corev1.PodSpec{
				Containers:     trimContainers(o.Spec.Containers, false),
				InitContainers: trimContainers(o.Spec.InitContainers, true),
			},
			Status: corev1.PodStatus{
				Phase:      o.Status.Phase,
				PodIP:      o.Status.PodIP,
				Conditions: trimConditions(o.Status.Conditions),
			},
		}
	case *corev1.Secret:
		*o = corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: o.Name, Namespace: o.Namespace, UID: o.UID, ResourceVersion: o.ResourceVersion},
			Data:       o.Data,
		}
	}
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
