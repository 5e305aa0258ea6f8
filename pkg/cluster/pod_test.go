package cluster

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// since is a Pod that is ready, or not, since a time.
func since(unix int64, s corev1.ConditionStatus) *corev1.Pod {
	return pod("a", "p", ready(s), func(p *corev1.Pod) { p.Status.Conditions[1].LastTransitionTime = metav1.Unix(unix, 0) })
}

// KX9: a Cache remembers for which times a Pod was ready, and since when it is not.
func TestPodHistory(t *testing.T) {
	t.Parallel()
	const yes, no, unknown = corev1.ConditionTrue, corev1.ConditionFalse, corev1.ConditionUnknown
	another := func(p *corev1.Pod) *corev1.Pod { p.UID = "another"; return p }
	var many []*corev1.Pod
	for i := range int64(10) {
		many = append(many, since(10*i+10, yes), since(10*i+15, no))
	}
	for name, tc := range map[string]struct {
		states []*corev1.Pod
		want   string // WasReady, ReadySince, UnreadySince
	}{
		"new":                                {[]*corev1.Pod{since(5, yes)}, "[] 5 0"},
		"never ready":                        {[]*corev1.Pod{since(5, no)}, "[] 0 5"},
		"down":                               {[]*corev1.Pod{since(5, yes), since(9, no)}, "[{5 9}] 0 9"},
		"down, then unknown":                 {[]*corev1.Pod{since(5, yes), since(9, no), since(12, unknown)}, "[{5 9}] 0 9"},
		"up again":                           {[]*corev1.Pod{since(5, yes), since(9, no), since(11, yes)}, "[{5 9}] 11 0"},
		"told again":                         {[]*corev1.Pod{since(5, yes), since(9, no), since(11, yes), since(11, yes)}, "[{5 9}] 11 0"},
		"a break of which only its end came": {[]*corev1.Pod{since(5, yes), since(9, no), since(11, yes), since(20, yes)}, "[] 20 0"},
		"another Pod of that name":           {[]*corev1.Pod{since(5, yes), another(since(9, no))}, "[] 0 9"},
		"breaks that no grace tells apart":   {many, "[{10 95} {100 105}] 0 105"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCache()
			var before *Snapshot
			for i, p := range tc.states {
				if i == len(tc.states)-1 {
					before = c.Snapshot()
				}
				if _, err := c.Set(p); err != nil {
					t.Fatal(err)
				}
			}
			shown := fmt.Sprint(before.Pods)
			p := c.Snapshot().Pods[0]
			if got := fmt.Sprint(p.WasReady, p.ReadySince, p.UnreadySince); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if fmt.Sprint(before.Pods) != shown {
				t.Error("an old snapshot has changed")
			}
		})
	}
}

// KX9: while a Pod is kept that is not ready, its address counts, and its end.
func TestChangesWhileUnready(t *testing.T) {
	t.Parallel()
	c := newCache()
	moved := since(9, corev1.ConditionFalse)
	moved.Status.PodIP = "10.0.0.9"
	for i, step := range []struct {
		pod  *corev1.Pod
		want Change
	}{
		{since(5, corev1.ConditionTrue), Added}, {since(9, corev1.ConditionFalse), Left}, {since(9, corev1.ConditionFalse), Unchanged},
		{since(10, corev1.ConditionUnknown), Unchanged}, {moved, Waits}, {pod("a", "p", ready(corev1.ConditionFalse), deleting), Waits},
	} {
		if got, err := c.Set(step.pod); got != step.want || err != nil {
			t.Errorf("step %d: %q, %v; want %q", i, got, err, step.want)
		}
	}
}

// PF1, PF9: Pods are chosen by either selector, and with Services every Pod is known,
// but of the others only whether they serve.
func TestWhichPods(t *testing.T) {
	t.Parallel()
	micro, err := labels.Parse("microservice=true")
	if err != nil {
		t.Fatal(err)
	}
	labelled := func(key string) *corev1.Pod {
		return pod("a", "p", func(p *corev1.Pod) {
			p.Labels = map[string]string{key: "true", "app": "x"}
			p.Spec.Containers = []corev1.Container{{Name: "c"}}
			p.Status.HostIP = "192.0.2.1"
			p.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "other"}, {Kind: "StatefulSet", Name: "set", Controller: new(true)}}
		})
	}
	for name, tc := range map[string]struct {
		in    Interest
		label string
		want  string // "" is: not kept
	}{
		"routable":                 {Interest{}, "routable", "routable 1 1 1 set 192.0.2.1"},
		"of no dialect":            {Interest{}, "other", ""},
		"microservice, not wanted": {Interest{}, "microservice", ""},
		"microservice":             {Interest{Microservice: micro}, "microservice", "microservice 1 1 1 set 192.0.2.1"},
		"behind a Service":         {Interest{Services: true}, "other", "neither 0 0 0 set 192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.in.Annotations, tc.in.Labels = []string{"paths"}, []string{"app"}
			c := NewCache(labels.SelectorFromSet(labels.Set{"routable": "true"}), tc.in)
			change, err := c.Set(labelled(tc.label))
			if err != nil || (change == Added) != (tc.want != "") {
				t.Errorf("%q, %v", change, err)
			}
			got := ""
			for _, p := range c.Snapshot().Pods {
				dialect := map[[2]bool]string{{true, false}: "routable", {false, true}: "microservice", {}: "neither"}[[2]bool{p.Routable, p.Microservice}]
				got = fmt.Sprintf("%s %d %d %d %s %s", dialect, len(p.Annotations), len(p.Labels), len(p.Containers), p.StatefulSet, p.HostIP)
			}
			if got != tc.want {
				t.Errorf("kept: %s, want %s", got, tc.want)
			}
		})
	}
}

// EX6: the address of a Pod behind a Service counts before it serves.
func TestAddressesOfPodsBehindServices(t *testing.T) {
	t.Parallel()
	c := NewCache(labels.Nothing(), Interest{Services: true})
	pending := func(ip string) *corev1.Pod {
		return pod("a", "p", phase(corev1.PodPending), func(p *corev1.Pod) { p.Status.PodIP = ip })
	}
	for i, step := range []struct {
		pod  *corev1.Pod
		want Change
	}{{pending(""), Unchanged}, {pending("10.0.0.1"), Waits}, {pending("10.0.0.1"), Unchanged}, {pod("a", "p"), Joined}, {pod("a", "p", paths("[1]")), Unchanged}} {
		if got, err := c.Set(step.pod); got != step.want || err != nil {
			t.Errorf("step %d: %q, %v; want %q", i, got, err, step.want)
		}
	}
	if got := c.Delete(pending("")); got != Deleted {
		t.Errorf("Delete = %q", got)
	}
}

// All Namespaces are kept where Pods or Ingresses may be served in any.
func TestWhichNamespaces(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   Interest
		want int
	}{{Interest{}, 1}, {Interest{Services: true}, 2}, {Interest{Microservice: labels.Nothing()}, 2}} {
		c := NewCache(labels.SelectorFromSet(labels.Set{"routable": "true"}), tc.in)
		other := namespace("b", 2)
		other.Labels = nil
		for _, n := range []*corev1.Namespace{namespace("a", 1), other} {
			if _, err := c.Set(n); err != nil {
				t.Fatal(err)
			}
		}
		got := c.Snapshot().Namespaces
		if len(got) != tc.want || !got[0].Routable || len(got) > 1 && got[1].Routable {
			t.Errorf("%+v: %d Namespaces", tc.in, len(got))
		}
	}
}
