package watcher

import "slices"

// Kind is a kind of objects that comes on a stream of its own. After an outage, or while
// one stream is refused, streams are not of one time, and an object may close what
// another one opens: a Secret demands an API key of all that its Namespace serves, a
// Service lets in but the clients of its source ranges. So what may open something waits
// for those: see needs. And the deletion of a Secret waits for all that may open
// something, in case that is gone, too. The new state of a Secret, and what is deleted
// or terminates otherwise, never waits.
type Kind int

// The kinds, in the order in which objects that have waited leave.
const (
	Namespaces Kind = iota
	Services
	EndpointSlices
	Pods
	StatefulSets
	IngressClasses
	Ingresses
	TLSSecrets // of type kubernetes.io/tls, but for those of the name of Secrets
	Secrets
	ConfigMaps // and each one above it is for ConfigMaps of another name
)

// needs are the kinds of which all must be known before an object may open something.
// The deletion of an IngressClass may, too: its name may then be ours.
func (k Kind) needs() []Kind {
	switch k {
	case Namespaces, Pods, Services, IngressClasses, TLSSecrets:
		return []Kind{Secrets}
	case EndpointSlices, Ingresses:
		return closing()
	}
	return nil
}

// closing are the kinds that close what others open.
func closing() []Kind { return []Kind{Secrets, Services} }

func (k Kind) closes() bool { return slices.Contains(closing(), k) }
