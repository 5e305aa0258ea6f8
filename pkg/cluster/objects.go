package cluster

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Ref names one object. Its parts are valid Kubernetes names: a Ref is made
// only by NewRef, so it is safe in a log line, a comment and a file.
type Ref struct {
	Kind      string // "Pod", "Namespace", …
	Namespace string // empty for cluster-scoped objects
	Name      string
}

// NewRef checks the object's names by the rules of the API server (DNS-1123
// label for a namespace, DNS-1123 subdomain for a name), because objects from
// a file have not passed one. The error quotes what is wrong.
func NewRef(kind string, o metav1.Object) (Ref, error) {
	namespace, name := o.GetNamespace(), o.GetName()
	if errs := validation.IsDNS1123Subdomain(name); len(errs) > 0 {
		return Ref{}, fmt.Errorf("%s: metadata.name: %s is not a valid name: %s", kind, Quote(name), errs[0])
	}
	if namespace != "" {
		if errs := validation.IsDNS1123Label(namespace); len(errs) > 0 {
			return Ref{}, fmt.Errorf("%s/%s: metadata.namespace: %s is not a valid namespace: %s", kind, name, Quote(namespace), errs[0])
		}
	}
	return Ref{Kind: kind, Namespace: namespace, Name: name}, nil
}

// String gives kind/namespace/name, or kind/name for a cluster-scoped object.
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + "/" + r.Name
	}
	return r.Kind + "/" + r.Namespace + "/" + r.Name
}

// Quote makes any text safe to show: quoted in ASCII, control characters
// escaped, and cut to 80 bytes.
func Quote(s string) string {
	const limit = 80
	if len(s) > limit {
		return fmt.Sprintf("%+q (the first %d of %d bytes)", s[:limit], limit, len(s))
	}
	return fmt.Sprintf("%+q", s)
}

// Namespace is what routing needs of a Namespace.
type Namespace struct {
	Ref
	UID         string
	Created     int64 // creationTimestamp, Unix seconds; 0 if it has none
	Labels      map[string]string
	Annotations map[string]string
	Routable    bool // it matches the selector of what is routed
}

// Pod is what routing needs of a Pod.
type Pod struct {
	Ref
	UID          string
	Created      int64 // creationTimestamp, Unix seconds; 0 if it has none
	Labels       map[string]string
	Annotations  map[string]string
	Running      bool  // status.phase is Running
	Ready        bool  // the Ready condition is True
	ReadySince   int64 // since when, Unix seconds; 0 if it isn't, or that is not told
	UnreadySince int64 // since when the Ready condition is not True, Unix seconds; 0 if it is, or that is not told
	// WasReady are earlier times for which it was seen to be ready, the newest last;
	// a Cache keeps a few of them.
	WasReady     []Span
	Deleting     bool       // metadata.deletionTimestamp is set
	Finished     bool       // status.phase is Succeeded or Failed: it will never serve again
	IP           netip.Addr // status.podIP; the zero Addr if there is none
	BadIP        string     // status.podIP, if that is no address
	Containers   []Container
	Routable     bool       // it matches the selector of what is routed
	Microservice bool       // it matches the selector of the dialect microservice
	StatefulSet  string     // that owns it; "" if none does
	HostIP       netip.Addr // of its node; the zero Addr if that is not told
}

// Span is a time from and to, Unix seconds.
type Span struct{ From, To int64 }

// Serves reports whether the Pod may get traffic: Running, with an IP, Ready
// and not being deleted.
func (p *Pod) Serves() bool { return p.Running && p.Ready && !p.Deleting && p.IP.IsValid() }

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

// Interest says what is kept of the cluster, so that a change to anything else
// is no change.
type Interest struct {
	Annotations []string // of Namespaces and Pods
	Labels      []string // of Namespaces and Pods
	SecretName  string   // the one Secret of a Namespace that is read; "" for none

	Microservice labels.Selector // of Pods of the dialect microservice; nil: none is kept
	// Services: Services, their EndpointSlices, Ingresses and IngressClasses are kept,
	// and of all Pods what says whether they serve.
	Services           bool
	ServiceAnnotations []string // of Services and Ingresses
	TLSSecrets         bool     // Secrets of type kubernetes.io/tls are kept
	// Overrides are the names of ConfigMaps that are kept; "*" is all.
	Overrides []string
}

func pick(from map[string]string, keys []string) map[string]string {
	var out map[string]string
	for _, k := range keys {
		if v, ok := from[k]; ok {
			if out == nil {
				out = make(map[string]string, len(keys))
			}
			out[k] = v
		}
	}
	return out
}

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
		Created:     created(o),
		Labels:      pick(o.Labels, in.Labels),
		Annotations: pick(o.Annotations, in.Annotations),
	}, nil
}

// NewPod cuts a Pod to what routing needs. It fails only on names that
// Kubernetes would not accept; an IP that is no address counts as none.
func NewPod(o *corev1.Pod, in Interest) (*Pod, error) {
	ref, err := NewRef("Pod", o)
	if err != nil {
		return nil, err
	}
	p := &Pod{
		Ref:         ref,
		UID:         string(o.UID),
		Created:     created(o),
		Labels:      pick(o.Labels, in.Labels),
		Annotations: pick(o.Annotations, in.Annotations),
		Running:     o.Status.Phase == corev1.PodRunning,
		Deleting:    o.DeletionTimestamp != nil,
		Finished:    o.Status.Phase == corev1.PodSucceeded || o.Status.Phase == corev1.PodFailed,
	}
	for _, c := range o.Status.Conditions {
		if c.Type == corev1.PodReady {
			p.Ready = c.Status == corev1.ConditionTrue
			if p.Ready && !c.LastTransitionTime.IsZero() {
				p.ReadySince = c.LastTransitionTime.Unix()
			}
		}
	}
	if ip, err := netip.ParseAddr(o.Status.PodIP); err == nil && ip.Zone() == "" && !ip.IsUnspecified() {
		p.IP = ip.Unmap()
	} else {
		p.BadIP = o.Status.PodIP
	}
	for i := range o.Spec.Containers {
		p.Containers = append(p.Containers, newContainer(&o.Spec.Containers[i]))
	}
	for i := range o.Spec.InitContainers {
		c := &o.Spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			p.Containers = append(p.Containers, newContainer(c))
		}
	}
	return p, nil
}

func created(o metav1.Object) int64 {
	if t := o.GetCreationTimestamp(); !t.IsZero() {
		return t.Unix()
	}
	return 0
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
