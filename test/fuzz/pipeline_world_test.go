package fuzz

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/30x/dispatcher/pkg/route/option"
)

// classics are texts that have a meaning to nginx, or had one to somebody before.
func classics() []string {
	return []string{
		"", "{", "}", ";", "#", "$host", "${host}", "~^.*$", "~*", "= /x", "@again", "*", "_", "..", "/../../etc/passwd", "\x00", "\n", "\r\nX: y",
		"a\nreturn 200 pwned;", `"; } server { listen 81; return 200 pwned; } #`, "include /etc/passwd;", "include", "default", "hostnames", "volatile",
		"%00", "%0a", "%2e%2e/", "%", "\u00e9", "\u202e", "\xff\xfe", "xn--a", "unix:/control", "127.0.0.1", "169.254.169.254", "[::1]:80", "::ffff:127.0.0.1",
		"10.0.0.1", "shop.example", "*.shop.example", "*.example", "shared.example", "blog.example", "tls.example", "localhost", "kubernetes.default.svc",
		"shop", "blog", "shop/web-0", "pins", "routing", "web-0", "default_server", "lua_code", "1e9", "-1", "65536", "0", "true", "null", `{"a": [[[[[[[[]]]]]]]]}`,
		strings.Repeat("a", 300), strings.Repeat("/d", 700), strings.Repeat("{", 2000), strings.Repeat("x.", 130) + "example",
	}
}

// script is what the fuzzer says: bytes that choose, and texts to choose from. When the
// bytes are used up, the first choice is made.
type script struct {
	choices []byte
	texts   []string
	chain   string // a certificate that can be used, and its key
	key     string
}

func (s *script) next(n int) int {
	if len(s.choices) == 0 {
		return 0
	}
	c := s.choices[0]
	s.choices = s.choices[1:]
	return int(c) % n
}

func (s *script) yes() bool { return s.next(2) == 1 }

// text chooses what stands in a field: mostly what could stand there.
func (s *script) text(usual ...string) string {
	switch c := s.next(256); {
	case c < 144:
		return usual[c%len(usual)]
	case c < 208:
		return s.texts[c%len(s.texts)]
	default:
		list := classics()
		return list[s.next(len(list))]
	}
}

// embed is text, sometimes in the middle of what could stand there.
func (s *script) embed(usual ...string) string {
	whole, at := s.text(usual...), s.next(4)
	if at == 0 {
		return whole
	}
	around := usual[s.next(len(usual))]
	cut := len(around) * (at - 1) / 2
	return around[:cut] + whole + around[cut:]
}

func (s *script) meta(usual ...string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: "tenant", Name: s.text(usual...), CreationTimestamp: metav1.Unix(s.created(), 0),
		Labels:      map[string]string{prefix + "routable": "true", s.text(prefix+"app.name", "microservice"): s.text("one", "true")},
		Annotations: map[string]string{},
	}
}

// created is before, between and after the times of the others' Namespaces.
func (s *script) created() int64 { return victimsBorn + int64([]int{9, 9, 5, 0, 6, 7}[s.next(6)]) }

