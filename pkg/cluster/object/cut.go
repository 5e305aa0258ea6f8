package object

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/30x/dispatcher/pkg/source/names"
)

// NewService cuts a Service to what routing needs; annotations picks those of it. It and all that follow fail only on
// names that Kubernetes would not accept.
func NewService(o *corev1.Service, annotations func(map[string]string) map[string]string) (*Service, error) {
	ref, err := NewRef("Service", o)
	if err != nil {
		return nil, err
	}
	s := &Service{
		Ref: ref, UID: string(o.UID), Created: Created(o),
		Annotations:  annotations(o.Annotations),
		Selects:      len(o.Spec.Selector) > 0,
		SourceRanges: o.Spec.LoadBalancerSourceRanges,
	}
	if o.Spec.Type == corev1.ServiceTypeExternalName {
		s.ExternalName = strings.ToLower(strings.TrimSuffix(o.Spec.ExternalName, "."))
	}
	ips := slices.Concat([]string{o.Spec.ClusterIP}, o.Spec.ClusterIPs) // a file may have the first alone
	for _, text := range ips {
		if ip, ok := Address(text); ok && !slices.Contains(s.ClusterIPs, ip) {
			s.ClusterIPs = append(s.ClusterIPs, ip)
		}
	}
	for _, p := range o.Spec.Ports {
		if isTCP(&p.Protocol) {
			port := ServicePort{Name: p.Name, Number: p.Port}
			if p.TargetPort.StrVal != "" || p.TargetPort.IntVal != 0 {
				port.TargetPort = p.TargetPort.String()
			}
			s.Ports = append(s.Ports, port)
		}
	}
	for _, at := range o.Status.LoadBalancer.Ingress {
		if shown := cmp.Or(at.IP, at.Hostname); shown != "" {
			s.Published = append(s.Published, shown)
		}
	}
	s.Published = append(s.Published, o.Spec.ExternalIPs...)
	return s, nil
}

func isTCP(p *corev1.Protocol) bool { return p == nil || *p == "" || *p == corev1.ProtocolTCP }

// NewEndpointSlice cuts an EndpointSlice to what routing needs, in an order of its own,
// since controllers write them anew in another one.
func NewEndpointSlice(o *discoveryv1.EndpointSlice) (*EndpointSlice, error) {
	ref, err := NewRef("EndpointSlice", o)
	if err != nil {
		return nil, err
	}
	s := &EndpointSlice{
		Ref: ref, UID: string(o.UID), Created: Created(o),
		Service: o.Labels[discoveryv1.LabelServiceName],
		FQDN:    o.AddressType == discoveryv1.AddressTypeFQDN,
	}
	for _, p := range o.Ports {
		if isTCP(p.Protocol) {
			s.Ports = append(s.Ports, EndpointPort{deref(p.Name), deref(p.Port)})
		}
	}
	for _, e := range o.Endpoints {
		ready := e.Conditions.Ready == nil || *e.Conditions.Ready
		s.Endpoints = append(s.Endpoints, SliceEndpoint{e.Addresses, ready && !deref(e.Conditions.Terminating), targetPod(e.TargetRef, o.Namespace)})
	}
	return s.sort(), nil
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func targetPod(r *corev1.ObjectReference, namespace string) string {
	if r == nil || r.Kind != "Pod" || r.Namespace != "" && r.Namespace != namespace {
		return ""
	}
	return r.Name
}

func (s *EndpointSlice) sort() *EndpointSlice {
	slices.SortFunc(s.Ports, func(a, b EndpointPort) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Number, b.Number))
	})
	slices.SortStableFunc(s.Endpoints, func(a, b SliceEndpoint) int {
		return cmp.Or(slices.Compare(a.Addresses, b.Addresses), cmp.Compare(a.Pod, b.Pod))
	})
	return s
}

// NewEndpoints cuts the subsets of an Endpoints object to what routing needs.
func NewEndpoints(o *corev1.Endpoints) ([]*EndpointSlice, error) { //nolint:staticcheck // deprecated, yet people have it in git
	ref, err := NewRef("Endpoints", o)
	if err != nil {
		return nil, err
	}
	out := []*EndpointSlice{}
	for _, subset := range o.Subsets {
		s := &EndpointSlice{Ref: ref, UID: string(o.UID), Created: Created(o), Service: o.Name}
		for _, p := range subset.Ports {
			if isTCP(&p.Protocol) {
				s.Ports = append(s.Ports, EndpointPort{p.Name, p.Port})
			}
		}
		for i, a := range slices.Concat(subset.Addresses, subset.NotReadyAddresses) {
			s.Endpoints = append(s.Endpoints, SliceEndpoint{[]string{a.IP}, i < len(subset.Addresses), targetPod(a.TargetRef, o.Namespace)})
		}
		out = append(out, s.sort())
	}
	return out, nil
}

