// Package helm renders the chart in this folder for the tests of deploy and of
// test/kube. Values enter, manifests leave, as Helm 3 and Helm 4 make them: the
// program in the module render does it, so that Helm's packages are no part of
// this module. It never talks to a cluster, and nothing but tests uses it.
package helm

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program is the program that renders, and the chart.
type Program struct {
	path  string
	chart string // its folder
}

// Build builds the program into a folder; source is this package's. It needs the
// modules of render/go.mod, from Go's cache or a proxy. It must run inside a test,
// and it reads chart and program, because only then does "go test" know what a
// cached result depends on.
func Build(ctx context.Context, source, into string) (p Program, err error) {
	root := os.DirFS(source)
	err = fs.WalkDir(root, ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			_, err = fs.ReadFile(root, path)
		}
		return err
	})
	if err != nil {
		return p, err
	}
	if p.path, err = filepath.Abs(filepath.Join(into, "render")); err != nil {
		return p, err
	}
	p.chart = filepath.Join(source, "dispatcher")
	build := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(source, "render"), "-o", p.path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return p, fmt.Errorf("build what renders the chart: %w: are the modules of deploy/helm/render/go.mod in Go's cache, or is a proxy within reach?\n%s", err, out)
	}
	return p, nil
}

// Run gives the program values (YAML; "" is none but the chart's own) and flags,
// and returns what it prints. The error is what Helm says of the values.
func (p Program) Run(ctx context.Context, values string, flags ...string) (string, error) {
	var out, problem strings.Builder
	cmd := exec.CommandContext(ctx, p.path, append(flags, p.chart)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(values), &out, &problem
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(problem.String()))
	}
	return out.String(), nil
}
