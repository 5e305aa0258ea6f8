package cluster

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster/object"
)

// Snapshot is the state of the cluster at one moment. It and all it points to
// are never changed after it was made.
type Snapshot struct {
	Namespaces []*Namespace // oldest first, then by name
	Pods       []*Pod       // by namespace, then by name
	Secrets    []*Secret    // by namespace; the one of each that is read
	// What follows is by namespace, then by name.
	TLSSecrets     []*Secret // of type kubernetes.io/tls
	Services       []*Service
	EndpointSlices []*EndpointSlice
	Ingresses      []*Ingress
	IngressClasses []*IngressClass
	ConfigMaps     []*ConfigMap
	StatefulSets   []*StatefulSet
	// Names are the addresses of names outside the cluster that were looked up.
	Names map[string][]netip.Addr
}

// Snapshot returns the present state, in an order that depends on nothing but
// the objects themselves.
func (c *Cache) Snapshot() *Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &Snapshot{
		Namespaces:     all[*Namespace](c, "Namespace"),
		Pods:           all[*Pod](c, "Pod"),
		Services:       all[*Service](c, "Service"),
		EndpointSlices: all[*EndpointSlice](c, "EndpointSlice"),
		Ingresses:      all[*Ingress](c, "Ingress"),
		IngressClasses: all[*IngressClass](c, "IngressClass"),
		ConfigMaps:     all[*ConfigMap](c, "ConfigMap"),
		StatefulSets:   all[*StatefulSet](c, "StatefulSet"),
	}
	slices.SortStableFunc(s.Namespaces, func(a, b *Namespace) int { return cmp.Compare(a.Created, b.Created) })
	for _, o := range all[*Secret](c, "Secret") {
		if o.Name == c.interest.SecretName {
			s.Secrets = append(s.Secrets, o)
		}
		if o.TLS && c.interest.TLSSecrets {
			s.TLSSecrets = append(s.TLSSecrets, o)
		}
	}
	for k, e := range c.objects["Addresses"] {
		if addrs, ok := e.made.([]netip.Addr); ok {
			if s.Names == nil {
				s.Names = map[string][]netip.Addr{}
			}
			s.Names[k.name] = addrs
		}
	}
	s.EndpointSlices = append(s.EndpointSlices, c.unmirrored(s.EndpointSlices)...)
	return s
}

// all are the objects of a kind, by namespace, then by name.
func all[T any](c *Cache, kind string) (out []T) {
	byName := func(a, b key) int { return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name)) }
	for _, k := range slices.SortedFunc(maps.Keys(c.objects[kind]), byName) {
		if o, ok := c.objects[kind][k].made.(T); ok {
			out = append(out, o)
		}
	}
	return out
}

// unmirrored are the endpoints of Services that have no EndpointSlice. A cluster makes
// one of each Endpoints object; in files there may be no more than that.
func (c *Cache) unmirrored(known []*EndpointSlice) (out []*EndpointSlice) {
	have := map[key]bool{}
	for _, s := range known {
		have[key{s.Namespace, s.Service}] = true
	}
	for _, subsets := range all[[]*EndpointSlice](c, "Endpoints") {
		if len(subsets) > 0 && !have[key{subsets[0].Namespace, subsets[0].Service}] {
			out = append(out, subsets...)
		}
	}
	return out
}

// WantedNames are the names outside the cluster to which the Services refer that
// Ingresses name: sorted, lower-case and without trailing dots.
func (c *Cache) WantedNames() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := map[string]bool{}
	add := func(text string) {
		if name := object.DNSName(text); name != "" {
			wanted[name] = true
		}
	}
	for _, e := range c.objects["Service"] {
		if o, ok := e.made.(*Service); ok && o.ExternalName != "" && c.named(o.Namespace, o.Name) {
			add(o.ExternalName)
		}
	}
	for _, e := range c.objects["EndpointSlice"] {
		o, ok := e.made.(*EndpointSlice)
		if !ok || !o.FQDN || !c.named(o.Namespace, o.Service) {
			continue
		}
		for _, endpoint := range o.Endpoints {
			for _, name := range endpoint.Addresses {
				add(name)
			}
		}
	}
	return slices.Sorted(maps.Keys(wanted))
}
