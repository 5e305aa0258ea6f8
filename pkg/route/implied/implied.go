// Package implied finds Namespaces of which nothing is known but by the objects in them,
// as in manifests that leave them out. A Snapshot enters; Namespaces leave. It never says
// of one that it is routed.
package implied

import (
	"maps"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Namespaces are those that are known, and then, by name, those that are implied by Pods
// of the dialect microservice and by ours, the Ingresses of our class.
func Namespaces(s *cluster.Snapshot, ours []cluster.Ref) []*cluster.Namespace {
	implied := map[string]bool{}
	for _, p := range s.Pods {
		if p.Microservice {
			implied[p.Namespace] = true
		}
	}
	for _, i := range ours {
		implied[i.Namespace] = true
	}
	for _, ns := range s.Namespaces {
		delete(implied, ns.Name)
	}
	out := slices.Clone(s.Namespaces)
	for _, name := range slices.Sorted(maps.Keys(implied)) {
		out = append(out, &cluster.Namespace{Ref: cluster.Ref{Kind: "Namespace", Name: name}})
	}
	return out
}
