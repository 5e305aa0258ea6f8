package cluster

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/30x/dispatcher/pkg/cluster/object"
)

// Namespace is what routing needs of a Namespace.
type Namespace struct {
	Ref
	UID         string
	Created     int64 // creationTimestamp, Unix seconds; 0 if it has none
	Labels      map[string]string
	Annotations map[string]string
	Routable    bool // it matches the selector of what is routed
}

// Container is a container that runs as long as its Pod does: a regular one,
// or an init container with restartPolicy Always (a sidecar).
type Container struct {
	Name      string
	Ports     []ContainerPort // TCP only
	Readiness *Probe
	Liveness  *Probe
}

// ContainerPort is a declared TCP port.
type ContainerPort struct {
	Name   string
	Number int32
}

// Probe is an httpGet or tcpSocket probe, with the defaults of the Kubernetes
// API filled in. Other probes (exec, grpc) are not kept.
type Probe struct {
	HTTP             bool // httpGet; else tcpSocket
	HTTPS            bool
	Path             string
	Host             string
	Headers          []Header
	PortName         string // set when the port is given by name
	Port             int32
	PeriodSeconds    int32
	TimeoutSeconds   int32
	SuccessThreshold int32
	FailureThreshold int32
}

// Header is a header field that an HTTP probe sends.
type Header struct{ Name, Value string }

// NewNamespace cuts a Namespace to what routing needs. It fails only on a
// name that Kubernetes would not accept.
func NewNamespace(o *corev1.Namespace, in Interest) (*Namespace, error) {
	ref, err := NewRef("Namespace", o)
	if err != nil {
		return nil, err
	}
	return &Namespace{
		Ref:         ref,
		UID:         string(o.UID),
		Created:     object.Created(o),
		Labels:      object.Pick(o.Labels, in.Labels),
		Annotations: object.Pick(o.Annotations, in.Annotations),
		Routable:    in.routable(o),
	}, nil
}

func newContainer(c *corev1.Container) Container {
	out := Container{Name: c.Name, Readiness: newProbe(c.ReadinessProbe), Liveness: newProbe(c.LivenessProbe)}
	for _, p := range c.Ports {
		if p.Protocol == corev1.ProtocolTCP || p.Protocol == "" {
			out.Ports = append(out.Ports, ContainerPort{Name: p.Name, Number: p.ContainerPort})
		}
	}
	return out
}

// newProbe fills in the defaults that the API server would have set; see
// Probe in the Kubernetes API reference (core/v1).
func newProbe(p *corev1.Probe) *Probe {
	if p == nil {
		return nil
	}
	out := &Probe{
		PeriodSeconds:    orDefault(p.PeriodSeconds, 10),
		TimeoutSeconds:   orDefault(p.TimeoutSeconds, 1),
		SuccessThreshold: orDefault(p.SuccessThreshold, 1),
		FailureThreshold: orDefault(p.FailureThreshold, 3),
	}
	switch {
	case p.HTTPGet != nil:
		out.HTTP, out.HTTPS = true, p.HTTPGet.Scheme == corev1.URISchemeHTTPS
		out.Path, out.Host = p.HTTPGet.Path, p.HTTPGet.Host
		out.PortName, out.Port = p.HTTPGet.Port.StrVal, p.HTTPGet.Port.IntVal
		for _, h := range p.HTTPGet.HTTPHeaders {
			out.Headers = append(out.Headers, Header{Name: h.Name, Value: h.Value})
		}
	case p.TCPSocket != nil:
		out.Host = p.TCPSocket.Host
		out.PortName, out.Port = p.TCPSocket.Port.StrVal, p.TCPSocket.Port.IntVal
	default:
		return nil
	}
	return out
}

func orDefault(v, def int32) int32 {
	if v <= 0 {
		return def
	}
	return v
}
