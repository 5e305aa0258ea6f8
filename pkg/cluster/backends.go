package cluster

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/cluster/object"
)

type (
	// Ref is object.Ref.
	Ref = object.Ref
	// Service is object.Service.
	Service = object.Service
	// ServicePort is object.ServicePort.
	ServicePort = object.ServicePort
	// EndpointSlice is object.EndpointSlice.
	EndpointSlice = object.EndpointSlice
	// EndpointPort is object.EndpointPort.
	EndpointPort = object.EndpointPort
	// SliceEndpoint is object.SliceEndpoint.
	SliceEndpoint = object.SliceEndpoint
	// Ingress is object.Ingress.
	Ingress = object.Ingress
	// IngressRule is object.IngressRule.
	IngressRule = object.IngressRule
	// IngressPath is object.IngressPath.
	IngressPath = object.IngressPath
	// IngressBackend is object.IngressBackend.
	IngressBackend = object.IngressBackend
	// IngressTLS is object.IngressTLS.
	IngressTLS = object.IngressTLS
	// IngressClass is object.IngressClass.
	IngressClass = object.IngressClass
	// ConfigMaps is object.ConfigMaps.
	ConfigMaps = object.ConfigMaps
	// ConfigMap is object.ConfigMap.
	ConfigMap = object.ConfigMap
	// StatefulSet is object.StatefulSet.
	StatefulSet = object.StatefulSet
)

// NewRef is object.NewRef.
func NewRef(kind string, o metav1.Object) (Ref, error) { return object.NewRef(kind, o) }

// Quote is object.Quote.
func Quote(s string) string { return object.Quote(s) }
