package cluster

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

func newCache() *Cache {
	return NewCache(labels.SelectorFromSet(labels.Set{"routable": "true"}), Interest{Annotations: []string{"paths", "hosts"}, Labels: []string{"app"}})
}

// pod is a Pod that serves, with the given changes.
func pod(namespace, name string, changes ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"routable": "true"}, Annotations: map[string]string{"paths": "[]"}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1",
			Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}, {Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	for _, change := range changes {
		change(p)
	}
	return p
}

func phase(phase corev1.PodPhase) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Phase = phase }
}

func ready(s corev1.ConditionStatus) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Conditions[1].Status = s }
}

func paths(text string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations["paths"] = text }
}

func noLabel(p *corev1.Pod) { p.Labels = nil }

func deleting(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }

func namespace(name string, created int64) *corev1.Namespace {
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"routable": "true"}}}
	if created != 0 {
		n.CreationTimestamp = metav1.Unix(created, 0)
	}
	return n
}

// DX4, DX16, DF27, DF28: what each step in the life of a Pod means.
func TestChangesOfAPod(t *testing.T) {
	type step struct {
		pod  *corev1.Pod
		want Change
	}
	for name, steps := range map[string][]step{
		"pending Pods are no work (DX16)": {
			{pod("a", "p", phase(corev1.PodPending)), Waits},
			{pod("a", "p", phase(corev1.PodPending), func(p *corev1.Pod) { p.Status.PodIP = "10.9.9.9" }), Unchanged},
			{pod("a", "p", phase(corev1.PodPending), paths("[1]")), Waits},
			{pod("a", "p", paths("[1]")), Joined},
			{pod("a", "p", phase(corev1.PodSucceeded)), Left},
			{pod("a", "p", phase(corev1.PodFailed)), Unchanged},
		},
		"readiness (DX4)": {
			{pod("a", "p", ready(corev1.ConditionFalse)), Waits},
			{pod("a", "p"), Joined},
			{pod("a", "p", ready(corev1.ConditionUnknown)), Left},
			{pod("a", "p"), Joined},
			{pod("a", "p", deleting), Left},
			{pod("a", "p", deleting, ready(corev1.ConditionFalse)), Unchanged},
		},
		"labels lost (DF28)": {
			{pod("a", "p"), Added},
			{pod("a", "p", noLabel), Deleted},
			{pod("a", "p", noLabel, paths("[1]")), Unchanged},
		},
		"what routing reads (DF27)": {
			{pod("a", "p"), Added},
			{pod("a", "p"), Unchanged},
			{pod("a", "p", paths("[1]")), Changed},
			{pod("a", "p", paths("[1]"), func(p *corev1.Pod) { p.Status.PodIP = "10.0.0.2" }), Changed},
			{pod("a", "p", paths("[1]"), func(p *corev1.Pod) { p.Status.PodIP = ""; p.Status.PodIPs = nil }), Left},
			{pod("a", "p", func(p *corev1.Pod) { p.Labels["app"] = "x" }), Joined},
			{pod("a", "p", func(p *corev1.Pod) { p.Labels["app"] = "y" }), Changed},
			{pod("a", "p", func(p *corev1.Pod) { p.Labels["app"] = "y"; p.Labels["other"] = "z"; p.ResourceVersion = "7" }), Unchanged},
			{pod("a", "p", func(p *corev1.Pod) { p.Labels["app"] = "y"; p.Annotations["other"] = "z" }), Unchanged},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache()
			for i, s := range steps {
				if got, err := c.Set(s.pod); err != nil || got != s.want {
					t.Errorf("step %d: %q, %v; want %q", i, got, err, s.want)
				}
			}
		})
	}
}

// DX1: a name alone belongs to many Pods.
func TestSamePodNameInTwoNamespaces(t *testing.T) {
	c := newCache()
	for _, ns := range []string{"a", "b"} {
		if got, err := c.Set(pod(ns, "web-0")); err != nil || got != Added {
			t.Fatalf("%s: %q, %v", ns, got, err)
		}
	}
	if got := c.Delete(pod("a", "web-0")); got != Deleted {
		t.Errorf("Delete = %q", got)
	}
	s := c.Snapshot()
	if len(s.Pods) != 1 || s.Pods[0].String() != "Pod/b/web-0" {
		t.Errorf("left: %v", s.Pods)
	}
}

// DX16: what nobody knows is no change when it goes.
func TestDeleteUnknown(t *testing.T) {
	c := newCache()
	if _, err := c.Set(pod("a", "pending", phase(corev1.PodFailed))); err != nil {
		t.Fatal(err)
	}
	for _, o := range []metav1.Object{pod("a", "pending"), pod("a", "unknown"), namespace("unknown", 0), &corev1.Secret{}} {
		if got := c.Delete(o); got != Unchanged {
			t.Errorf("Delete of %s = %q", o.GetName(), got)
		}
	}
	if got, err := c.Set(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "other", Labels: map[string]string{"routable": "true"}}}); got != Unchanged || err != nil {
		t.Errorf("Set of a Secret = %q, %v", got, err)
	}
}

