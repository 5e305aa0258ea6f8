package main

import (
	"fmt"
	"io"

	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/diff"
)

// diffManifests prints what differs between two sets of manifests to stdout, and every
// Problem that only the second one has to stderr.
func diffManifests(cfg *config.Config, s streams) int {
	var old, fresh given
	// What can be said of the settings is said once.
	err := old.read(cfg, cfg.Old, streams{in: s.in, err: io.Discard})
	if err == nil {
		err = fresh.read(cfg, cfg.Files, s)
	}
	if err != nil {
		fmt.Fprintf(s.err, "dispatcher render: %v\n", err)
		return exitRefused
	}
	failed := missing(old.unread, fresh.unread, func(u unread) string { return u.reason })
	for _, p := range append(failed, missing(old.problems, fresh.problems, route.Problem.String)...) {
		fmt.Fprintln(s.err, "new:", p)
	}
	for _, c := range diff.Of(old.table, fresh.table, diff.Options{AnyAddress: true}) {
		if _, err := fmt.Fprintln(s.out, c); err != nil {
			fmt.Fprintf(s.err, "dispatcher render: %v\n", err)
			return exitRefused
		}
	}
	mistakes := missing(old.mistakes(), fresh.mistakes(), route.Problem.String)
	if cfg.Strict && len(failed)+len(mistakes) > 0 {
		return exitFailed
	}
	return exitOK
}

// missing gives those of the second list that the first one lacks, in words. They are
// the same if what is kept of them is, as often as it is there.
func missing[T fmt.Stringer](before, after []T, keep func(T) string) (words []string) {
	known := map[string]int{}
	for _, v := range before {
		known[keep(v)]++
	}
	for _, v := range after {
		if known[keep(v)]--; known[keep(v)] < 0 {
			words = append(words, v.String())
		}
	}
	return words
}
