package manifest

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// compare orders by namespace, then name.
func (i id) compare(o id) int {
	return cmp.Or(cmp.Compare(i.namespace, o.namespace), cmp.Compare(i.name, o.name))
}

// Objects puts files together: workloads become their Pods (StatefulSets stay, too),
// and Pods without any status become Running and Ready, with documentation addresses
// handed out by namespace and name. Services that select Pods get EndpointSlices,
// unless endpoints of theirs are in the files. Of several objects with one kind,
// namespace and name, the first by file name and document counts. The objects are
// sorted by kind, namespace and name, and the Problems are those of all files, in
// their order, and then those of the whole. The files are not changed; objects are
// shared with them.
func Objects(files []*File) ([]metav1.Object, []Problem) {
	var problems []Problem
	var items []item
	var workloads []workload
	first := map[id]string{}
	for _, f := range slices.SortedStableFunc(slices.Values(files), func(a, b *File) int { return cmp.Compare(a.name, b.name) }) {
		problems = slices.Concat(problems, f.Broken, f.Mistakes)
		for _, i := range f.items {
			if where, ok := first[i.id]; ok {
				problems = append(problems, Problem{i.where,
					fmt.Sprintf("%s is already defined in %s: this one is not used, rename or remove it", i.id, where)})
				continue
			}
			first[i.id] = i.where
			w, ok := asWorkload(i)
			if ok {
				workloads = append(workloads, w)
			}
			if !ok || i.kind == "StatefulSet" { // of which routing needs how many Pods it shall have
				items = append(items, i)
			}
		}
	}
	items, more := expand(items, workloads)
	problems = append(problems, more...)
	inOrder := func(a, b item) int { return cmp.Or(strings.Compare(a.kind, b.kind), a.compare(b.id)) }
	slices.SortFunc(items, inOrder)
	problems = append(problems, start(items)...)
	items = endpoints(items)
	slices.SortFunc(items, inOrder)
	objects := make([]metav1.Object, len(items))
	for n, i := range items {
		objects[n] = i.object
	}
	return objects, problems
}

// start gives each Pod without any status one that is Running and Ready. The
// items must be sorted.
func start(items []item) (problems []Problem) {
	used := map[netip.Addr]bool{}
	for _, i := range items {
		if pod, ok := i.object.(*corev1.Pod); ok {
			if a, err := netip.ParseAddr(pod.Status.PodIP); err == nil {
				used[a] = true
			}
		}
	}
	next, stop := iter.Pull(documentation())
	defer stop()
	for n, i := range items {
		pod, ok := i.object.(*corev1.Pod)
		if !ok || !equality.Semantic.DeepEqual(pod.Status, corev1.PodStatus{}) {
			continue
		}
		address, ok := next()
		for ok && used[address] {
			address, ok = next()
		}
		if !ok {
			problems = append(problems, Problem{i.where, fmt.Sprintf("%s: no documentation address is left for it: use fewer Pods, or give it a status", i.id)})
			continue
		}
		pod = pod.DeepCopy()
		pod.Status = corev1.PodStatus{
			Phase:      corev1.PodRunning,
			PodIP:      address.String(),
			PodIPs:     []corev1.PodIP{{IP: address.String()}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		}
		items[n].object = pod
	}
	return problems
}

// documentation yields the addresses that belong to nobody: those reserved for
// documentation (RFC 5737), then for benchmarks (RFC 2544).
func documentation() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, s := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15"} {
			p := netip.MustParsePrefix(s)
			// Neither the first nor the last address: they are not for hosts.
			for a := p.Addr().Next(); p.Contains(a.Next()); a = a.Next() {
				if !yield(a) {
					return
				}
			}
		}
	}
}