func TestChangesOfANamespace(t *testing.T) {
	c := newCache()
	set := func(want Change, change func(*corev1.Namespace)) {
		t.Helper()
		n := namespace("a", 5)
		change(n)
		if got, err := c.Set(n); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	set(Added, func(*corev1.Namespace) {})
	set(Unchanged, func(n *corev1.Namespace) { n.Labels["other"] = "x" })
	set(Changed, func(n *corev1.Namespace) { n.Annotations = map[string]string{"hosts": "{}"} })
	set(Changed, func(n *corev1.Namespace) { n.Labels["app"] = "x" })
	set(Deleted, func(n *corev1.Namespace) { n.Labels = nil })
	set(Unchanged, func(n *corev1.Namespace) { n.Labels = nil })
}

// DF10, DX14: the order depends on the objects alone.
func TestSnapshotOrder(t *testing.T) {
	objects := []metav1.Object{
		namespace("z", 1), namespace("b", 2), namespace("a", 3), namespace("c", 2), namespace("timeless", 0),
		pod("b", "a"), pod("a", "z"), pod("a", "b"),
	}
	const want = "timeless z b c a, Pod/a/b Pod/a/z Pod/b/a"
	for shift := range objects {
		c := newCache()
		for i := range objects {
			if _, err := c.Set(objects[(i+shift)%len(objects)]); err != nil {
				t.Fatal(err)
			}
		}
		var ns, pods []string
		s := c.Snapshot()
		for _, n := range s.Namespaces {
			ns = append(ns, n.Name)
		}
		for _, p := range s.Pods {
			pods = append(pods, p.String())
		}
		if got := strings.Join(ns, " ") + ", " + strings.Join(pods, " "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A snapshot is not touched by what comes later.
func TestSnapshotIsFixed(t *testing.T) {
	c := newCache()
	if _, err := c.Set(pod("a", "p")); err != nil {
		t.Fatal(err)
	}
	before := c.Snapshot()
	if _, err := c.Set(pod("a", "p", paths("[1]"))); err != nil {
		t.Fatal(err)
	}
	c.Delete(pod("a", "p"))
	if got := before.Pods[0].Annotations["paths"]; len(before.Pods) != 1 || got != "[]" {
		t.Errorf("the old snapshot has become %q", got)
	}
}

// An object that the API server would not take is refused, and changes nothing.
func TestSetRefuses(t *testing.T) {
	c := newCache()
	for _, o := range []metav1.Object{
		pod("a", ""), pod("a", "a b"), pod("a", "a\n# x"), pod("", "p"), pod("a.b", "p"), pod("A", "p"), namespace("a;b", 0), namespace("", 0),
	} {
		got, err := c.Set(o)
		if err == nil || got != Unchanged {
			t.Errorf("Set(%s/%s) = %q, %v", o.GetNamespace(), o.GetName(), got, err)
		} else if strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("the error has several lines: %q", err)
		}
	}
	if s := c.Snapshot(); len(s.Pods)+len(s.Namespaces) != 0 {
		t.Errorf("the cache holds %d objects", len(s.Pods)+len(s.Namespaces))
	}
}

// An object's UID is known as long as the object is.
func TestUID(t *testing.T) {
	c := NewCache(labels.Everything(), Interest{SecretName: "routing"})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "web", UID: "p"}}
	for _, o := range []metav1.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "n"}}, pod,
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "routing", UID: "s"}},
	} {
		if _, err := c.Set(o); err != nil {
			t.Fatal(err)
		}
	}
	for ref, want := range map[Ref]string{
		{Kind: "Namespace", Namespace: "", Name: "a"}: "n", {Kind: "Pod", Namespace: "a", Name: "web"}: "p", {Kind: "Secret", Namespace: "a", Name: "routing"}: "s",
		{Kind: "Namespace", Namespace: "", Name: "b"}: "", {Kind: "Pod", Namespace: "b", Name: "web"}: "", {Kind: "Secret", Namespace: "a", Name: "other"}: "", {Kind: "Service", Namespace: "a", Name: "web"}: "",
	} {
		if got := c.UID(ref); got != want {
			t.Errorf("%s has the UID %q, want %q", ref, got, want)
		}
	}
	c.Delete(pod)
	if got := c.UID(Ref{Kind: "Pod", Namespace: "a", Name: "web"}); got != "" {
		t.Errorf("a deleted Pod has the UID %q", got)
	}
}
