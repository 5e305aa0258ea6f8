package object

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// MaxOverride is more bytes than the value of an override may have: a Pod's name.
const MaxOverride = 254

// maxData is more bytes than Kubernetes lets all values of a ConfigMap have.
const maxData = 2 << 20

// ConfigMaps are names of ConfigMaps in any namespace; "*" is all.
type ConfigMaps []string

// Has reports whether a name is among them.
func (c ConfigMaps) Has(name string) bool {
	return slices.Contains(c, "*") || slices.Contains(c, name)
}

// Keep gives how many bytes are kept of each value of a ConfigMap: all of the one that
// is named by whole, MaxOverride if its name is among c, and 0 if it isn't kept at all.
func (c ConfigMaps) Keep(o *corev1.ConfigMap, whole Ref) int {
	switch {
	case o.Name == whole.Name && o.Namespace == whole.Namespace:
		return maxData
	case c.Has(o.Name):
		return MaxOverride
	}
	return 0
}
