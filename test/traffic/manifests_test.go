package traffic

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// The seed's default names.
const (
	routable = "github.com/30x.dispatcher.routable"
	hostsKey = "github.com/30x.dispatcher.hosts"
	pathsKey = "github.com/30x.dispatcher.paths"
)

// entry is an element of a Pod's paths annotation.
type entry map[string]any

// at is the entry of a path; newPod fills in the Pod's port.
func at(path string) entry { return entry{"basePath": path} }

// to adds a target path.
func (e entry) to(target string) entry {
	e["targetPath"] = target
	return e
}

// namespace makes a routable Namespace with hosts.
func namespace(name string, hosts ...string) *corev1.Namespace {
	options := map[string]any{}
	for _, h := range hosts {
		options[h] = map[string]any{}
	}
	return &corev1.Namespace{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Labels:      map[string]string{routable: "true"},
			Annotations: map[string]string{hostsKey: toJSON(options)},
		},
	}
}

// created sets a Namespace's age: the first hour is older than the second.
func created(ns *corev1.Namespace, hour int) *corev1.Namespace {
	ns.CreationTimestamp = metav1.NewTime(time.Date(2020, 1, 1, hour, 0, 0, 0, time.UTC))
	return ns
}

// pod is a Pod's manifest and the server at its address.
type pod struct {
	*corev1.Pod
	*backend
}

// MarshalJSON gives the manifest alone.
func (p *pod) MarshalJSON() ([]byte, error) { return json.Marshal(p.Pod) }

// newPod starts a server and makes the manifest of a routable Pod at its
// address, which is Running and Ready.
func newPod(t testing.TB, namespace, name string, paths ...entry) *pod {
	t.Helper()
	return newPodAt(t, newLoopback()+":0", namespace, name, paths...)
}

// newPodAt is newPod with an address, as in net.Listen.
func newPodAt(t testing.TB, address, namespace, name string, paths ...entry) *pod {
	t.Helper()
	b := newBackend(t, address, name)
	for _, e := range paths {
		if _, given := e["containerPort"]; !given {
			e["containerPort"] = b.port
		}
	}
	return &pod{backend: b, Pod: &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   namespace,
			Name:        name,
			Labels:      map[string]string{routable: "true"},
			Annotations: map[string]string{pathsKey: toJSON(paths)},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "app", Image: "echo", Ports: []corev1.ContainerPort{{ContainerPort: int32(b.port)}},
		}}},
		Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			PodIP:      b.ip,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}}
}

// paths replaces the Pod's paths.
func (p *pod) paths(paths ...entry) *pod {
	for _, e := range paths {
		e["containerPort"] = p.port
	}
	p.Annotations[pathsKey] = toJSON(paths)
	return p
}

// ready sets the Pod's Ready condition.
func (p *pod) ready(yes bool) *pod {
	p.Status.Conditions[0].Status = corev1.ConditionFalse
	if yes {
		p.Status.Conditions[0].Status = corev1.ConditionTrue
	}
	return p
}

func toJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake in the test
	}
	return string(text)
}

// apply writes one manifest file an object, in the way careful tools do: to
// another name, then renamed.
func (d *dispatcher) apply(objects ...metav1.Object) {
	d.t.Helper()
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			d.t.Fatal(err)
		}
		d.write(manifestFile(o), string(text))
	}
}

// write puts text into a file of the manifest folder.
func (d *dispatcher) write(name, text string) {
	d.t.Helper()
	replaceFile(d.t, filepath.Join(d.manifests, name), text)
}

// remove deletes objects' manifest files.
func (d *dispatcher) remove(objects ...metav1.Object) {
	d.t.Helper()
	for _, o := range objects {
		if err := os.Remove(filepath.Join(d.manifests, manifestFile(o))); err != nil {
			d.t.Fatal(err)
		}
	}
}

func manifestFile(o metav1.Object) string {
	return strings.TrimPrefix(o.GetNamespace()+"-", "-") + o.GetName() + ".yaml"
}

func replaceFile(t testing.TB, path, text string) {
	t.Helper()
	next := filepath.Join(filepath.Dir(path), ".next-"+filepath.Base(path))
	if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}
