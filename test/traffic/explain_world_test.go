package traffic

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// explained makes random worlds of some tenants whose Pods are there. Its pools are
// small, so that tenants meet.
type explained struct {
	t testing.TB
	*rand.Rand
}

func (g explained) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g explained) percent(n int) bool { return g.IntN(100) < n }

func (g explained) host() string {
	return g.pick("a.example", "b.example", "c.example", "*.b.example", "w.b.example", "deep.w.b.example")
}

// objects are those of all tenants. secure says that some hosts have TLS.
func (g explained) objects(d *dispatcher, secure bool) (out []metav1.Object) {
	for n := range 4 {
		name := fmt.Sprintf("tenant-%d", n)
		options := map[string]option{}
		for range 1 + g.IntN(3) {
			o := option{}
			if secure && g.percent(50) {
				o = overTLS().redirect(g.percent(60))
			}
			options[g.host()] = o
		}
		out = append(out, created(hosts(namespace(name), options), 1+g.IntN(5)))
		if secure && g.percent(80) {
			s := d.certified(name, "a.example", "b.example", "*.b.example")
			g.addKey(s)
			out = append(out, s)
		} else if s := secret(name, "routing"); g.addKey(s) {
			out = append(out, s)
		}
		pins := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "pins"}}
		pins.Data = map[string]string{"a": name + "-0", "default": name + "-1", "B": name + "-1", "missing": "nobody"}
		out = append(out, pins)
		for i := range 3 {
			p := newPod(g.t, name, fmt.Sprintf("%s-%d", name, i), g.entries()...)
			out = append(out, p.ready(g.percent(80)))
		}
	}
	return append(out, g.outside()...)
}

func (g explained) addKey(s *corev1.Secret) bool {
	if g.percent(70) {
		return false
	}
	if s.StringData == nil {
		s.StringData = map[string]string{}
	}
	s.StringData["api-key"] = "secret"
	return true
}

func (g explained) path() string {
	text := ""
	for range g.IntN(4) {
		text += "/" + g.pick("a", "b", "a-b", "caf%C3%A9", "(x)*")
	}
	if text == "" {
		return "/"
	}
	return text + g.pick("", "", "/")
}

func (g explained) entries() (out []entry) {
	for range 1 + g.IntN(4) {
		e := at(g.path())
		if g.percent(30) {
			e.to(g.path())
		}
		if g.percent(30) {
			e["match"] = "exact"
		}
		if g.percent(20) {
			e["allowSourceRanges"] = g.pick("127.0.0.0/8", "192.0.2.0/24", "127.0.0.1,2001:db8::/32")
		}
		switch g.IntN(5) {
		case 0:
			e["policy"] = "one"
		case 1, 2:
			e["policy"], e["key"] = "hash", g.pick("segment:1", "segment:2", "arg:k", "header:X-Key", "cookie:k", "host")
			e["whenDown"], e["overrides"] = g.pick("wait", "next"), "pins"
		}
		out = append(out, e)
	}
	return out
}

// outside is an Ingress whose Service has endpoints of its own.
func (g explained) outside() []metav1.Object {
	b := newBackend(g.t, newLoopback()+":0", "outside")
	meta := metav1.ObjectMeta{Namespace: "tenant-0", Name: "outside"}
	class, prefix, port := "dispatcher", networkingv1.PathTypePrefix, int32(b.port)
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "outside", Port: networkingv1.ServiceBackendPort{Number: 80}}}
	ingress := &networkingv1.Ingress{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"}, ObjectMeta: meta}
	ingress.Spec.IngressClassName = &class
	for range 2 {
		rule := networkingv1.IngressRule{Host: g.pick("", "d.example", "a.example")}
		rule.HTTP = &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: g.pick("/", "/a", "/out/", "/out/b/"), PathType: &prefix, Backend: backend}}}
		ingress.Spec.Rules = append(ingress.Spec.Rules, rule)
	}
	service := &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: meta, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	slice := &discoveryv1.EndpointSlice{
		TypeMeta: metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"}, ObjectMeta: meta, AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{{Port: &port}}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{b.ip}}},
	}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "outside"}
	return []metav1.Object{ingress, service, slice}
}

// request is a request that is asked and explained.
type request struct {
	secure    bool
	host, uri string
	headers   []string // "Name: value"
	keyed     bool     // it brings an API key, right or wrong
}

func (r request) url() string {
	if r.secure {
		return "https://" + r.host + r.uri
	}
	return "http://" + r.host + r.uri
}

// request makes one, often for what is there.
func (g explained) request(secure bool, declared []string) request {
	host := strings.Replace(g.pick(g.host(), g.host(), g.host(), "d.example", "nobody.example", "x.y.b.example"), "*", "x", 1)
	r := request{secure: secure && g.percent(40), host: g.pick(host, host, strings.ToUpper(host), host+".", host+":81")}
	if g.percent(8) && !r.secure {
		r.host = g.pick("a..example", "under_score.b.example", "[::1]", "[::1]:80", ".b.example", "127.0.0.1", "a.example..", "a.example:", "-.b.example", "b.example.example", "*.b.example")
	}
	r.uri = g.pick(g.pick(declared...), g.path()) + g.pick("", "", "/", "/a", "/b/a")
	if r.uri == "" {
		r.uri = "/"
	}
	if g.percent(25) {
		i := max(strings.LastIndexByte(r.uri, '/'), 1)
		r.uri = r.uri[:i] + g.pick("/", "/.", "/x/..", "/x/%2e%2E", "/%2e/", "%2F", "/..", "/%2F..", "/...") + r.uri[i:]
	}
	if g.percent(10) {
		r.uri = g.pick("/%00", "/a%zz", "/../a", "/dispatcher/status", "/%61", "/a%3Fb", "/A", "/a;b", "//")
	}
	r.uri += g.pick("", "", "?k=a", "?x=1&K=B", "?k=default&k=c", "?")
	if g.percent(60) {
		r.keyed = true
		r.headers = append(r.headers, "X-ROUTING-API-KEY: "+g.pick("c2VjcmV0", "c2VjcmV0", "secret"))
	}
	if g.percent(40) {
		r.headers = append(r.headers, "X-Key: "+g.pick("a", "b", "B", "missing"), "Cookie: j=1; K="+g.pick("a", "c"))
	}
	if g.percent(40) {
		r.headers = append(r.headers, "X-Forwarded-For: "+g.pick("192.0.2.7", "192.0.2.7, 127.0.0.3", "nonsense", "192.0.2.7, 203.0.113.9:80"))
	}
	return r
}
