// Render prints what a Helm chart makes of values, as "helm template" does, with
// the packages that Helm 3 and Helm 4 themselves are made of. The folder of a
// chart and values (YAML, on standard input) enter; manifests leave on standard
// output, or with -notes what Helm tells after an installation, or with -lint
// what "helm lint" finds, one a line. It exits 1 if the values are refused or
// there are findings, and says why on standard error. It never talks to a
// cluster.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// helm is what both versions of Helm are asked for.
type helm interface {
	// render returns the text that each template gives, by the template's name.
	render(chart string, values []byte, r release) (map[string]string, error)
	// lint returns warnings and errors.
	lint(chart string, values []byte, namespace string) ([]string, error)
}

// release is what Helm tells the templates of itself and of the cluster.
type release struct{ name, namespace, kubernetes string }

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("render", flag.ContinueOnError)
	version := flags.Int("helm", 4, "version of Helm: 3 or 4")
	var r release
	flags.StringVar(&r.name, "release", "dispatcher", "name of the release")
	flags.StringVar(&r.namespace, "namespace", "dispatcher", "namespace of the release")
	flags.StringVar(&r.kubernetes, "kubernetes", "1.36.0", "version of the cluster")
	notes := flags.Bool("notes", false, "print what Helm tells after an installation")
	lint := flags.Bool("lint", false, "print what \"helm lint\" finds")
	if err := flags.Parse(args); err != nil {
		return err
	}
	h, known := map[int]helm{3: helm3{}, 4: helm4{}}[*version]
	if !known || flags.NArg() != 1 {
		return errors.New("usage: render [-helm 3|4] [-release NAME] [-namespace NAME] [-kubernetes VERSION] [-notes|-lint] CHART < VALUES")
	}
	chart := flags.Arg(0)
	values, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if *lint {
		findings, err := h.lint(chart, values, r.namespace)
		if err == nil && len(findings) > 0 {
			err = errors.New(strings.Join(findings, "\n"))
		}
		return err
	}
	files, err := h.render(chart, values, r)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		isNotes := path.Base(name) == "NOTES.txt"
		text := strings.TrimSpace(files[name])
		switch {
		case isNotes != *notes || text == "" || strings.HasPrefix(path.Base(name), "_"):
		case isNotes:
			fmt.Fprintln(out, text)
		default:
			fmt.Fprintf(out, "---\n# Source: %s\n%s\n", name, text)
		}
	}
	return nil
}
