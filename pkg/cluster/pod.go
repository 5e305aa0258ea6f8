package cluster

import (
	"net/netip"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/cluster/object"
)

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
	Routable     bool         // it matches the selector of what is routed
	Microservice bool         // it matches the selector of the dialect microservice
	StatefulSet  string       // that owns it; "" if none does
	HostIP       netip.Addr   // of its node; the zero Addr if that is not told
	OtherIPs     []netip.Addr // of the Pod and of its node, beside these

	exposed bool // Services may refer to it
}

// Span is a time from and to, Unix seconds.
type Span struct{ From, To int64 }

// Serves reports whether the Pod may get traffic: Running, with an IP, Ready
// and not being deleted.
func (p *Pod) Serves() bool { return p.Running && p.Ready && !p.Deleting && p.IP.IsValid() }

// NewPod cuts a Pod to what routing needs, and one of no dialect to what Services
// need. It fails only on names that Kubernetes would not accept; an IP that is no
// address counts as none.
func NewPod(o *corev1.Pod, in Interest) (*Pod, error) {
	ref, err := NewRef("Pod", o)
	if err != nil {
		return nil, err
	}
	p := &Pod{
		Ref:          ref,
		UID:          string(o.UID),
		Created:      object.Created(o),
		Running:      o.Status.Phase == corev1.PodRunning,
		Deleting:     o.DeletionTimestamp != nil,
		Finished:     o.Status.Phase == corev1.PodSucceeded || o.Status.Phase == corev1.PodFailed,
		Routable:     in.routable(o),
		Microservice: in.microservice(o),
		exposed:      in.Services,
	}
	for _, c := range o.Status.Conditions {
		if c.Type != corev1.PodReady {
			continue
		}
		p.Ready = c.Status == corev1.ConditionTrue
		switch at := c.LastTransitionTime; {
		case at.IsZero():
		case p.Ready:
			p.ReadySince = at.Unix()
		default:
			p.UnreadySince = at.Unix()
		}
	}
	var ok bool
	if p.IP, ok = object.Address(o.Status.PodIP); !ok {
		p.BadIP = o.Status.PodIP
	}
	p.HostIP, _ = object.Address(o.Status.HostIP)
	p.others(o.Status)
	if owner := metav1.GetControllerOf(o); owner != nil && owner.Kind == "StatefulSet" {
		p.StatefulSet = owner.Name
	}
	if !p.Routable && !p.Microservice {
		return p, nil
	}
	p.Labels, p.Annotations = object.Pick(o.Labels, in.Labels), object.Pick(o.Annotations, in.Annotations)
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

// others notes the addresses that the Pod and its node have beside the first ones.
func (p *Pod) others(status corev1.PodStatus) {
	if !p.exposed {
		return
	}
	texts := make([]string, 0, len(status.PodIPs)+len(status.HostIPs))
	for _, ip := range status.PodIPs {
		texts = append(texts, ip.IP)
	}
	for _, ip := range status.HostIPs {
		texts = append(texts, ip.IP)
	}
	for _, text := range texts {
		if a, ok := object.Address(text); ok && a.IsValid() && a != p.IP && a != p.HostIP {
			p.OtherIPs = append(p.OtherIPs, a)
		}
	}
}

// maxSpans is how many earlier times are kept of a Pod. Few are ever: see join.
const maxSpans = 32

// remember takes over from the Pod's old state, which may be nil, what the API does
// not tell any more. A break of which only the end was seen may have been a long one,
// so nothing before it counts.
func (p *Pod) remember(old *Pod) {
	if old == nil || old.UID != p.UID || p.Ready && old.Ready && p.ReadySince != old.ReadySince {
		return
	}
	p.WasReady = old.WasReady
	switch {
	case p.Ready:
		p.WasReady = join(p.WasReady, p.ReadySince)
	case !old.Ready && old.UnreadySince != 0:
		p.UnreadySince = old.UnreadySince // False and Unknown are the same here
	case old.Ready && old.ReadySince != 0 && p.UnreadySince >= old.ReadySince:
		p.WasReady = append(slices.Clone(old.WasReady[max(0, len(old.WasReady)+1-maxSpans):]), Span{old.ReadySince, p.UnreadySince})
	}
}

// join makes one of earlier times that no grace tells apart any more: breaks between
// them that were not longer than the one which ends at since.
func join(spans []Span, since int64) []Span {
	n := len(spans)
	if n < 2 || since == 0 {
		return spans
	}
	spans = slices.Clone(spans)
	gap := since - spans[n-1].To
	for ; n > 1 && spans[n-1].From-spans[n-2].To <= gap; n-- {
		spans[n-2].To = spans[n-1].To
	}
	return spans[:n]
}

// claims is what counts of a Pod that does not serve, or not yet.
type claims struct {
	annotations map[string]string
	deleting    bool
	ip, host    netip.Addr
}

// claims are nothing if the Pod may never serve. The address counts if the Pod may
// be kept although it is not ready, and if Services may refer to it.
func (p *Pod) claims() (c claims) {
	if p == nil || p.Finished {
		return c
	}
	if len(p.Annotations) > 0 {
		c.annotations, c.deleting = p.Annotations, p.Deleting
	}
	if p.exposed || len(p.WasReady) > 0 {
		c.ip, c.host = p.IP, p.HostIP
	}
	return c
}

// compare names the step from a Pod's old state, which may be nil, to its new
// one. A Pod that serves in neither is unchanged, whatever differs, but for what
// it claims: that is how Pending Pods cause next to no work.
func compare(old, p *Pod) Change {
	before := old != nil && old.Serves()
	switch {
	case p.Serves() && old == nil:
		return Added
	case p.Serves() && !before:
		return Joined
	case !p.Serves() && before:
		return Left
	case before && !reflect.DeepEqual(old, p):
		return Changed
	case !before && !reflect.DeepEqual(old.claims(), p.claims()):
		return Waits
	}
	return Unchanged
}
