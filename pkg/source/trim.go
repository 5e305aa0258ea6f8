package source

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// trim cuts an object to what may matter for routing before client-go caches
// it: the memory of a large cluster is mostly in what nobody reads here.
// Other kinds pass unchanged.
func trim(o any) (any, error) {
	switch o := o.(type) {
	case *corev1.Namespace:
		return &corev1.Namespace{ObjectMeta: trimMeta(o.ObjectMeta)}, nil
	case *corev1.Pod:
		return &corev1.Pod{
			ObjectMeta: trimMeta(o.ObjectMeta),
			Spec: corev1.PodSpec{
				Containers:     trimContainers(o.Spec.Containers),
				InitContainers: trimContainers(o.Spec.InitContainers),
			},
			Status: corev1.PodStatus{
				Phase:      o.Status.Phase,
				PodIP:      o.Status.PodIP,
				PodIPs:     o.Status.PodIPs,
				Conditions: trimConditions(o.Status.Conditions),
			},
		}, nil
	case *corev1.Secret:
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: o.Name, Namespace: o.Namespace, UID: o.UID, ResourceVersion: o.ResourceVersion},
			Data:       o.Data,
		}, nil
	}
	return o, nil
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

func trimContainers(in []corev1.Container) []corev1.Container {
	var out []corev1.Container
	for _, c := range in {
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

func trimConditions(in []corev1.PodCondition) []corev1.PodCondition {
	var out []corev1.PodCondition
	for _, c := range in {
		out = append(out, corev1.PodCondition{Type: c.Type, Status: c.Status, LastTransitionTime: c.LastTransitionTime})
	}
	return out
}
