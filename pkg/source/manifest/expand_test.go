package manifest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// seedController is the ReplicationController of the original's demo.
const seedController = `apiVersion: v1
kind: ReplicationController
metadata:
  name: nodejs-k8s-env
  labels:
    name: nodejs-k8s-env
spec:
  replicas: 3
  selector:
    name: nodejs-k8s-env
  template:
    metadata:
      labels:
        name: nodejs-k8s-env
        github.com/30x.dispatcher.routable: "true"
      annotations:
        github.com/30x.dispatcher.paths: '[{"basePath": "/nodejs", "containerPort": "3000"}]'
    spec:
      containers:
      - name: nodejs-k8s-env
        image: thirtyx/nodejs-k8s-env
        ports:
          - containerPort: 3000
`

func TestExpandSeedController(t *testing.T) {
	objects, problems := Objects([]*File{mustParse(t, "rc.yaml", seedController)})
	if len(problems) > 0 {
		t.Error(problems)
	}
	if len(objects) != 3 {
		t.Fatalf("%d objects, want 3", len(objects))
	}
	for n, o := range objects {
		pod := o.(*corev1.Pod)
		if want := fmt.Sprintf("nodejs-k8s-env-%d", n); pod.Name != want || pod.Namespace != "default" {
			t.Errorf("Pod %d is %s/%s, want default/%s", n, pod.Namespace, pod.Name, want)
		}
		if want := fmt.Sprintf("192.0.2.%d", n+1); pod.Status.PodIP != want || pod.Status.PodIPs[0].IP != want {
			t.Errorf("%s has the address %s, want %s", pod.Name, pod.Status.PodIP, want)
		}
		if c := pod.Status.Conditions; pod.Status.Phase != corev1.PodRunning || len(c) != 1 || c[0].Type != corev1.PodReady || c[0].Status != corev1.ConditionTrue {
			t.Errorf("%s is not Running and Ready: %+v", pod.Name, pod.Status)
		}
		if pod.Labels["github.com/30x.dispatcher.routable"] != "true" || !strings.Contains(pod.Annotations["github.com/30x.dispatcher.paths"], "/nodejs") ||
			pod.Spec.Containers[0].Ports[0].ContainerPort != 3000 {
			t.Errorf("%s lacks what its template says: %+v", pod.Name, pod)
		}
		if owner := metav1.GetControllerOf(pod); owner == nil || owner.Kind != "ReplicationController" || owner.Name != "nodejs-k8s-env" {
			t.Errorf("%s is owned by %+v", pod.Name, owner)
		}
	}
}

// workloadText makes a manifest; spec is in flow style and may be empty.
func workloadText(apiVersion, kind, name, spec string) string {
	return fmt.Sprintf("---\napiVersion: %s\nkind: %s\nmetadata: {name: %s}\nspec: {%s}\n", apiVersion, kind, name, spec)
}

func owned(kind, name, ownerKind, owner, labels string) string {
	version := map[string]string{"Pod": "v1"}[kind]
	if version == "" {
		version = "apps/v1"
	}
	return fmt.Sprintf("---\napiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n  labels: {%s}\n  ownerReferences: [{apiVersion: apps/v1, kind: %s, name: %s, uid: u, controller: true}]\n",
		version, kind, name, labels, ownerKind, owner)
}

func TestExpand(t *testing.T) {
	for _, tc := range []struct {
		name, text        string
		objects, problems []string
	}{
		{name: "replicas unset is one", text: workloadText("apps/v1", "Deployment", "d", ""), objects: []string{"Pod/default/d-0"}},
		{name: "replicas zero is none", text: workloadText("apps/v1", "ReplicaSet", "r", "replicas: 0")},
		{name: "StatefulSet from its first ordinal", text: workloadText("apps/v1", "StatefulSet", "s", "replicas: 2, ordinals: {start: 5}"),
			objects: []string{"Pod/default/s-5", "Pod/default/s-6", "StatefulSet/default/s"}},
		{name: "DaemonSet, also of the seed's version", text: workloadText("apps/v1", "DaemonSet", "a", "") + workloadText("extensions/v1beta1", "DaemonSet", "b", ""),
			objects: []string{"Pod/default/a-0", "Pod/default/b-0"}},
		{name: "names that are taken are skipped", text: podText("d-1", "") + workloadText("apps/v1", "Deployment", "d", "replicas: 2"),
			objects: []string{"Pod/default/d-0", "Pod/default/d-1", "Pod/default/d-2"}},
		{name: "fixed names go first", text: workloadText("apps/v1", "Deployment", "w", "replicas: 1") + workloadText("apps/v1", "StatefulSet", "w", "replicas: 2"),
			objects: []string{"Pod/default/w-0", "Pod/default/w-1", "Pod/default/w-2", "StatefulSet/default/w"}},
		{name: "a fixed name that is taken", text: podText("s-0", "") + workloadText("apps/v1", "StatefulSet", "s", "replicas: 2"),
			objects:  []string{"Pod/default/s-0", "Pod/default/s-1", "StatefulSet/default/s"},
			problems: []string{"m.yaml: document 2: StatefulSet/default/s: its Pod/default/s-0 is already defined elsewhere: rename one of the two"}},
		{name: "Pods in the input", text: workloadText("apps/v1", "StatefulSet", "s", "replicas: 2") + owned("Pod", "s-0", "StatefulSet", "s", ""),
			objects: []string{"Pod/default/s-0", "StatefulSet/default/s"}},
		{name: "Pods of another kind's owner", text: workloadText("apps/v1", "DaemonSet", "s", "") + owned("Pod", "s-x", "StatefulSet", "s", ""),
			objects: []string{"Pod/default/s-0", "Pod/default/s-x"}},
		{name: "Deployment, ReplicaSet and Pods", text: owned("Pod", "d-5f-x", "ReplicaSet", "d-5f", "") + owned("ReplicaSet", "d-5f", "Deployment", "d", "") +
			workloadText("apps/v1", "Deployment", "d", "replicas: 3"), objects: []string{"Pod/default/d-5f-x"}},
		{name: "Deployment and Pods without the ReplicaSet", text: owned("Pod", "d-5f-x", "ReplicaSet", "d-5f", "pod-template-hash: 5f") +
			workloadText("apps/v1", "Deployment", "d", "replicas: 3"), objects: []string{"Pod/default/d-5f-x"}},
		{name: "Deployment and ReplicaSet without Pods", text: owned("ReplicaSet", "d-5f", "Deployment", "d", "") + workloadText("apps/v1", "Deployment", "d", ""),
			objects: []string{"Pod/default/d-0"}},
		{name: "a slip in replicas", text: workloadText("apps/v1", "Deployment", "d", "replicas: -1"),
			problems: []string{"m.yaml: document 1: Deployment/default/d: replicas is -1, of which 0 can be shown: use fewer (at most 20000 Pods in all)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			objects, problems := parsed(t, tc.text)
			if !slices.Equal(objects, tc.objects) {
				t.Errorf("objects are %q, want %q", objects, tc.objects)
			}
			if !slices.Equal(problems, tc.problems) {
				t.Errorf("problems are\n%q, want\n%q", problems, tc.problems)
			}
		})
	}
}

