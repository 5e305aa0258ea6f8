package fuzz

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// explained makes a world with all that explain tells apart.
func (g generator) explained(chain, key string) []metav1.Object {
	objects := g.world()
	for _, o := range objects {
		switch o := o.(type) {
		case *corev1.Namespace:
			if g.percent(40) {
				o.Annotations[prefix+"hosts"] = strings.ReplaceAll(o.Annotations[prefix+"hosts"], `b.example": {}`, `b.example": `+g.pick(
					`{"ssl": {"certificate": {"valueFrom": {"secretKeyRef": {"key": "crt"}}}, "certificateKey": {"valueFrom": {"secretKeyRef": {"key": "key"}}}}}`,
					`{"ssl": {"redirect": false, "certificate": {"valueFrom": {"secretKeyRef": {"key": "crt"}}}, "certificateKey": {"valueFrom": {"secretKeyRef": {"key": "key"}}}}}`,
					`{"ssl": {"certificate": {"valueFrom": {"secretKeyRef": {"key": "none"}}}, "certificateKey": {"valueFrom": {"secretKeyRef": {"key": "key"}}}}}`))
			}
			data := map[string][]byte{"crt": []byte(chain), "key": []byte(key)}
			if g.percent(30) {
				data["api-key"] = []byte("secret")
			}
			if g.percent(60) {
				objects = append(objects, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: o.Name, Name: "routing"}, Data: data})
			}
			objects = append(objects, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: o.Name, Name: "pins"}, Data: map[string]string{"a": "web-0", "B": "web-1", "default": "web-2"}})
		case *corev1.Pod:
			g.addOptions(o)
			if g.percent(10) {
				o.Status.Conditions[0].Status = corev1.ConditionFalse
			}
			if g.percent(15) {
				o.Labels["microservice"], o.Annotations["trafficHosts"], o.Annotations["publicPaths"] = "true", g.pick("a.example", "d.example b.example"), g.pick("80:/", "443:/a 80:/b/a")
			}
		}
	}
	return append(objects, g.ingresses()...)
}

// addOptions adds to a Pod's paths what says who is let in, and who gets what.
func (g generator) addOptions(p *corev1.Pod) {
	var entries []map[string]any
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	if json.Unmarshal([]byte(p.Annotations[prefix+"paths"]), &entries) != nil {
		return
	}
	for _, e := range entries {
		switch g.IntN(6) {
		case 0:
			e["policy"] = "one"
		case 1, 2:
			e["policy"], e["key"], e["whenDown"], e["overrides"] = "hash", g.pick("segment:1", "segment:2", "arg:k", "header:X-Key", "cookie:k", "host"), g.pick("wait", "next"), "pins"
		}
		if g.percent(20) {
			e["allowSourceRanges"] = g.pick("192.0.2.0/24", "192.0.2.1,2001:db8::/32")
		}
		if g.percent(5) {
			e["auth"] = "required"
		}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		panic(err)
	}
	p.Annotations[prefix+"paths"] = string(text)
}

// ingresses makes some, with Services that have endpoints outside the cluster.
func (g generator) ingresses() (out []metav1.Object) {
	class, prefixType, exact := "dispatcher", networkingv1.PathTypePrefix, networkingv1.PathTypeExact
	for i := range g.IntN(4) {
		ns := fmt.Sprintf("tenant-%d", g.IntN(3))
		name := fmt.Sprintf("out-%d", i)
		meta := metav1.ObjectMeta{Namespace: ns, Name: name, CreationTimestamp: metav1.Unix(int64(g.IntN(9)), 0)}
		number := int32(8080)
		slice := &discoveryv1.EndpointSlice{ObjectMeta: meta, AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: &number}}}
		slice.Labels = map[string]string{discoveryv1.LabelServiceName: name}
		for n := range g.IntN(3) {
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("203.0.113.%d", 10*i+n+1)}})
		}
		service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
		backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: g.pick(name, name, "missing"), Port: networkingv1.ServiceBackendPort{Number: 80}}}
		ingress := &networkingv1.Ingress{ObjectMeta: meta, Spec: networkingv1.IngressSpec{IngressClassName: &class}}
		if g.percent(30) {
			ingress.Spec.DefaultBackend = &backend
		}
		ingress.Annotations = map[string]string{}
		if g.percent(30) {
			ingress.Annotations[prefix+"allowSourceRanges"] = "192.0.2.0/24"
		}
		if g.percent(30) {
			ingress.Annotations[prefix+"targetPath"] = "/to"
		}
		for range g.IntN(3) {
			rule := networkingv1.IngressRule{Host: g.pick("", "", "a.example", "b.example", "d.example", "*.b.example"), IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{}}}
			for range 1 + g.IntN(2) {
				path := networkingv1.HTTPIngressPath{Path: g.pick("/", "/a", "/a", "/a/b/", "/.well-known/acme-challenge/", "/B"), PathType: &prefixType, Backend: backend}
				if g.percent(30) {
					path.PathType = &exact
				}
				rule.HTTP.Paths = append(rule.HTTP.Paths, path)
			}
			ingress.Spec.Rules = append(ingress.Spec.Rules, rule)
		}
		if g.percent(20) {
			ingress.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{g.pick("a.example", "d.example")}, SecretName: "none"}}
		}
		out = append(out, ingress, service, slice)
	}
	return out
}

// disguise writes a path in another way that nginx reads as the same. hidden says that
// it may not tell where a base path ends.
func (g generator) disguise(path string) (uri string, hidden bool) {
	for _, c := range []byte(path) {
		switch {
		case c >= 0x80 || c != '/' && g.percent(5):
			uri += fmt.Sprintf(g.pick("%%%02X", "%%%02x"), c)
		default:
			uri += string(c)
		}
	}
	if g.percent(80) {
		return uri, false
	}
	at := strings.IndexByte(uri[g.IntN(len(uri)):], '/')
	if at < 0 {
		return uri, false
	}
	at = len(uri) - len(uri[at:])
	if uri[at] != '/' {
		return uri, false
	}
	extra := g.pick("/", "/.", "/x/..", "/x/%2e%2E", "/./", "/%2e", "%2Fx/../", "/")
	if at == 0 {
		extra = "/."
	}
	uri = uri[:at] + extra + uri[at:]
	return uri, true
}
