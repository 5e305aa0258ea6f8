// Package ingresses finds what a Report says of Ingresses. A Snapshot enters; the
// Ingresses that are of our class leave, and the addresses of a Service. It never
// decides which Ingress is ours.
package ingresses

import (
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Of gives the Ingresses of some Refs, in the order of the Snapshot.
func Of(s *cluster.Snapshot, refs []cluster.Ref) (out []*cluster.Ingress) {
	if len(refs) == 0 {
		return nil
	}
	wanted := make(map[cluster.Ref]bool, len(refs))
	for _, ref := range refs {
		wanted[ref] = true
	}
	for _, i := range s.Ingresses {
		if wanted[i.Ref] {
			out = append(out, i)
		}
	}
	return out
}

// Published gives the addresses and names at which a Service, NAMESPACE/NAME, can be
// reached; none if there is no such Service.
func Published(s *cluster.Snapshot, service string) []string {
	namespace, name, _ := strings.Cut(service, "/")
	for _, o := range s.Services {
		if o.Namespace == namespace && o.Name == name {
			return o.Published
		}
	}
	return nil
}
