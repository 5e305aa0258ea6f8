package main

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/render"
)

// renderManifests prints the nginx.conf that manifests give to stdout, and
// every Problem to stderr.
func renderManifests(cfg *config.Config, s streams) int {
	fail := func(err error) int {
		fmt.Fprintf(s.err, "dispatcher render: %v\n", err)
		return exitRefused
	}
	if cfg.Diff {
		return diffManifests(cfg, s)
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
	if cfg.Strict && len(g.unread)+len(g.mistakes()) > 0 {
		return exitFailed
	}
	return exitOK
}
