package watcher

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

func pod(name, version string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, ResourceVersion: version}}
}

// What was told is not told again, and what is gone is told by its name (DF28).
func TestStore(t *testing.T) {
	var got []string
	s := &store{w: &watcher{Resource: Resource{Empty: &corev1.Pod{}}}, versions: map[cache.ObjectName]string{}, tell: func(n note) {
		if n.what != complete {
			sign := map[what]string{deleted: "-", newState: "+"}[n.what]
			got = append(got, sign+n.object.(*corev1.Pod).Namespace+"/"+n.object.GetName())
		}
	}}
	expect := func(err error, want ...string) {
		t.Helper()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
		got = nil
	}
	list := func(pods ...*corev1.Pod) error {
		var objects []any
		for _, p := range pods {
			o, err := pack(p)
			if err != nil {
				t.Fatal(err)
			}
			objects = append(objects, o)
		}
		return s.Replace(objects, "")
	}
	expect(list(pod("a", "1"), pod("b", "1")), "+team/a", "+team/b")
	expect(s.Update(pod("a", "1")))
	expect(s.Update(pod("a", "2")), "+team/a")
	expect(s.Add(pod("c", "2")), "+team/c")
	expect(list(pod("a", "2"), pod("c", "3")), "-team/b", "+team/c")
	expect(s.Delete(pod("a", "3")), "-team/a")
	expect(list(pod("c", "3"), pod("a", "4")), "+team/a")
	expect(s.Replace([]any{pod("c", "4")}, ""), "-team/a", "+team/c") // from a server without lists by watch
	expect(list(), "-team/c")
	if len(s.versions) > 0 {
		t.Errorf("remembered: %v", s.versions)
	}
	if s.Update("text") == nil || s.Delete("text") == nil || s.Replace([]any{"text"}, "") == nil {
		t.Error("it takes in anything")
	}
}

// Nothing is lost on the way, and an object that was packed stays so.
func TestPack(t *testing.T) {
	at := metav1.NewTime(time.Unix(1_700_000_000, 0))
	p := pod("a", "1")
	p.UID, p.CreationTimestamp, p.DeletionTimestamp = "u", at, &at
	p.Labels, p.Annotations = map[string]string{"l": "1"}, map[string]string{"a": "\u00e9"}
	p.Spec.Containers = []corev1.Container{{Name: "c", Ports: []corev1.ContainerPort{{ContainerPort: 80, Protocol: corev1.ProtocolTCP}}}}
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "192.0.2.1",
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: at}}}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "routing"}, Data: map[string][]byte{"api-key": {0, 255}}}
	for empty, o := range map[Object]Object{
		&corev1.Pod{}:       p,
		&corev1.Namespace{}: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team", Labels: p.Labels, CreationTimestamp: at}},
		&corev1.Secret{}:    secret,
	} {
		want := o.DeepCopyObject()
		first, err := pack(o)
		if err != nil {
			t.Fatal(err)
		}
		again, err := pack(first)
		if err != nil || again != first {
			t.Errorf("packed again: %v, %v", again, err)
		}
		got, err := again.(*packed).unpack(empty)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
	}
	if _, err := pack("text"); err == nil {
		t.Error("anything is packed")
	}
}

// A list is read to its end, and its Pods are trimmed at once. If a page fails, so
// does the list: what was missed would look deleted.
func TestByPages(t *testing.T) {
	expired := errors.New("the continue token has expired")
	for failing, want := range map[int]int{-1: 3, 1: 0} {
		page := 0
		list := ByPages(func(_ context.Context, o metav1.ListOptions) (*corev1.PodList, error) {
			asked := ""
			if page > 0 {
				asked = strconv.Itoa(page)
			}
			if o.Limit != pageSize || o.ResourceVersion != "" || o.LabelSelector != "routable=true" || o.Continue != asked {
				t.Errorf("page %d is asked for by %+v", page, o)
			}
			if page == failing {
				return nil, expired
			}
			p := pod(strconv.Itoa(page), "1")
			p.Spec.NodeName = "node"
			page++
			next := strconv.Itoa(page)
			if page == 3 {
				next = ""
			}
			return &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "7", Continue: next}, Items: []corev1.Pod{*p}}, nil
		})
		o, err := list(t.Context(), metav1.ListOptions{LabelSelector: "routable=true", ResourceVersion: "0"})
		if want == 0 {
			if !errors.Is(err, expired) {
				t.Errorf("error %v, want that of the page", err)
			}
			continue
		}
		all, ok := o.(*packedList)
		if !ok || err != nil || len(all.Items) != want || all.ResourceVersion != "7" || all.Continue != "" {
			t.Fatalf("%+v, %v", o, err)
		}
		for i, p := range all.Items {
			got, err := p.unpack(&corev1.Pod{})
			if err != nil || !reflect.DeepEqual(got, pod(strconv.Itoa(i), "1")) {
				t.Errorf("Pod %d is %+v, %v", i, got, err)
			}
		}
	}
}
