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
	unread   []unread // documents and objects that can't be used
}

// unread says why a document or object can't be used.
type unread struct{ where, reason string }

func (u unread) String() string { return u.where + u.reason }

// mistakes are the problems that are no passing ones.
func (g *given) mistakes() []route.Problem {
	return slices.DeleteFunc(slices.Clone(g.problems), func(p route.Problem) bool { return p.Passing })
}

// readManifests walks the corridor with the manifests that the settings name. stderr
// tells of what can't be used.
func readManifests(cfg *config.Config, s streams) (*given, error) {
	g := &given{}
	err := g.read(cfg, cfg.Files, s)
	for _, u := range g.unread {
		fmt.Fprintln(s.err, u)
	}
	return g, err
}

// read walks the corridor with manifests.
func (g *given) read(cfg *config.Config, files []string, s streams) error {
	objects, problems, err := source.ReadManifests(files, s.in)
	if err != nil {
		return err
	}
	for _, p := range problems {
		g.unread = append(g.unread, unread{p.Where + ": ", p.Reason})
	}
	cache := cluster.NewCache(cfg.Selector, cfg.RouteOptions().Interest())
	for _, o := range objects {
		if _, err := cache.Set(o); err != nil {
			g.unread = append(g.unread, unread{reason: err.Error()})
		}
	}
	if g.params, g.options, err = furnish(context.Background(), cfg, nil, s.logger(cfg)); err != nil {
		return err
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
	return nil
}
