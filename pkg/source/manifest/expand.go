package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxExpanded bounds the Pods made of all workloads, so that a slip in
// replicas does not use up the memory.
const maxExpanded = 20_000

// workload is what all kinds of workloads have in common.
type workload struct {
	item
	replicas int
	start    int // first ordinal
	rank     int // 0 if the names of its Pods are fixed, else 1
	template *corev1.PodTemplateSpec
}

func asWorkload(i item) (w workload, ok bool) {
	w.item, w.replicas, w.rank = i, 1, 1
	var replicas *int32
	switch o := i.object.(type) {
	case *appsv1.Deployment:
		replicas, w.template = o.Spec.Replicas, &o.Spec.Template
	case *appsv1.ReplicaSet:
		replicas, w.template = o.Spec.Replicas, &o.Spec.Template
	case *appsv1.StatefulSet:
		replicas, w.template, w.rank = o.Spec.Replicas, &o.Spec.Template, 0
		if o.Spec.Ordinals != nil {
			w.start = int(o.Spec.Ordinals.Start)
		}
	case *appsv1.DaemonSet:
		w.template = &o.Spec.Template
	case *corev1.ReplicationController:
		replicas, w.template = o.Spec.Replicas, o.Spec.Template
	default:
		return w, false
	}
	if replicas != nil {
		w.replicas = int(*replicas)
	}
	if w.template == nil {
		w.template = &corev1.PodTemplateSpec{}
	}
	return w, true
}

// expander makes Pods of workloads.
type expander struct {
	taken    map[id]bool // Pods, and the owners of Pods, that are in the input
	left     int
	problems []Problem
}

// expand adds to the items the Pods of the workloads that have none there. The
// order of the items does not matter: fixed names go first, then by name.
func expand(items []item, workloads []workload) ([]item, []Problem) {
	e := &expander{taken: map[id]bool{}, left: maxExpanded}
	for _, i := range items {
		if pod, ok := i.object.(*corev1.Pod); ok {
			e.taken[i.id] = true
			e.takeOwners(pod)
		}
	}
	for _, w := range workloads {
		if e.taken[w.id] {
			e.takeOwners(w.object) // the Deployment above a ReplicaSet
		}
	}
	slices.SortFunc(workloads, func(a, b workload) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), a.compare(b.id), cmp.Compare(a.kind, b.kind))
	})
	for _, w := range workloads {
		if !e.taken[w.id] && metav1.GetControllerOf(w.object) == nil {
			items = append(items, e.pods(w)...)
		}
	}
	return items, e.problems
}

func (e *expander) takeOwners(o metav1.Object) {
	for _, owner := range o.GetOwnerReferences() {
		e.taken[id{owner.Kind, o.GetNamespace(), owner.Name}] = true
		// A Deployment often comes without its ReplicaSet, NAME-HASH.
		if hash := o.GetLabels()[appsv1.DefaultDeploymentUniqueLabelKey]; hash != "" && owner.Kind == "ReplicaSet" {
			if name, ok := strings.CutSuffix(owner.Name, "-"+hash); ok {
				e.taken[id{"Deployment", o.GetNamespace(), name}] = true
			}
		}
	}
}

// pods makes the Pods of one workload, named NAME-ORDINAL.
func (e *expander) pods(w workload) []item {
	if w.replicas > e.left || w.replicas < 0 {
		e.problems = append(e.problems, Problem{w.where, fmt.Sprintf("%s: replicas is %d, of which %d can be shown: "+
			"use fewer (at most %d Pods in all)", w.id, w.replicas, max(0, min(w.replicas, e.left)), maxExpanded)})
	}
	var out []item
	for n := w.start; len(out) < w.replicas && e.left > 0; n++ {
		pod := id{"Pod", w.namespace, w.name + "-" + strconv.Itoa(n)}
		if e.taken[pod] && w.rank > 0 {
			continue
		}
		e.left--
		if e.taken[pod] {
			w.replicas--
			e.problems = append(e.problems, Problem{w.where, fmt.Sprintf("%s: its %s is already defined elsewhere: rename one of the two", w.id, pod)})
			continue
		}
		e.taken[pod] = true
		out = append(out, item{pod, w.where, w.pod(pod.name, n)})
	}
	return out
}

// pod makes the Pod as the workload's controller would.
func (w workload) pod(name string, ordinal int) *corev1.Pod {
	t := w.template.DeepCopy()
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   w.namespace,
			Name:        name,
			Labels:      t.Labels,
			Annotations: t.Annotations,
			OwnerReferences: []metav1.OwnerReference{
				{Kind: w.kind, Name: w.name, UID: w.object.GetUID(), Controller: new(true)},
			},
		},
		Spec: t.Spec,
	}
	if w.kind == "StatefulSet" {
		metav1.SetMetaDataLabel(&p.ObjectMeta, appsv1.StatefulSetPodNameLabel, name)
		metav1.SetMetaDataLabel(&p.ObjectMeta, appsv1.PodIndexLabel, strconv.Itoa(ordinal))
	}
	return p
}
