package traffic

import (
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// service makes a Service of Namespace shop without a selector, and the EndpointSlice
// that says where it is.
func service(name, ip string, port int) (*corev1.Service, *discoveryv1.EndpointSlice) {
	number := int32(port)
	return &corev1.Service{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		}, &discoveryv1.EndpointSlice{
			TypeMeta:    metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
			ObjectMeta:  metav1.ObjectMeta{Namespace: "shop", Name: name + "-1", Labels: map[string]string{discoveryv1.LabelServiceName: name}},
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{ip}}},
			Ports:       []discoveryv1.EndpointPort{{Port: &number}},
		}
}

// anyHost makes an Ingress of Namespace shop for hosts that nobody declares.
func anyHost(name, path, service string) *networkingv1.Ingress {
	class, kind := "dispatcher", networkingv1.PathTypePrefix
	return &networkingv1.Ingress{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Spec: networkingv1.IngressSpec{IngressClassName: &class, Rules: []networkingv1.IngressRule{{IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
			Paths: []networkingv1.HTTPIngressPath{{Path: path, PathType: &kind, Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: service, Port: networkingv1.ServiceBackendPort{Number: 80}}}}},
		}}}}},
	}
}

// TestCatchAll: DF15, EF2. One Namespace may serve hosts that nobody declares, over HTTP
// and TLS; the status path stays nginx's own, and hosts that are declared get nothing
// of it.
func TestCatchAll(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	outside := newBackend(t, newLoopback()+":0", "outside")
	svc, slice := service("outside", outside.ip, outside.port)
	d.apply(hosts(namespace("web"), map[string]option{"plain.dev": {}, "*.wild.dev": {}, "secure.dev": overTLS()}), d.certified("web", "secure.dev"), newPod(t, "web", "web", at("/web")),
		namespace("shop"), svc, slice, anyHost("any", "/any", "outside"))
	d.run("--default-namespace=shop", "--endpoint-allow=127.0.0.0/8")
	const uri = "/any/a%2Fb//c?x=%20"
	for _, host := range []string{"unknown.dev", "192.0.2.1", "localhost"} {
		if got := d.ask(host, uri); got.Pod != "outside" || got.URI != uri || got.Host != host {
			t.Errorf("%s: status %d from %q, which sees %s%s", host, got.Status, got.Pod, got.Host, got.URI)
		}
		if got := d.ask(host, "/dispatcher/status"); got.Status != http.StatusOK || got.Pod != "" {
			t.Errorf("%s: the status path is answered with %d by %q", host, got.Status, got.Pod)
		}
		d.closes(host, "/other")
	}
	if got := d.tryTLS("unknown.dev", uri); got.Pod != "outside" || got.Sent.Get("X-Forwarded-Proto") != "https" || got.Leaf == nil || got.Leaf.DNSNames[0] != defaultName {
		t.Errorf("over TLS: status %d, %v from %q", got.Status, got.Err, got.Pod)
	}
	if wrong := unserved(d.tryTLS("unknown.dev", "/other")); wrong != "" {
		t.Errorf("over TLS, another path: %s", wrong)
	}
	for _, host := range []string{"plain.dev", "x.wild.dev", "x.y.wild.dev"} {
		if got := d.tryTLS(host, uri); !got.isRefused() {
			t.Errorf("%s over TLS: status %d, %v from %q", host, got.Status, got.Err, got.Pod)
		}
		if got := d.sendTLS(hello("unknown.dev"), get(host, uri, "Connection: close")); !got.closed() {
			t.Errorf("%s over TLS, by a connection to another host: status %d, %v from %q", host, got.Status, got.Err, got.Pod)
		}
	}
	for _, got := range []answer{d.ask("plain.dev", uri), d.ask("x.wild.dev", uri), d.tryTLS("secure.dev", uri)} {
		if got.Status != http.StatusNotFound {
			t.Errorf("a host that is declared: status %d, %v from %q", got.Status, got.Err, got.Pod)
		}
	}
	if got := d.tryTLS("secure.dev", "/web"); got.Pod != "web" {
		t.Errorf("status %d, %v from %q", got.Status, got.Err, got.Pod)
	}
	slice.Endpoints = nil
	d.apply(slice)
	d.answers("unknown.dev", uri, http.StatusServiceUnavailable)
	if got := d.ask("unknown.dev", uri); got.Received.Get("Retry-After") != "5" {
		t.Errorf("nobody is there: %v", got.Received)
	}
	d.remove(anyHost("any", "/any", "outside"))
	d.answers("unknown.dev", uri, 0)
	if got := d.ask("unknown.dev", "/dispatcher/status"); got.Status != http.StatusOK {
		t.Errorf("the status path is answered with %d", got.Status)
	}
}

// closes wants a request to get no answer.
func (d *dispatcher) closes(host, uri string) {
	d.t.Helper()
	if got := d.try(host, uri); !got.closed() {
		d.t.Errorf("%s%s: status %d, %v", host, uri, got.Status, got.Err)
	}
}

// isRefused reports whether there was not even a handshake.
func (a answer) isRefused() bool { return a.Status == 0 && a.Leaf == nil && a.Err != nil }
