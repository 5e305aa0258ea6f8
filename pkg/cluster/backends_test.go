package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/source/names"
)

// served is a Cache of Services and all else, in which an Ingress names the Service web.
func served(t *testing.T) *Cache {
	t.Helper()
	c := NewCache(labels.SelectorFromSet(labels.Set{"routable": "true"}), Interest{
		Services: true, ServiceAnnotations: []string{"class"}, ServicePrefix: "opt.", TLSSecrets: true, SecretName: "routing", Overrides: []string{"moved"},
	})
	if got, err := c.Set(ingress()); got != Added || err != nil {
		t.Fatal(got, err)
	}
	return c
}

func at(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "a", Name: name} }

func ingress(changes ...func(*networkingv1.Ingress)) *networkingv1.Ingress {
	o := &networkingv1.Ingress{ObjectMeta: at("i")}
	o.Annotations = map[string]string{"class": "x", "other": "y"}
	o.Spec.Rules = []networkingv1.IngressRule{{Host: "e.com", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
		Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: new(networkingv1.PathTypePrefix), Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web"}}}},
	}}}}
	for _, change := range changes {
		change(o)
	}
	return o
}

func service(name string, changes ...func(*corev1.Service)) *corev1.Service {
	o := &corev1.Service{ObjectMeta: at(name), Spec: corev1.ServiceSpec{
		ClusterIP: "10.96.0.1", Ports: []corev1.ServicePort{{Port: 80}, {Port: 53, Protocol: corev1.ProtocolUDP}},
	}}
	for _, change := range changes {
		change(o)
	}
	return o
}

func slice(of string, ips ...string) *discoveryv1.EndpointSlice {
	o := &discoveryv1.EndpointSlice{ObjectMeta: at(of + "-x"), AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}}
	o.Labels = map[string]string{discoveryv1.LabelServiceName: of}
	for _, ip := range ips {
		o.Endpoints = append(o.Endpoints, discoveryv1.Endpoint{Addresses: []string{ip}})
	}
	return o
}

func ofAPIServer(ips ...string) *discoveryv1.EndpointSlice {
	o := slice("kubernetes", ips...)
	o.Namespace = "default"
	return o
}

