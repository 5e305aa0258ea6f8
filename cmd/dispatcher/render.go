package main

import (
	"context"
	"fmt"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/expiry"
	"github.com/30x/dispatcher/pkg/source"
)

// renderManifests prints the nginx.conf that manifests give to stdout, and
// every Problem to stderr.
func renderManifests(cfg *config.Config, s streams) int {
	fail := func(err error) int {
		fmt.Fprintf(s.err, "dispatcher render: %v\n", err)
		return exitRefused
	}
	objects, unread, err := source.ReadManifests(cfg.Files, s.in)
	if err != nil {
		return fail(err)
	}
	problems := len(unread)
	for _, p := range unread {
		fmt.Fprintln(s.err, p)
	}
	cache := cluster.NewCache(cfg.Selector, cfg.RouteOptions().Interest())
	for _, o := range objects {
		if _, err := cache.Set(o); err != nil {
			problems++
			fmt.Fprintln(s.err, err)
		}
	}
	params, options, err := furnish(context.Background(), cfg, nil, s.logger(cfg))
	if err != nil {
		return fail(err)
	}
	table, found := route.Build(cache.Snapshot(), options)
	expiring, _ := expiry.Expiring(table, time.Now().Unix())
	found = append(found, expiring...)
	for _, p := range found {
		problems++
		fmt.Fprintln(s.err, p)
	}
	if params.Dynamic != nil { // nginx tests whether its memory holds all of this
		n, dynamic := table.Counts(), *params.Dynamic
		dynamic.Room = render.RoomFor(n.Endpoints, n.Locations+n.Members)
		params.Dynamic = &dynamic
	}
	files, err := render.Render(table, params)
	if err != nil {
		return fail(err)
	}
	if _, err := s.out.Write(files.Masked); err != nil {
		return fail(err)
	}
	if cfg.Strict && problems > 0 {
		return exitFailed
	}
	return exitOK
}
