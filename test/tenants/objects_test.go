package tenants

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/test/internal/backend"
)

// The default names.
const (
	routable = "github.com/30x.dispatcher.routable"
	hostsKey = "github.com/30x.dispatcher.hosts"
	pathsKey = "github.com/30x.dispatcher.paths"
	prefix   = "github.com/30x.dispatcher."
)

// overTLS are the options of a host with TLS.
const overTLS = `{"ssl": {"certificate": {"valueFrom": {"secretKeyRef": {"key": "ssl.crt"}}}, "certificateKey": {"valueFrom": {"secretKeyRef": {"key": "ssl.key"}}}}}`

// namespace makes a Namespace that was created in an hour of a day.
func namespace(name string, hour int, hosts string) *corev1.Namespace {
	return &corev1.Namespace{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, CreationTimestamp: metav1.NewTime(time.Date(2020, 1, 1, hour, 0, 0, 0, time.UTC)),
			Labels: map[string]string{routable: "true"}, Annotations: map[string]string{hostsKey: hosts},
		},
	}
}

// pod makes a Pod that serves at a backend's address.
func pod(b *backend.Backend, namespace, name, paths string) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Labels: map[string]string{routable: "true", "app": namespace}, Annotations: map[string]string{pathsKey: paths},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "echo", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: int32(b.Port)}}}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: b.IP, HostIP: "10.9.9.9",
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
}

func secret(namespace, name string, fields ...string) *corev1.Secret {
	s := &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{}}
	for i := 1; i < len(fields); i += 2 {
		s.Data[fields[i-1]] = []byte(fields[i])
	}
	return s
}

func configMap(namespace, name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: data}
}

// service makes a Service of the Pods of its Namespace.
func service(namespace, name string, port int) *corev1.Service {
	return &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{}},
		Spec: corev1.ServiceSpec{Selector: map[string]string{"app": namespace}, Ports: []corev1.ServicePort{{Name: "http", Port: int32(port)}}},
	}
}

// ingress makes an Ingress with one rule.
func ingress(namespace, name, host string, paths ...networkingv1.HTTPIngressPath) *networkingv1.Ingress {
	class := "dispatcher"
	return &networkingv1.Ingress{
		TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{}},
		Spec: networkingv1.IngressSpec{IngressClassName: &class, Rules: []networkingv1.IngressRule{rule(host, paths...)}},
	}
}

func rule(host string, paths ...networkingv1.HTTPIngressPath) networkingv1.IngressRule {
	return networkingv1.IngressRule{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: paths}}}
}

// to is a path of an Ingress that leads to the port http of a Service.
func to(path, service string) networkingv1.HTTPIngressPath {
	kind := networkingv1.PathTypePrefix
	return networkingv1.HTTPIngressPath{Path: path, PathType: &kind, Backend: networkingv1.IngressBackend{
		Service: &networkingv1.IngressServiceBackend{Name: service, Port: networkingv1.ServiceBackendPort{Name: "http"}},
	}}
}

// bystanders are the objects of the tenants that do no harm: the witness, whose two
// Namespaces share a host, and the vault, whose Pod nobody has the key of.
func (w *world) bystanders(t *testing.T) []any {
	t.Helper()
	chain, key := w.ca.Server(t, []string{"tls.witness.example"}, lasting())
	own := func(name string) *corev1.Pod {
		port := w.pods[name].Port
		paths := fmt.Sprintf(`{"basePath": "/rooms", "containerPort": %d, "policy": "hash", "key": "segment:1", "overrides": "rooms"}`, port)
		if name == "witness-0" {
			paths += fmt.Sprintf(`, {"basePath": "/app", "containerPort": %d}`, port)
		}
		return pod(w.pods[name], "witness", name, "["+paths+"]")
	}
	shared := `{"www.witness.example": {}}`
	if w.exclusive {
		shared = `{"open.witness.example": {}}`
	}
	open, vault := w.pods["open"], w.pods["vault"]
	return []any{
		namespace("witness", 5, `{"www.witness.example": {}, "tls.witness.example": `+overTLS+`}`),
		secret("witness", "routing", "api-key", "witness's key", "ssl.crt", chain, "ssl.key", key),
		own("witness-0"), own("witness-1"),
		configMap("witness", "rooms", map[string]string{"blue": "witness-1", "red": "witness-0"}),
		namespace("witness-open", 6, shared),
		pod(open, "witness-open", "open", fmt.Sprintf(`[{"basePath": "/open", "containerPort": %d}]`, open.Port)),
		service("witness-open", "open", open.Port),
		ingress("witness-open", "open", "service.witness.example", to("/", "open")),
		namespace("vault", 3, `{"vault.example": {}}`),
		secret("vault", "routing", "api-key", rand.Text()),
		pod(vault, "vault", "vault", fmt.Sprintf(`[{"basePath": "/vault", "containerPort": %d}]`, vault.Port)),
		service("vault", "vault", vault.Port),
		configMap("edge", "hosts", map[string]string{
			"witness": "www.witness.example tls.witness.example", "witness-open": "*.witness.example", "vault": "vault.example",
			"newcomer": "new.example *.new.example", "_others": "hostile.example *.hostile.example",
		}),
	}
}

// newcomers are the objects of the tenant that adds routes.
func (w *world) newcomers() []any {
	b := w.pods["newcomer"]
	paths := []map[string]any{{"basePath": "/base", "containerPort": b.Port}}
	for n := max(w.routes-2, 0); n <= w.routes; n++ {
		paths = append(paths, map[string]any{"basePath": "/n" + strconv.Itoa(n), "containerPort": b.Port})
	}
	s := service("newcomer", "zz", b.Port)
	s.Annotations[prefix+"targetPath"] = "/n" + strconv.Itoa(w.routes)
	return []any{
		namespace("newcomer", 12, `{"new.example": {}}`), pod(b, "newcomer", "newcomer", toJSON(paths)),
		s, ingress("newcomer", "zz", "service.new.example", to("/", "zz")),
	}
}

func toJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake in the test
	}
	return string(text)
}

// lasting lets a certificate live so long that nobody is told of its end.
func lasting() pki.Option { return pki.Expires(time.Now().AddDate(1, 0, 0)) }