func podText(name, status string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nstatus: {%s}\n", name, status)
}

func addresses(objects []metav1.Object) []string {
	var out []string
	for _, o := range objects {
		if pod, ok := o.(*corev1.Pod); ok {
			out = append(out, o.GetName()+" "+pod.Status.PodIP)
		}
	}
	return out
}

// A Pod with a status is taken at its word, and its address is not given to
// another.
func TestStatus(t *testing.T) {
	f := mustParse(t, "m", podText("a", "")+podText("b", "phase: Pending")+podText("c", "phase: Running, podIP: 192.0.2.2")+podText("d", ""))
	objects, _ := Objects([]*File{f})
	if got, want := addresses(objects), []string{"a 192.0.2.1", "b ", "c 192.0.2.2", "d 192.0.2.3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if c := objects[2].(*corev1.Pod).Status.Conditions; len(c) != 0 {
		t.Errorf("conditions were added to a Pod with a status: %v", c)
	}
}

func TestAddressesGoOnInTheNextRange(t *testing.T) {
	f := mustParse(t, "m", workloadText("apps/v1", "ReplicaSet", "s", "replicas: 50000"))
	objects, problems := Objects([]*File{f})
	if len(objects) != maxExpanded || len(problems) != 1 {
		t.Fatalf("%d objects, problems %v", len(objects), problems)
	}
	got := map[string]bool{}
	for _, o := range objects {
		got[o.(*corev1.Pod).Status.PodIP] = true
	}
	if len(got) != maxExpanded {
		t.Errorf("%d addresses for %d Pods", len(got), maxExpanded)
	}
	for _, a := range []string{"192.0.2.1", "192.0.2.254", "198.51.100.1", "203.0.113.254", "198.18.0.1", "198.18.1.0"} {
		if !got[a] {
			t.Errorf("%s was not given", a)
		}
	}
	if got["192.0.2.0"] || got["192.0.2.255"] || got["198.18.0.0"] {
		t.Error("an address that is not for hosts was given")
	}
}

// The order of documents, files and paths changes nothing.
func TestOrderDoesNotMatter(t *testing.T) {
	documents := []string{
		podText("a", ""), podText("w-1", ""), podText("z", "phase: Running, podIP: 10.0.0.1"), seedController,
		workloadText("apps/v1", "Deployment", "w", "replicas: 2"), workloadText("apps/v1", "StatefulSet", "w", "replicas: 1"),
		workloadText("apps/v1", "ReplicaSet", "w", "replicas: 2"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n",
	}
	var want []metav1.Object
	for range 50 {
		rand.Shuffle(len(documents), func(i, j int) { documents[i], documents[j] = documents[j], documents[i] })
		cut := rand.IntN(len(documents))
		files := []*File{mustParse(t, "b", strings.Join(documents[cut:], "\n---\n")), mustParse(t, "a", strings.Join(documents[:cut], "\n---\n"))}
		got, problems := Objects(files)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if want == nil {
			want = got
		}
		if !equality.Semantic.DeepEqual(got, want) {
			t.Fatalf("got %q, want %q", addresses(got), addresses(want))
		}
	}
}

// Putting files together must not change them: they are put together again
// after every change.
func TestObjectsDoesNotChangeFiles(t *testing.T) {
	f := mustParse(t, "b", podText("b", "")+"---\n"+seedController)
	before, _ := Objects([]*File{f})
	if _, problems := Objects([]*File{f, mustParse(t, "a", podText("a", ""))}); len(problems) > 0 {
		t.Fatal(problems)
	}
	after, _ := Objects([]*File{f})
	if !equality.Semantic.DeepEqual(before, after) {
		t.Error("the second time is different")
	}
}

func TestFirstFileByNameCounts(t *testing.T) {
	a, b := mustParse(t, "a", podText("p", "podIP: 10.0.0.1")), mustParse(t, "b", podText("p", "podIP: 10.0.0.2"))
	for _, files := range [][]*File{{a, b}, {b, a}} {
		objects, problems := Objects(files)
		if len(objects) != 1 || objects[0].(*corev1.Pod).Status.PodIP != "10.0.0.1" {
			t.Errorf("got %q", addresses(objects))
		}
		if len(problems) != 1 || problems[0].Where != "b: document 1" {
			t.Errorf("problems are %v", problems)
		}
	}
}
