package kube

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	discoveryapply "k8s.io/client-go/applyconfigurations/discovery/v1"

	"github.com/30x/dispatcher/test/internal/backend"
	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// service makes a Service with one port, 80 of the name http.
func (n *namespace) service(name string, selector map[string]string) {
	n.t.Helper()
	_, err := n.client.CoreV1().Services(n.name).Create(n.ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}, metav1.CreateOptions{})
	n.must(err)
}

// endpoints makes these addresses, at port 8080, the only endpoints of a Service. The API
// server takes none of loopback, so nobody answers at them. pods are the names of the
// Pods behind them, if they are Pods.
func (n *namespace) endpoints(service string, addresses, pods []string) {
	n.t.Helper()
	slice := discoveryapply.EndpointSlice(service+"-1", n.name).WithLabels(map[string]string{discoveryv1.LabelServiceName: service}).
		WithAddressType(discoveryv1.AddressTypeIPv4).WithPorts(discoveryapply.EndpointPort().WithName("http").WithPort(8080))
	for i, a := range addresses {
		endpoint := discoveryapply.Endpoint().WithAddresses(a)
		if pods != nil {
			endpoint.WithTargetRef(corev1apply.ObjectReference().WithKind("Pod").WithNamespace(n.name).WithName(pods[i]))
		}
		slice.WithEndpoints(endpoint)
	}
	_, err := n.client.DiscoveryV1().EndpointSlices(n.name).Apply(n.ctx, slice, metav1.ApplyOptions{FieldManager: "test", Force: true})
	n.must(err)
}

// tries waits until nginx has tried exactly these endpoints for a request, and says so
// in its log of accesses.
func (n *namespace) tries(d *dispatcher.Dispatcher, addresses []string, headers ...string) {
	n.t.Helper()
	n.eventually(fmt.Sprintf("nginx asks %s", addresses), func() bool {
		uri := "/" + rand.String(12)
		if got := d.Try(n.host, uri, headers...); got.Status != http.StatusBadGateway && got.Status != http.StatusGatewayTimeout {
			return false
		}
		var line string
		n.eventually("nginx logs the request", func() bool {
			_, after, found := strings.Cut(d.Out(), `"`+uri+`"`)
			line, _, _ = strings.Cut(after, "\n")
			return found && strings.Contains(after, "\n")
		})
		tried := ""
		if _, after, found := strings.Cut(line, `"pod":"`); found {
			tried, _, _ = strings.Cut(after, `"`)
		}
		got := strings.Split(strings.ReplaceAll(tried, " : ", ", "), ", ")
		slices.Sort(got)
		return slices.Equal(slices.Compact(got), addresses)
	})
}

// route makes an Ingress that gives all paths of a host to a Service.
func (n *namespace) route(name, host, service string) {
	n.t.Helper()
	_, err := n.client.NetworkingV1().Ingresses(n.name).Create(n.ctx, &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: networkingv1.IngressSpec{
			IngressClassName: new("dispatcher"),
			Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
				Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: new(networkingv1.PathTypePrefix), Backend: networkingv1.IngressBackend{
					Service: &networkingv1.IngressServiceBackend{Name: service, Port: networkingv1.ServiceBackendPort{Name: "http"}},
				}}},
			}}}},
		},
	}, metav1.CreateOptions{})
	n.must(err)
}

// behind makes a Pod of a Service, of no dialect, that is said to be ready at an address.
func (n *namespace) behind(name, address string) {
	n.t.Helper()
	p := &pod{&backend.Backend{Name: name, IP: address, Port: 8080}, n}
	o := p.object()
	o.Labels, o.Annotations = map[string]string{"app": "web"}, nil
	_, err := n.client.CoreV1().Pods(n.name).Create(n.ctx, o, metav1.CreateOptions{})
	n.must(err)
	p.run()
}

