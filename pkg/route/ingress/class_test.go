package ingress

import (
	"fmt"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
)

func ref(kind, name string) cluster.Ref {
	return cluster.Ref{Kind: kind, Namespace: "shop", Name: name}
}

// Which Ingresses are ours: by IngressClasses with our controller, else by our name.
func TestOurs(t *testing.T) {
	class := func(name, controller string, isDefault bool) *cluster.IngressClass {
		return &cluster.IngressClass{Ref: cluster.Ref{Kind: "IngressClass", Name: name}, Controller: controller, Default: isDefault}
	}
	const ours, others = "example.com/controller", "example.com/other"
	for name, c := range map[string]struct {
		classes []*cluster.IngressClass
		name    string // our class' name
		want    string
	}{
		"without IngressClasses":        {nil, "dispatcher", "[named]"},
		"another name":                  {nil, "inner", "[inner]"},
		"no name":                       {nil, "", "[]"},
		"our controller":                {[]*cluster.IngressClass{class("inner", ours, false)}, "dispatcher", "[inner named]"},
		"no name but a controller":      {[]*cluster.IngressClass{class("inner", ours, false)}, "", "[inner]"},
		"the name is another's":         {[]*cluster.IngressClass{class("dispatcher", others, true)}, "dispatcher", "[]"},
		"the default":                   {[]*cluster.IngressClass{class("inner", ours, true)}, "dispatcher", "[inner named none]"},
		"another's default":             {[]*cluster.IngressClass{class("dispatcher", ours, false), class("x", others, true)}, "dispatcher", "[named]"},
		"two defaults":                  {[]*cluster.IngressClass{class("dispatcher", ours, true), class("x", others, true)}, "dispatcher", "[named]"},
		"two of ours, one of them that": {[]*cluster.IngressClass{class("dispatcher", ours, false), class("inner", ours, true)}, "dispatcher", "[inner named none]"},
	} {
		s := &cluster.Snapshot{IngressClasses: c.classes, Ingresses: []*cluster.Ingress{
			{Ref: ref("Ingress", "empty"), HasClass: true},
			{Ref: ref("Ingress", "foreign"), HasClass: true, Class: "nginx"},
			{Ref: ref("Ingress", "inner"), HasClass: true, Class: "inner"},
			{Ref: ref("Ingress", "named"), HasClass: true, Class: "dispatcher"},
			{Ref: ref("Ingress", "none")},
		}}
		opts := options()
		opts.Class = c.name
		got := []string{}
		for _, ing := range Ours(s, opts) {
			got = append(got, ing.Name)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

// They come by Namespace, oldest first, then by name.
func TestOursInOrder(t *testing.T) {
	s := &cluster.Snapshot{}
	for _, o := range []struct {
		namespace, name string
		created         int64
	}{{"b", "x", 1}, {"a", "c", 2}, {"a", "b", 2}, {"a", "z", 1}} {
		s.Ingresses = append(s.Ingresses, &cluster.Ingress{Ref: cluster.Ref{Kind: "Ingress", Namespace: o.namespace, Name: o.name}, Created: o.created, HasClass: true, Class: "dispatcher"})
	}
	got := ""
	for _, ing := range Ours(s, options()) {
		got += ing.Namespace + ing.Name + " "
	}
	if got != "az ab ac bx " {
		t.Error(got)
	}
}
