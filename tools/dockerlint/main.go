// Dockerlint checks a Dockerfile with BuildKit's own rules, the ones behind
// "docker build --check", without an engine and without a registry. The path of
// the Dockerfile enters; findings leave on standard output, one a line. It exits
// 1 if there are any and 2 if the file can't be read. It builds nothing and
// fetches no image: base images are taken to be empty.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dockerlint DOCKERFILE")
		os.Exit(2)
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "dockerlint:", err)
		os.Exit(2)
	}
	findings, err := lint(context.Background(), os.Args[1], text, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "dockerlint:", err)
		os.Exit(2)
	}
	if findings > 0 {
		os.Exit(1)
	}
}

// lint writes what is wrong with the Dockerfile to w and returns how many
// findings there were: an instruction that can't be built counts as one.
func lint(ctx context.Context, name string, text []byte, w io.Writer) (int, error) {
	platform := platforms.DefaultSpec()
	platform.OS = "linux"
	source := llb.NewSourceMap(nil, name, "Dockerfile", text)
	source.Definition = &llb.Definition{} // the linter copies it without looking
	results, err := dockerfile2llb.DockerfileLint(ctx, text, dockerfile2llb.ConvertOpt{
		Config:         dockerui.Config{BuildArgs: map[string]string{}},
		SourceMap:      source,
		TargetPlatform: &platform,
		MetaResolver:   emptyImages{},
	})
	if err != nil {
		return 0, err
	}
	for _, warning := range results.Warnings {
		fmt.Fprintf(w, "%s: %s: %s (%s)\n", place(name, warning.Location), warning.RuleName, warning.Detail, warning.URL)
	}
	if results.Error == nil {
		return len(results.Warnings), nil
	}
	fmt.Fprintf(w, "%s: %s\n", place(name, &results.Error.Location), strings.TrimSpace(results.Error.Message))
	return len(results.Warnings) + 1, nil
}

// place is the file's name, with the line where there is one.
func place(name string, l *pb.Location) string {
	if ranges := l.GetRanges(); len(ranges) > 0 {
		return fmt.Sprintf("%s:%d", name, ranges[0].GetStart().GetLine())
	}
	return name
}

// emptyImages answers for every base image that nothing is known about it.
type emptyImages struct{}

func (emptyImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(ref), []byte(`{"os":"linux","config":{}}`), nil
}
