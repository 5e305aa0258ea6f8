package world

import (
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/annotation/position"
)

// located is how many Problems are found in their annotations.
const located = 100

// position is where in an annotation with JSON a Problem is; zeros if in none.
func (w *World) position(p route.Problem) (line, column int) {
	var annotations map[string]string
	var name string
	switch p.Ref.Kind {
	case "Pod":
		name = w.Options.PathsAnnotation
		if i, found := slices.BinarySearchFunc(w.Snapshot.Pods, p.Ref, func(o *cluster.Pod, r cluster.Ref) int { return compare(o.Ref, r) }); found {
			annotations = w.Snapshot.Pods[i].Annotations
		}
	case "Namespace":
		name = w.Options.HostsAnnotation
		if i := slices.IndexFunc(w.Snapshot.Namespaces, func(o *cluster.Namespace) bool { return o.Ref == p.Ref }); i >= 0 {
			annotations = w.Snapshot.Namespaces[i].Annotations
		}
	}
	place, ok := strings.CutPrefix(p.Key, name)
	if text := annotations[name]; ok && place != "" {
		line, column, _ = position.Of(text, place)
	}
	return line, column
}