// asJSON is text as it is, or a value that encoding/json writes.
func (s *script) asJSON(v any) string {
	if s.next(16) == 15 {
		return s.text("")
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	text := string(b)
	if at := s.next(32); at > 24 { // broken, doubled, or with something behind
		text = text[:len(text)*(at-24)/7] + s.text("") + text
	}
	return text
}

func (s *script) hosts() string {
	hosts := map[string]any{}
	for range 1 + s.next(4) {
		name := s.embed("own.example", "shared.example", "*.own.example", "shop.example", "*.example", "tls.example", "w.shop.example")
		ref := func(usual string) any {
			return map[string]any{s.text("valueFrom"): map[string]any{"secretKeyRef": map[string]any{"key": s.text(usual)}}}
		}
		switch s.next(5) {
		case 0, 1:
			hosts[name] = map[string]any{}
		case 2:
			hosts[name] = map[string]any{"ssl": map[string]any{"certificate": ref("crt"), "certificateKey": ref("key"), "redirect": s.yes()}}
		case 3:
			hosts[name] = map[string]any{"ssl": map[string]any{"certificate": ref("crt"), "certificateKey": ref("key"), "clientCertificate": ref("ca")}}
		case 4:
			hosts[name] = s.text("")
		}
	}
	return s.asJSON(hosts)
}

func (s *script) paths() string {
	var entries []any
	for range 1 + s.next(4) {
		e := map[string]any{
			"basePath":      s.embed("/", "/own", "/blog", "/old/", "/a/b"),
			"containerPort": s.embed("3000", "http", "80"),
		}
		if s.next(4) == 3 {
			e["match"], e["weight"] = s.text("exact", "prefix"), s.text("7")
		}
		fields := option.Fields()
		for range s.next(4) {
			f := fields[s.next(len(fields))]
			e[f.Name] = s.embed(f.Example, "hash", "segment:1", "pins")
		}
		if s.next(8) == 7 {
			e[s.text("other")] = s.text("")
		}
		entries = append(entries, e)
	}
	return s.asJSON(entries)
}

func (s *script) namespace() metav1.Object {
	m := s.meta("tenant")
	m.Namespace, m.Name = "", "tenant"
	for _, l := range []string{"org", "env"} {
		m.Labels[prefix+l] = s.text("acme")
	}
	m.Annotations[prefix+"hosts"] = s.hosts()
	if s.yes() {
		m.Annotations[prefix+"auth"] = s.text("required")
	}
	return &corev1.Namespace{ObjectMeta: m}
}

func (s *script) pod() metav1.Object {
	m := s.meta("web-0", "web-1", "own-0")
	m.Annotations[prefix+"paths"] = s.paths()
	if s.yes() {
		m.Labels["microservice"] = "true"
		m.Annotations["trafficHosts"] = s.embed("own.example", "shared.example blog.example", "micro.example")
		m.Annotations["publicPaths"] = s.embed("3000:/micro", "80:/ 80:/blog", "80:/")
	}
	// The address is the cluster's to say, not the tenant's.
	p := &corev1.Pod{ObjectMeta: m, Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: []string{"10.6.6.6", "fd00::666", "10.6.6.7"}[s.next(3)]}}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: []corev1.ConditionStatus{"True", "True", "False"}[s.next(3)]}}
	container := corev1.Container{Name: s.text("app"), Ports: []corev1.ContainerPort{{Name: s.text("http"), ContainerPort: 3000}, {ContainerPort: 80}}}
	if s.yes() {
		container.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: s.text("/ready"), Port: intstr.Parse(s.text("3000", "http")), Host: s.text("", "own.example"), HTTPHeaders: []corev1.HTTPHeader{{Name: s.text("X-A"), Value: s.text("b")}},
		}}}
	}
	p.Spec.Containers = []corev1.Container{container}
	if s.yes() {
		yes := true
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: s.text("web"), Controller: &yes}}
	}
	return p
}

func (s *script) secret() metav1.Object {
	o := &corev1.Secret{ObjectMeta: s.meta("routing", "own-tls", "shop-tls"), Type: []corev1.SecretType{corev1.SecretTypeOpaque, corev1.SecretTypeTLS}[s.next(2)]}
	o.Data = map[string][]byte{"api-key": []byte(s.text("key", "")), s.text("api-key-next"): []byte(s.text("other"))}
	for _, names := range [][2]string{{"crt", "key"}, {"tls.crt", "tls.key"}, {"ca", "x"}} {
		o.Data[names[0]], o.Data[names[1]] = []byte(s.embed(s.chain)), []byte(s.text(s.key))
	}
	return o
}

func (s *script) configMap() metav1.Object {
	o := &corev1.ConfigMap{ObjectMeta: s.meta("pins"), Data: map[string]string{}}
	for range s.next(5) {
		o.Data[s.text("room-1", "room-2", "default")] = s.text("web-0", "web-1")
	}
	return o
}