// EF5, HF4, DX16: of each kind what routing reads is a change, and nothing else is: not
// a heartbeat, a status, or the endpoints of a Service that no Ingress names.
func TestChangesOfBackends(t *testing.T) {
	t.Parallel()
	type step struct {
		o    metav1.Object
		want Change
	}
	heartbeat := func(o *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
		o.Annotations = map[string]string{"endpoints.kubernetes.io/last-change-trigger-time": "now"}
		o.ResourceVersion = "7"
		slices.Reverse(o.Endpoints)
		return o
	}
	down := slice("web", "10.0.0.1", "10.0.0.2")
	down.Endpoints[0].Conditions.Ready = new(false)
	class := func(controller string) *networkingv1.IngressClass {
		return &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Spec: networkingv1.IngressClassSpec{Controller: controller}}
	}
	set := func(replicas, running int32) *appsv1.StatefulSet {
		return &appsv1.StatefulSet{ObjectMeta: at("s"), Spec: appsv1.StatefulSetSpec{Replicas: &replicas}, Status: appsv1.StatefulSetStatus{Replicas: running}}
	}
	config := func(name, value string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: at(name), Data: map[string]string{"k": value}}
	}
	looked := func(addrs ...string) *names.Addresses {
		o := &names.Addresses{ObjectMeta: metav1.ObjectMeta{Name: "api.e.com"}}
		for _, a := range addrs {
			o.Addrs = append(o.Addrs, netip.MustParseAddr(a))
		}
		return o
	}
	tls := func(key string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: at("cert"), Type: corev1.SecretTypeTLS, Data: map[string][]byte{"tls.key": []byte(key), "ca.crt": []byte(key)}}
	}
	opaque := tls("b")
	opaque.Type = corev1.SecretTypeOpaque
	gone := func(o metav1.Object) metav1.Object { return deleted{o} }
	for name, steps := range map[string][]step{
		"Ingress": {
			{ingress(), Unchanged},
			{ingress(func(o *networkingv1.Ingress) {
				o.Status.LoadBalancer.Ingress = make([]networkingv1.IngressLoadBalancerIngress, 1)
			}), Unchanged},
			{ingress(func(o *networkingv1.Ingress) { o.Annotations["other"] = "z" }), Unchanged},
			{ingress(func(o *networkingv1.Ingress) { o.Annotations["opt.typo"] = "z" }), Changed},
			{ingress(func(o *networkingv1.Ingress) { o.Spec.IngressClassName = new("c") }), Changed},
			{gone(ingress()), Deleted}, {gone(ingress()), Unchanged},
		},
		"Service": {
			{service("web"), Added},
			{service("web", func(o *corev1.Service) { o.Spec.SessionAffinity = "ClientIP"; o.ResourceVersion = "2" }), Unchanged},
			{service("web", func(o *corev1.Service) { o.Spec.LoadBalancerSourceRanges = []string{"192.0.2.0/24"} }), Changed},
			{service("web", func(o *corev1.Service) { o.Annotations = map[string]string{"opt.auth": "required"} }), Changed},
			{gone(service("web")), Deleted},
		},
		"EndpointSlice": {
			{slice("web", "10.0.0.1"), Added},
			{slice("web", "10.0.0.1", "10.0.0.2"), Changed},
			{heartbeat(slice("web", "10.0.0.1", "10.0.0.2")), Unchanged},
			{down, Changed},
			{gone(slice("web")), Deleted}, {gone(slice("web")), Unchanged},
		},
		"EndpointSlice of a Service that no Ingress names": {
			{slice("other", "10.0.0.1"), Unchanged}, {slice("other", "10.0.0.2"), Unchanged}, {gone(slice("other")), Unchanged},
			{&discoveryv1.EndpointSlice{ObjectMeta: at("stray")}, Unchanged},
		},
		"EndpointSlice of the API server (EX6)": {{slice("kubernetes", "192.0.2.1"), Unchanged}, {ofAPIServer("192.0.2.1"), Added}, {ofAPIServer("192.0.2.2"), Changed}},
		"Endpoints": {
			{&corev1.Endpoints{ObjectMeta: at("web"), Subsets: []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: "192.0.2.1"}}}}}, Added},   //nolint:staticcheck // deprecated
			{&corev1.Endpoints{ObjectMeta: at("web"), Subsets: []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: "192.0.2.2"}}}}}, Changed}, //nolint:staticcheck // deprecated
			{gone(&corev1.Endpoints{ObjectMeta: at("web")}), Deleted},                                                                                       //nolint:staticcheck // deprecated
		},
		"IngressClass": {{class("x"), Added}, {class("x"), Unchanged}, {class("y"), Changed}, {gone(class("y")), Deleted}},
		"StatefulSet":  {{set(2, 0), Added}, {set(2, 2), Unchanged}, {set(3, 2), Changed}, {gone(set(3, 3)), Deleted}},
		"ConfigMap": {
			{config("moved", "web-0"), Added}, {config("moved", "web-1"), Changed}, {config("other", "web-0"), Unchanged},
			{config("moved", strings.Repeat("x", 300)), Changed}, {config("moved", strings.Repeat("x", 254)+"y"), Unchanged},
			{gone(config("moved", "")), Deleted}, {gone(config("other", "")), Unchanged},
		},
		"names":  {{looked("192.0.2.2", "192.0.2.1"), Added}, {looked("192.0.2.1", "192.0.2.2"), Unchanged}, {looked(), Changed}, {gone(looked()), Deleted}},
		"Secret": {{tls("a"), Added}, {tls("a"), Unchanged}, {tls("b"), Changed}, {opaque, Deleted}, {tls("b"), Added}, {gone(tls("")), Deleted}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := served(t)
			for i, s := range steps {
				var got Change
				var err error
				if d, ok := s.o.(deleted); ok {
					got = c.Delete(d.Object)
				} else {
					got, err = c.Set(s.o)
				}
				if got != s.want || err != nil {
					t.Errorf("step %d: %q, %v; want %q", i, got, err, s.want)
				}
			}
		})
	}
}