// TestIngress: EF2, EF3, EF5, EX10, DX10. A Namespace that is not routable, and Pods
// that are not, are served as an Ingress says, with the key of the Namespace's Secret;
// endpoints that change are live, and with the Ingress its host goes.
func TestIngress(t *testing.T) {
	t.Parallel()
	s := begin(t)
	n := s.namespace("ingress")
	n.label(routable, nil)
	n.annotate(hostsKey, nil)
	n.behind("first", "192.0.2.1")
	n.behind("second", "192.0.2.2")
	n.service("web", map[string]string{"app": "web"})
	n.endpoints("web", []string{"192.0.2.1"}, []string{"first"})
	d := s.dispatcher("--proxy-connect-timeout=1s")
	d.Answers(n.host, "/", 0)
	n.route("web", n.host, "web")
	n.tries(d, []string{"192.0.2.1:8080"})
	n.endpoints("web", []string{"192.0.2.2"}, []string{"second"})
	n.tries(d, []string{"192.0.2.2:8080"})
	n.endpoints("web", []string{"192.0.2.1", "192.0.2.2"}, []string{"first", "second"})
	n.tries(d, []string{"192.0.2.1:8080", "192.0.2.2:8080"})
	n.endpoints("web", nil, nil)
	d.Answers(n.host, "/", http.StatusServiceUnavailable)
	n.endpoints("web", []string{"192.0.2.1"}, []string{"first"})
	n.tries(d, []string{"192.0.2.1:8080"})

	n.secret("routing", "api-key", "supersecret")
	d.Answers(n.host, "/", http.StatusForbidden)
	n.tries(d, []string{"192.0.2.1:8080"}, key("supersecret"))
	s.must(n.client.NetworkingV1().Ingresses(n.name).Delete(s.ctx, "web", metav1.DeleteOptions{}))
	d.Answers(n.host, "/", 0)
}

// TestIngressOutside: EF1, EF4, EX6. Addresses outside the cluster are asked, but none
// that the operator refuses or that is another Namespace's Pod, and only for clients in
// the Service's ranges.
func TestIngressOutside(t *testing.T) {
	t.Parallel()
	s := begin(t)
	n, theirs := s.namespace("outside"), s.namespace("theirs")
	n.service("api", nil)
	n.endpoints("api", []string{"192.0.2.33"}, nil)
	n.route("api", n.host, "api")
	d := s.dispatcher("--proxy-connect-timeout=1s", "--endpoint-deny=192.0.2.44")
	n.tries(d, []string{"192.0.2.33:8080"})
	n.endpoints("api", []string{"192.0.2.44"}, nil)
	d.Answers(n.host, "/", http.StatusServiceUnavailable)
	n.endpoints("api", []string{"192.0.2.55"}, nil)
	n.tries(d, []string{"192.0.2.55:8080"})
	theirs.behind("hidden", "192.0.2.55")
	d.Answers(n.host, "/", http.StatusServiceUnavailable)

	n.endpoints("api", []string{"192.0.2.33"}, nil)
	n.tries(d, []string{"192.0.2.33:8080"})
	let := func(ranges string) {
		t.Helper()
		_, err := n.client.CoreV1().Services(n.name).Apply(s.ctx, corev1apply.Service("api", n.name).
			WithAnnotations(map[string]string{"github.com/30x.dispatcher.allowSourceRanges": ranges}), metav1.ApplyOptions{FieldManager: "test", Force: true})
		s.must(err)
	}
	let("198.51.100.0/24")
	d.Answers(n.host, "/", http.StatusForbidden)
	let("198.51.100.0/24,127.0.0.0/8")
	n.tries(d, []string{"192.0.2.33:8080"})
}

// TestOverrides: HF2, HF3, HF4, HX9. Keys are shared out among Pods, and a ConfigMap that
// is made later beats that for its keys, for as long as it is there.
func TestOverrides(t *testing.T) {
	t.Parallel()
	s := begin(t)
	n := s.namespace("keys")
	for _, name := range []string{"web-a", "web-b"} {
		p := n.pod(name, "/none").run()
		p.annotate(pathsKey, toJSON([]any{map[string]any{"basePath": "/ws", "containerPort": p.Port, "policy": "hash", "key": "segment:1", "overrides": "moved"}}))
	}
	d := s.dispatcher()
	var alice string
	s.eventually("each key has a Pod", func() bool {
		pods := d.Pods(5, n.host, "/ws/alice")
		for name := range pods {
			alice = name
		}
		return len(pods) == 1 && alice != ""
	})
	other := map[string]string{"web-a": "web-b", "web-b": "web-a"}[alice]
	maps := n.client.CoreV1().ConfigMaps(n.name)
	_, err := maps.Create(s.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "moved"}, Data: map[string]string{"alice": other}}, metav1.CreateOptions{})
	s.must(err)
	d.Serves(n.host, "/ws/alice", other)
	s.must(maps.Delete(s.ctx, "moved", metav1.DeleteOptions{}))
	d.Serves(n.host, "/ws/alice", alice)
}
