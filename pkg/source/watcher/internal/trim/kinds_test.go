package trim

import (
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What is behind a path is cut to what routing reads, too.
func TestTrimBackends(t *testing.T) {
	t.Parallel()
	now := metav1.Now()
	meta := func(change func(*metav1.ObjectMeta)) metav1.ObjectMeta {
		m := metav1.ObjectMeta{Name: "n", Namespace: "team", UID: "u", ResourceVersion: "1", CreationTimestamp: now}
		if change != nil {
			change(&m)
		}
		return m
	}
	full := func() metav1.ObjectMeta {
		return meta(func(m *metav1.ObjectMeta) {
			m.Labels = map[string]string{"l": "1", discoveryv1.LabelServiceName: "web"}
			m.Annotations = map[string]string{"a": "1", corev1.LastAppliedConfigAnnotation: "{}"}
			m.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "x"}}
			m.OwnerReferences = []metav1.OwnerReference{{Kind: "Service", Name: "web", Controller: new(true)}}
		})
	}
	annotated := meta(func(m *metav1.ObjectMeta) { m.Annotations = map[string]string{"a": "1"} })
	bare := meta(func(m *metav1.ObjectMeta) { m.CreationTimestamp = metav1.Time{} })
	port := discoveryv1.EndpointPort{Port: new(int32(80))}
	for _, tc := range []struct{ full, want any }{
		{
			&corev1.Service{ObjectMeta: full(), Spec: corev1.ServiceSpec{ClusterIP: "10.0.0.1", Selector: map[string]string{"a": "b"}, SessionAffinity: "None"}, Status: corev1.ServiceStatus{Conditions: make([]metav1.Condition, 1)}},
			&corev1.Service{ObjectMeta: annotated, Spec: corev1.ServiceSpec{ClusterIP: "10.0.0.1", Selector: map[string]string{"a": "b"}}},
		},
		{
			&discoveryv1.EndpointSlice{ObjectMeta: full(), AddressType: "IPv4", Ports: []discoveryv1.EndpointPort{port}, Endpoints: []discoveryv1.Endpoint{{
				Addresses: []string{"10.0.0.2"}, NodeName: new("node"), TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "p", UID: "x"},
			}}},
			&discoveryv1.EndpointSlice{
				ObjectMeta:  meta(func(m *metav1.ObjectMeta) { m.Labels = map[string]string{discoveryv1.LabelServiceName: "web"} }),
				AddressType: "IPv4", Ports: []discoveryv1.EndpointPort{port},
				Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.2"}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "p"}}},
			},
		},
		{
			&networkingv1.Ingress{ObjectMeta: full(), Spec: networkingv1.IngressSpec{IngressClassName: new("c")}, Status: networkingv1.IngressStatus{LoadBalancer: networkingv1.IngressLoadBalancerStatus{Ingress: make([]networkingv1.IngressLoadBalancerIngress, 1)}}},
			&networkingv1.Ingress{ObjectMeta: annotated, Spec: networkingv1.IngressSpec{IngressClassName: new("c")}},
		},
		{
			&networkingv1.IngressClass{ObjectMeta: full(), Spec: networkingv1.IngressClassSpec{Controller: "c", Parameters: &networkingv1.IngressClassParametersReference{}}},
			&networkingv1.IngressClass{ObjectMeta: annotated, Spec: networkingv1.IngressClassSpec{Controller: "c"}},
		},
		{
			&corev1.ConfigMap{ObjectMeta: full(), Data: map[string]string{"k": "v", "long": strings.Repeat("x", 1000)}, BinaryData: map[string][]byte{"b": {1}}},
			&corev1.ConfigMap{ObjectMeta: bare, Data: map[string]string{"k": "v", "long": strings.Repeat("x", maxValue)}},
		},
		{
			&appsv1.StatefulSet{ObjectMeta: full(), Spec: appsv1.StatefulSetSpec{Replicas: new(int32(3)), ServiceName: "s"}, Status: appsv1.StatefulSetStatus{Replicas: 2}},
			&appsv1.StatefulSet{ObjectMeta: bare, Spec: appsv1.StatefulSetSpec{Replicas: new(int32(3))}},
		},
		{
			&corev1.Pod{ObjectMeta: full(), Status: corev1.PodStatus{HostIP: "192.0.2.1", HostIPs: []corev1.HostIP{{IP: "192.0.2.1"}}, PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}}, NominatedNodeName: "x"}},
			&corev1.Pod{ObjectMeta: meta(func(m *metav1.ObjectMeta) {
				f := full()
				m.Labels, m.Annotations, m.OwnerReferences = f.Labels, f.Annotations, f.OwnerReferences
			}), Status: corev1.PodStatus{HostIP: "192.0.2.1", PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}}}},
		},
	} {
		if Object(tc.full); !reflect.DeepEqual(tc.full, tc.want) {
			t.Errorf("got  %+v\nwant %+v", tc.full, tc.want)
		}
	}
}
