package main

import (
	"fmt"
	"slices"

	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
)

// renderManifests prints the nginx.conf that manifests give to stdout, and
// every Problem to stderr.
func renderManifests(cfg *config.Config, s streams) int {
	fail := func(err error) int {
		fmt.Fprintf(s.err, "dispatcher render: %v\n", err)
		return exitRefused
	}
	g, err := readManifests(cfg, s)
	if err != nil {
		return fail(err)
	}
	for _, p := range g.problems {
		fmt.Fprintln(s.err, p)
	}
	files, err := render.Render(g.table, g.params)
	if err != nil {
		return fail(err)
	}
	if _, err := s.out.Write(files.Masked); err != nil {
		return fail(err)
	}
	mistaken := slices.ContainsFunc(g.problems, func(p route.Problem) bool { return !p.Passing })
	if cfg.Strict && (g.unread > 0 || mistaken) {
		return exitFailed
	}
	return exitOK
}