// NewIngress cuts an Ingress to what routing needs; annotations picks those of it.
func NewIngress(o *networkingv1.Ingress, annotations func(map[string]string) map[string]string) (*Ingress, error) {
	ref, err := NewRef("Ingress", o)
	if err != nil {
		return nil, err
	}
	s := &Ingress{Ref: ref, UID: string(o.UID), Created: Created(o), Annotations: annotations(o.Annotations)}
	if s.Class, s.HasClass = o.Annotations["kubernetes.io/ingress.class"]; o.Spec.IngressClassName != nil {
		s.Class, s.HasClass = *o.Spec.IngressClassName, true
	}
	if o.Spec.DefaultBackend != nil {
		s.Default = new(newBackend(o.Spec.DefaultBackend))
	}
	for _, r := range o.Spec.Rules {
		rule := IngressRule{Host: r.Host}
		if r.HTTP != nil {
			for _, p := range r.HTTP.Paths {
				rule.Paths = append(rule.Paths, IngressPath{p.Path, string(deref(p.PathType)), newBackend(&p.Backend)})
			}
		}
		s.Rules = append(s.Rules, rule)
	}
	for _, t := range o.Spec.TLS {
		s.TLS = append(s.TLS, IngressTLS{t.Hosts, t.SecretName})
	}
	return s, nil
}

func newBackend(b *networkingv1.IngressBackend) IngressBackend {
	if b.Service == nil {
		return IngressBackend{}
	}
	return IngressBackend{b.Service.Name, b.Service.Port.Name, b.Service.Port.Number}
}

// Names reports whether the Service is the backend of a path.
func (o *Ingress) Names(service string) bool {
	return o.Default != nil && o.Default.Service == service || slices.ContainsFunc(o.Rules, func(r IngressRule) bool {
		return slices.ContainsFunc(r.Paths, func(p IngressPath) bool { return p.Backend.Service == service })
	})
}

// NewIngressClass cuts an IngressClass to what routing needs.
func NewIngressClass(o *networkingv1.IngressClass) (*IngressClass, error) {
	ref, err := NewRef("IngressClass", o)
	if err != nil {
		return nil, err
	}
	return &IngressClass{ref, o.Spec.Controller, o.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true"}, nil
}

// NewConfigMap cuts a ConfigMap to what routing needs, and each of its values to so many
// bytes.
func NewConfigMap(o *corev1.ConfigMap, most int) (*ConfigMap, error) {
	ref, err := NewRef("ConfigMap", o)
	if err != nil {
		return nil, err
	}
	c := &ConfigMap{ref, string(o.UID), make(map[string]string, len(o.Data))}
	for k, v := range o.Data {
		c.Data[k] = strings.Clone(v[:min(len(v), most)])
	}
	return c, nil
}

// NewStatefulSet cuts a StatefulSet to what routing needs.
func NewStatefulSet(o *appsv1.StatefulSet) (*StatefulSet, error) {
	ref, err := NewRef("StatefulSet", o)
	if err != nil {
		return nil, err
	}
	s := &StatefulSet{Ref: ref, Replicas: 1}
	if o.Spec.Replicas != nil {
		s.Replicas = int(*o.Spec.Replicas)
	}
	if o.Spec.Ordinals != nil {
		s.Start = int(o.Spec.Ordinals.Start)
	}
	return s, nil
}

// NewAddresses gives the addresses of a DNS name, sorted.
func NewAddresses(o *names.Addresses) ([]netip.Addr, error) {
	if _, err := NewRef("Addresses", o); err != nil {
		return nil, err
	}
	out := []netip.Addr{}
	for _, a := range o.Addrs {
		out = append(out, a.Unmap())
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out), nil
}

// DNSName is the text as a name to look up, "" if it is none.
func DNSName(text string) string {
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if _, err := netip.ParseAddr(name); err == nil || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return ""
	}
	return name
}
