package ingress

import (
	"cmp"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Ours are the Ingresses of our class, by Namespace, oldest first, then by name.
//
// A class is ours if the IngressClass of that name has our controller; without such an
// object, if it has our name. An Ingress without a class is ours if an IngressClass of
// ours, and none of another controller, is the default. One whose class is empty has
// none, and wants no default either.
func Ours(s *cluster.Snapshot, opts Options) []*cluster.Ingress {
	classes := make(map[string]bool, len(s.IngressClasses)+1) // whether they are ours
	classes[opts.Class] = opts.Class != ""
	ourDefault, otherDefault := false, false
	for _, c := range s.IngressClasses {
		ours := c.Controller == opts.Controller
		classes[c.Name] = ours
		ourDefault, otherDefault = ourDefault || c.Default && ours, otherDefault || c.Default && !ours
	}
	var out []*cluster.Ingress
	for _, ing := range s.Ingresses {
		if ing.HasClass && classes[ing.Class] || !ing.HasClass && ourDefault && !otherDefault {
			out = append(out, ing)
		}
	}
	slices.SortStableFunc(out, func(a, b *cluster.Ingress) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), older(a, b))
	})
	return out
}

// older orders the Ingresses of a Namespace.
func older(a, b *cluster.Ingress) int {
	return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Name, b.Name))
}
