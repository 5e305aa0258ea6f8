package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/backend"
	"github.com/30x/dispatcher/pkg/route/expiry"
	"github.com/30x/dispatcher/pkg/source"
)

// given is what manifests give.
type given struct {
	params   render.Params
	options  route.Options
	snapshot *cluster.Snapshot
	table    *route.Table
	problems []route.Problem
	unread   int // documents and objects that can't be used, of which stderr tells
}

// readManifests walks the corridor with the manifests that the settings name.
func readManifests(cfg *config.Config, s streams) (*given, error) {
	objects, unread, err := source.ReadManifests(cfg.Files, s.in)
	if err != nil {
		return nil, err
	}
	g := &given{unread: len(unread)}
	for _, p := range unread {
		fmt.Fprintln(s.err, p)
	}
	cache := cluster.NewCache(cfg.Selector, cfg.RouteOptions().Interest())
	for _, o := range objects {
		if _, err := cache.Set(o); err != nil {
			g.unread++
			fmt.Fprintln(s.err, err)
		}
	}
	if g.params, g.options, err = furnish(context.Background(), cfg, nil, s.logger(cfg)); err != nil {
		return nil, err
	}
	g.options.Now = time.Now().Unix()
	g.snapshot = cache.Snapshot()
	g.table, g.problems = route.Build(g.snapshot, g.options)
	for _, p := range backend.Unreadable(g.snapshot) { // a mistake is one before it does harm, too
		if !slices.Contains(g.problems, p) {
			g.problems = append(g.problems, p)
		}
	}
	expiring, _ := expiry.Expiring(g.table, g.options.Now)
	g.problems = append(g.problems, expiring...)
	return g, nil
}
