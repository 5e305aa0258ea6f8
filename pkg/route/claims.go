package route

import (
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
)

// dropClaims removes the locations without endpoints: what they would answer
// falls to whatever the host has for other paths. One stays, to answer that
// nobody is there, where that would be another Namespace's location.
func (v *VirtualHost) dropClaims() {
	all := v.Locations
	serving := &VirtualHost{Locations: slices.DeleteFunc(slices.Clone(all), func(l *Location) bool { return len(l.Upstream.Endpoints) == 0 })}
	v.Locations = slices.DeleteFunc(all, func(l *Location) bool {
		if len(l.Upstream.Endpoints) > 0 {
			return false
		}
		owner, served := serving.owner(l.Path.String())
		return !served || owner == l.From
	})
}

// owner is the Namespace whose prefix location answers a path, if there is one.
func (v *VirtualHost) owner(path string) (ns cluster.Ref, ok bool) {
	for parent := path; ; {
		if l := v.Find(parent, Prefix); l != nil {
			return l.From, true
		}
		if parent == "/" {
			return cluster.Ref{}, false
		}
		parent = parent[:max(strings.LastIndexByte(parent, '/'), 1)]
	}
}