func (s *script) service() metav1.Object {
	o := &corev1.Service{ObjectMeta: s.meta("own", "api")}
	s.options(o.Annotations)
	o.Spec.Ports = []corev1.ServicePort{{Name: s.text("", "http"), Port: 80, TargetPort: intstr.Parse(s.text("3000", "http"))}}
	switch s.next(4) {
	case 2:
		o.Spec.Selector = map[string]string{s.text("app"): s.text("own")}
	case 3:
		o.Spec.Type, o.Spec.ExternalName = corev1.ServiceTypeExternalName, s.text("api.allowed.example", "api.example")
	}
	for range s.next(3) {
		o.Spec.LoadBalancerSourceRanges = append(o.Spec.LoadBalancerSourceRanges, s.text("192.0.2.0/24"))
	}
	return o
}

func (s *script) options(to map[string]string) {
	fields := option.Fields()
	for range s.next(3) {
		f := fields[s.next(len(fields))]
		to[prefix+f.Name] = s.embed(f.Example, "one", "pins", "segment:1")
	}
}

func (s *script) slice() metav1.Object {
	o := &discoveryv1.EndpointSlice{ObjectMeta: s.meta("own-1", "api-1", "kubernetes"), AddressType: discoveryv1.AddressType(s.text("IPv4", "FQDN", "IPv6"))}
	o.Labels[discoveryv1.LabelServiceName] = s.text("own", "api")
	port, name := int32(8080), s.text("")
	o.Ports = []discoveryv1.EndpointPort{{Name: &name, Port: &port}}
	for range s.next(4) {
		e := discoveryv1.Endpoint{Addresses: []string{s.text("198.51.100.7", "10.0.0.1", "api.allowed.example")}}
		if s.yes() {
			e.TargetRef = &corev1.ObjectReference{Kind: "Pod", Namespace: s.text("tenant", "shop"), Name: s.text("web-0")}
		}
		o.Endpoints = append(o.Endpoints, e)
	}
	return o
}

func (s *script) ingress() metav1.Object {
	o := &networkingv1.Ingress{ObjectMeta: s.meta("own", "out")}
	s.options(o.Annotations)
	class := s.text("dispatcher")
	o.Spec.IngressClassName = &class
	backend := func() networkingv1.IngressBackend {
		return networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: s.text("own", "api"), Port: networkingv1.ServiceBackendPort{Number: 80}}}
	}
	if s.yes() {
		b := backend()
		o.Spec.DefaultBackend = &b
	}
	for range s.next(3) {
		rule := networkingv1.IngressRule{Host: s.embed("own.example", "", "shared.example", "*.example"), IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{}}}
		for range 1 + s.next(2) {
			kind := networkingv1.PathType(s.text("Prefix", "Exact", "ImplementationSpecific"))
			rule.HTTP.Paths = append(rule.HTTP.Paths, networkingv1.HTTPIngressPath{Path: s.embed("/", "/in", "/.well-known/acme-challenge/x"), PathType: &kind, Backend: backend()})
		}
		o.Spec.Rules = append(o.Spec.Rules, rule)
	}
	if s.yes() {
		o.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{s.text("own.example", "tls.example")}, SecretName: s.text("own-tls", "routing")}}
	}
	return o
}

func (s *script) statefulSet() metav1.Object {
	n := int32(s.next(40) - 2)
	return &appsv1.StatefulSet{ObjectMeta: s.meta("web"), Spec: appsv1.StatefulSetSpec{Replicas: &n, Ordinals: &appsv1.StatefulSetOrdinals{Start: int32(s.next(9) - 1)}}}
}

// objects are the hostile Namespace's: it, and some of each kind. No two have one name.
func (s *script) objects() []metav1.Object {
	out := []metav1.Object{s.namespace()}
	seen := map[string]metav1.Object{}
	for i, one := range []func() metav1.Object{s.pod, s.secret, s.configMap, s.service, s.slice, s.ingress, s.statefulSet} {
		for range s.next(4) {
			o := one()
			if key := string(rune('a'+i)) + o.GetName(); seen[key] == nil {
				seen[key] = o
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, seen[key])
	}
	return out
}