// deleted marks an object that goes.
type deleted struct{ metav1.Object }

// What remains of each kind, in order.
func TestBackendsOfASnapshot(t *testing.T) {
	t.Parallel()
	c := served(t)
	tls := &corev1.Secret{ObjectMeta: at("cert"), Type: corev1.SecretTypeTLS, Data: map[string][]byte{"tls.key": {1}, "tls.crt": {2}, "ca.crt": {3}}}
	routing := &corev1.Secret{ObjectMeta: at("routing"), Type: corev1.SecretTypeTLS, Data: map[string][]byte{"api-key": {1}, "tls.key": {1}}}
	fqdn := slice("web", "Api.e.com.", "10.0.0.1", "a b")
	fqdn.Name, fqdn.AddressType = "names", discoveryv1.AddressTypeFQDN
	ready := slice("web", "10.0.0.2")
	ready.Endpoints[0].TargetRef = &corev1.ObjectReference{Kind: "Pod", Namespace: "a", Name: "web-0"}
	ready.Endpoints = append(ready.Endpoints, discoveryv1.Endpoint{Addresses: []string{"10.0.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: new(true), Terminating: new(true)},
		TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: "b", Name: "theirs"}})
	for _, o := range []metav1.Object{
		tls, routing, fqdn, ready,
		service("zoo", func(o *corev1.Service) {
			o.Spec.Type, o.Spec.ExternalName = corev1.ServiceTypeExternalName, "zoo.e.com"
		}),
		service("web", func(o *corev1.Service) {
			o.Spec.Type, o.Spec.ExternalName, o.Spec.ClusterIP = corev1.ServiceTypeExternalName, "WWW.e.com.", "None"
		}),
		&corev1.Endpoints{ObjectMeta: at("web"), Subsets: []corev1.EndpointSubset{{}}},                                                                   //nolint:staticcheck // deprecated
		&corev1.Endpoints{ObjectMeta: at("old"), Subsets: []corev1.EndpointSubset{{NotReadyAddresses: []corev1.EndpointAddress{{IP: "192.0.2.9"}}}, {}}}, //nolint:staticcheck // deprecated
		&names.Addresses{ObjectMeta: metav1.ObjectMeta{Name: "www.e.com"}, Addrs: []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.1")}},
	} {
		if _, err := c.Set(o); err != nil {
			t.Fatal(err)
		}
	}
	s := c.Snapshot()
	if got, want := fmt.Sprint(len(s.Secrets), len(s.TLSSecrets), len(s.TLSSecrets[0].Data), len(s.TLSSecrets[1].Data), s.TLSSecrets[0].Name), "1 2 2 2cert"; got != want {
		t.Errorf("Secrets: %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(s.Services[0].Name, s.Services[0].ExternalName, s.Services[0].ClusterIPs, s.Services[0].Ports), "webwww.e.com[] [{ 80 }]"; got != want {
		t.Errorf("Service: %s, want %s", got, want)
	}
	var endpoints []string
	for _, e := range s.EndpointSlices {
		endpoints = append(endpoints, fmt.Sprint(e.Name, e.Service, e.FQDN, e.Endpoints))
	}
	want := []string{"nameswebtrue [{[10.0.0.1] true } {[Api.e.com.] true } {[a b] true }]", "web-xwebfalse [{[10.0.0.1] false } {[10.0.0.2] true web-0}]", "oldoldfalse [{[192.0.2.9] false }]", "oldoldfalse []"}
	if !slices.Equal(endpoints, want) {
		t.Errorf("endpoints\n%q, want\n%q", endpoints, want)
	}
	if got := fmt.Sprint(s.Names); got != "map[www.e.com:[192.0.2.1]]" {
		t.Errorf("names: %s", got)
	}
	// Neither those of Services that nobody names nor what is no name.
	if got := c.WantedNames(); !slices.Equal(got, []string{"api.e.com", "www.e.com"}) {
		t.Errorf("wanted: %q", got)
	}
}
