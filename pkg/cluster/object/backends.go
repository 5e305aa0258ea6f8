package object

import "net/netip"

// Service is what routing needs of a Service.
type Service struct {
	Ref
	UID          string
	Created      int64 // creationTimestamp, Unix seconds; 0 if it has none
	Annotations  map[string]string
	Selects      bool         // it has a selector, so its endpoints are Kubernetes' own
	ExternalName string       // lower-case, without trailing dot; "" unless its type is ExternalName
	ClusterIPs   []netip.Addr // none for a headless one
	Ports        []ServicePort
	SourceRanges []string // spec.loadBalancerSourceRanges, as written
	// Published are the addresses and names of status.loadBalancer and spec.externalIPs.
	Published []string
}

// ServicePort is a TCP port of a Service.
type ServicePort struct {
	Name       string // "" if it has none
	Number     int32
	TargetPort string // number or name; "" if it isn't set
}

// EndpointSlice is what routing needs of an EndpointSlice, or of the subsets of an
// Endpoints object that Kubernetes has not mirrored to one.
type EndpointSlice struct {
	Ref
	UID       string
	Created   int64  // creationTimestamp, Unix seconds; 0 if it has none
	Service   string // in the same namespace
	FQDN      bool   // its addresses are names
	Ports     []EndpointPort
	Endpoints []SliceEndpoint
}

// EndpointPort is a TCP port of an EndpointSlice.
type EndpointPort struct {
	Name   string // of the Service's port; "" if that has none
	Number int32  // 0: not said
}

// SliceEndpoint is one endpoint of an EndpointSlice.
type SliceEndpoint struct {
	Addresses []string // as written
	Ready     bool     // conditions.ready is true or not said, and it isn't terminating
	Pod       string   // targetRef, if that is a Pod of the same namespace
}

// Ingress is what routing needs of an Ingress (networking.k8s.io/v1).
type Ingress struct {
	Ref
	UID         string
	Created     int64 // creationTimestamp, Unix seconds; 0 if it has none
	Annotations map[string]string
	Class       string // spec.ingressClassName, else the annotation kubernetes.io/ingress.class
	HasClass    bool   // one of the two is there
	Default     *IngressBackend
	Rules       []IngressRule
	TLS         []IngressTLS
}

// IngressRule is a host and its paths.
type IngressRule struct {
	Host  string // "" is every host
	Paths []IngressPath
}

// IngressPath is a path and what serves it.
type IngressPath struct {
	Path, Type string
	Backend    IngressBackend
}

// IngressBackend is a port of a Service.
type IngressBackend struct {
	Service    string // "" if it refers to something else
	PortName   string
	PortNumber int32 // 0: it is given by name
}

// IngressTLS names the certificate of hosts.
type IngressTLS struct {
	Hosts  []string
	Secret string
}

// IngressClass is what routing needs of an IngressClass.
type IngressClass struct {
	Ref
	Controller string
	Default    bool // for Ingresses without a class
}

// ConfigMap is the data of a ConfigMap.
type ConfigMap struct {
	Ref
	UID  string
	Data map[string]string // values are cut, those of overrides to MaxOverride: longer ones are no names
}

// StatefulSet is how many Pods a StatefulSet shall have, and their ordinals.
type StatefulSet struct {
	Ref
	Start, Replicas int
}
