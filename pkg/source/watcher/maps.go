package watcher

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
)

// Maps is a choice of ConfigMaps that come on a stream of their own.
type Maps struct {
	What   string // for messages
	Fields fields.Selector
	Whole  bool // see Resource
}

// MapsNamed gives the choices for ConfigMaps of these names, "*" for all, and of the name
// whole, "" for none, of which nothing is cut off. No two choose the same ConfigMap: they
// could tell of it in any order, and differ in what is cut off.
func MapsNamed(names []string, whole string) (out []Maps) {
	add := func(name string, whole bool) {
		out = append(out, Maps{"configmaps named " + name, fields.OneTermEqualSelector(metav1.ObjectNameField, name), whole})
	}
	if whole != "" {
		add(whole, true)
	}
	switch all := slices.Contains(names, "*"); {
	case all && whole != "":
		return append(out, Maps{What: "configmaps", Fields: fields.OneTermNotEqualSelector(metav1.ObjectNameField, whole)})
	case all:
		return append(out, Maps{What: "configmaps", Fields: fields.Everything()})
	}
	for _, name := range names {
		if name != whole {
			add(name, false)
		}
	}
	return out
}

// InOne makes a plain list of all objects in one piece.
func InOne[L runtime.Object](list func(context.Context, metav1.ListOptions) (L, error)) func(context.Context, metav1.ListOptions) (runtime.Object, error) {
	return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return list(ctx, o) }
}
