package ingresses_test

import (
	"slices"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/ingresses"
)

// A Report has the given Ingresses alone, and the addresses of the one Service.
func TestFindings(t *testing.T) {
	t.Parallel()
	ref := func(kind, namespace, name string) cluster.Ref {
		return cluster.Ref{Kind: kind, Namespace: namespace, Name: name}
	}
	s := &cluster.Snapshot{
		Ingresses: []*cluster.Ingress{
			{Ref: ref("Ingress", "a", "one")}, {Ref: ref("Ingress", "a", "other")}, {Ref: ref("Ingress", "b", "one")},
		},
		Services: []*cluster.Service{
			{Ref: ref("Service", "a", "front"), Published: []string{"192.0.2.1"}},
			{Ref: ref("Service", "b", "front"), Published: []string{"192.0.2.2", "lb.example.com"}},
		},
	}
	refs := []cluster.Ref{s.Ingresses[2].Ref, s.Ingresses[0].Ref, ref("Ingress", "c", "gone")}
	if got, want := ingresses.Of(s, refs), []*cluster.Ingress{s.Ingresses[0], s.Ingresses[2]}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := ingresses.Of(s, nil); got != nil {
		t.Errorf("of nothing: %v", got)
	}
	for service, want := range map[string][]string{"b/front": {"192.0.2.2", "lb.example.com"}, "b/none": nil, "front": nil, "": nil} {
		if got := ingresses.Published(s, service); !slices.Equal(got, want) {
			t.Errorf("addresses of %q: %q, want %q", service, got, want)
		}
	}
}
