package trim

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// DX17, DF8: what routing reads remains, and nothing else.
func TestTrim(t *testing.T) {
	now := metav1.Now()
	always := corev1.ContainerRestartPolicyAlways
	container := corev1.Container{
		Name: "c", Ports: []corev1.ContainerPort{{ContainerPort: 80}}, RestartPolicy: &always,
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}},
		LivenessProbe:  &corev1.Probe{PeriodSeconds: 3},
	}
	meta := metav1.ObjectMeta{
		Name: "p", Namespace: "team", UID: "u", ResourceVersion: "1", CreationTimestamp: now, DeletionTimestamp: &now,
		Labels: map[string]string{"l": "1"}, Annotations: map[string]string{"a": "1"},
	}
	kept := corev1.Pod{
		ObjectMeta: meta,
		Spec:       corev1.PodSpec{Containers: []corev1.Container{container}, InitContainers: []corev1.Container{container}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "192.0.2.1",
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now}}},
	}
	full := kept.DeepCopy()
	full.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "x"}}
	full.Finalizers = []string{"x"}
	full.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "PASSWORD", Value: "secret"}}
	full.Spec.InitContainers[0].Image = "image"
	full.Spec.Volumes = []corev1.Volume{{Name: "v"}}
	full.Status.Message = "x"
	full.Status.PodIPs = []corev1.PodIP{{IP: "192.0.2.1"}}
	full.Status.Conditions[0].Message = "x"
	full.Status.Conditions = append([]corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}, full.Status.Conditions...)
	full.Spec.InitContainers = append(full.Spec.InitContainers, corev1.Container{Name: "migrate", Ports: container.Ports})
	full.Spec.Containers = append([]corev1.Container{{Name: "no port"}}, full.Spec.Containers...)
	if Object(full); !reflect.DeepEqual(full, &kept) {
		t.Errorf("got  %+v\nwant %+v", full, &kept)
	}
	ns := &corev1.Namespace{ObjectMeta: *meta.DeepCopy(), Spec: corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{"kubernetes"}}}
	ns.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "x"}}
	if Object(ns); !reflect.DeepEqual(ns, &corev1.Namespace{ObjectMeta: meta}) {
		t.Errorf("got %+v", ns)
	}
	secret := &corev1.Secret{ObjectMeta: *meta.DeepCopy(), Data: map[string][]byte{"api-key": []byte("k")}}
	want := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "team", UID: "u", ResourceVersion: "1"}, Data: secret.Data}
	if Object(secret); !reflect.DeepEqual(secret, want) {
		t.Errorf("of a Secret remains %+v", secret.ObjectMeta)
	}
}
