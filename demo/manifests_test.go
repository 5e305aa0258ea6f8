package main

import (
	"testing"

	"github.com/30x/dispatcher/demo/internal/tour"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/source"
)

// The manifests are flawless, and their hosts are the ones that the tour visits.
func TestManifests(t *testing.T) {
	f, err := furnish(t.Context(), settings{manifests: "manifests"}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	objects, unread, err := source.ReadManifests([]string{f.source}, nil)
	if err != nil || len(unread) > 0 {
		t.Fatal(err, unread)
	}
	c, err := config.Load(f.arguments("nginx"), nil)
	if err != nil {
		t.Fatal(err)
	}
	cache := cluster.NewCache(c.Selector, c.RouteOptions().Interest())
	for _, o := range objects {
		if _, err := cache.Set(o); err != nil {
			t.Error(err)
		}
	}
	table, problems := route.Build(cache.Snapshot(), c.RouteOptions())
	for _, p := range problems {
		t.Error(p)
	}
	visited := map[string]bool{}
	for _, v := range tour.All(f.site) {
		if len(v.Want.Pods) > 0 {
			visited[v.Host] = true
		}
	}
	for _, h := range table.Hosts {
		if !visited[h.Name.String()] {
			t.Errorf("the tour leaves out host %s", h.Name)
		}
		delete(visited, h.Name.String())
	}
	if len(visited) > 0 {
		t.Errorf("the tour visits hosts that the manifests don't have: %v", visited)
	}
}
