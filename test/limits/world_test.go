// Package limits shows that each limit holds: up to it everything is served, one entry
// more is dropped alone and told, whatever kind of object it stands in.
package limits

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/test/internal/corridor"
)

const prefix = "github.com/30x.dispatcher."

// build gives what is served of the objects with the settings.
func build(t testing.TB, settings string, objects ...metav1.Object) (*route.Table, []route.Problem) {
	t.Helper()
	c, err := corridor.New(strings.Fields("DIALECTS=dispatcher,microservice " + settings))
	if err != nil {
		t.Fatal(err)
	}
	c.Options.TLS, c.Options.Memory = true, &certificate.Memory{}
	table, problems, err := c.Build(objects...)
	if err != nil {
		t.Fatal(err)
	}
	return table, problems
}

// join makes n texts of a format with one number.
func join(n int, separator, format string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(parts, separator)
}

func routable(annotations ...string) metav1.ObjectMeta {
	m := metav1.ObjectMeta{Labels: map[string]string{prefix + "routable": "true"}, Annotations: map[string]string{}}
	for i := 0; i < len(annotations); i += 2 {
		m.Annotations[annotations[i]] = annotations[i+1]
	}
	return m
}

// namespace makes one that was created at a time, with the JSON of its hosts.
func namespace(name string, created int64, hosts string) *corev1.Namespace {
	ns := &corev1.Namespace{ObjectMeta: routable(prefix+"hosts", hosts)}
	ns.Name, ns.CreationTimestamp = name, metav1.Unix(created, 0)
	return ns
}

// pod makes one that serves, with its annotations.
func pod(namespace, name string, annotations ...string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: routable(annotations...),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 80}}}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	p.Namespace, p.Name = namespace, name
	return p
}

// serving makes a Pod of the dialect dispatcher with the JSON of its paths.
func serving(namespace, name, paths string) *corev1.Pod {
	return pod(namespace, name, prefix+"paths", paths)
}

// words makes a Pod of the dialect microservice.
func words(namespace, name, hosts, paths string) *corev1.Pod {
	p := pod(namespace, name, "trafficHosts", hosts, "publicPaths", paths)
	p.Labels = map[string]string{"microservice": "true"}
	return p
}

// ingress makes one with rules for hosts, each with the same paths.
func ingress(namespace, name string, hosts, paths []string) *networkingv1.Ingress {
	class, kind := "dispatcher", networkingv1.PathTypePrefix
	o := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: networkingv1.IngressSpec{IngressClassName: &class}}
	for _, h := range hosts {
		rule := networkingv1.IngressRule{Host: h}
		rule.HTTP = &networkingv1.HTTPIngressRuleValue{}
		for _, p := range paths {
			rule.HTTP.Paths = append(rule.HTTP.Paths, networkingv1.HTTPIngressPath{Path: p, PathType: &kind, Backend: networkingv1.IngressBackend{
				Service: &networkingv1.IngressServiceBackend{Name: "s", Port: networkingv1.ServiceBackendPort{Number: 80}},
			}})
		}
		o.Spec.Rules = append(o.Spec.Rules, rule)
	}
	return o
}

func service(namespace string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "s"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"a": "b"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

func secret(namespace string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "routing"}, Data: data}
}

// padded is a certificate and its key, the one with a comment that makes it n bytes long.
func padded(t testing.TB, n int) map[string][]byte {
	chain, key := pki.SelfSigned(t, "a.example")
	chain += "\n" + strings.Repeat("#", n-len(chain)-1)
	return map[string][]byte{"crt": []byte(chain), "key": []byte(key)}
}

const withTLS = `{"a.example": {"ssl": {"certificate": {"valueFrom": {"secretKeyRef": {"key": "crt"}}}, "certificateKey": {"valueFrom": {"secretKeyRef": {"key": "key"}}}}}}`

// many is a Namespace with hosts, paths on each of them, and Pods for each path.
func many(name string, created int64, hosts, paths, pods int) []metav1.Object {
	objects := []metav1.Object{namespace(name, created, "{"+join(hosts, ", ", `"h%d.`+name+`.example": {}`)+"}")}
	for i := range pods {
		p := serving(name, fmt.Sprintf("web-%d", i), list(paths, json))
		p.Status.PodIP = fmt.Sprintf("10.0.1.%d", i)
		objects = append(objects, p)
	}
	return objects
}
