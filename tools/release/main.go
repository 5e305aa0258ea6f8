// Release makes what is published of a version: for each platform an archive with the
// program, and a list of what is in it (CycloneDX); and SHA256SUMS of all of them. The
// project's folder, a version and a time enter; files leave. With the same three and the
// same Go they are the same bytes, wherever the folder is. It never reads the clock or git.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

func main() {
	r := release{}
	flag.StringVar(&r.root, "root", "../..", "the project's folder")
	flag.StringVar(&r.out, "out", "", "folder for the files; it is emptied")
	flag.StringVar(&r.version, "version", "", "the version, like v1.2.3")
	epoch := flag.Int64("time", 0, "time of all files, Unix seconds")
	flag.Parse()
	r.time = time.Unix(*epoch, 0).UTC()
	if err := r.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// architectures are those of Linux that there are archives for.
func architectures() []string { return []string{"amd64", "arm64"} }

type release struct {
	root, out, version string
	time               time.Time
}

func (r *release) run(ctx context.Context) error {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`).MatchString(r.version) {
		return fmt.Errorf("%q is no version: write letters, digits, dots, plus and minus signs, like VERSION=v1.2.3", r.version)
	}
	if r.out == "" {
		return errors.New("no folder for the files: name it with -out")
	}
	if err := errors.Join(os.RemoveAll(r.out), os.MkdirAll(r.out, 0o755)); err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, arch := range architectures() {
		archive, bom, err := r.platform(ctx, arch)
		if err != nil {
			return fmt.Errorf("linux/%s: %w", arch, err)
		}
		name := fmt.Sprintf("dispatcher_%s_linux_%s", r.version, arch)
		for _, f := range []file{{name + ".cdx.json", bom, 0o644}, {name + ".tar.gz", archive, 0o644}} {
			if err := os.WriteFile(filepath.Join(r.out, f.name), f.content, f.mode); err != nil {
				return err
			}
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(f.content), f.name)
		}
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// platform makes the archive of an architecture, and the list of what is in its program.
func (r *release) platform(ctx context.Context, arch string) (archived, bom []byte, err error) {
	binary, err := r.build(ctx, arch)
	if err != nil {
		return nil, nil, err
	}
	if bom, err = describe(binary, r.version, arch, r.time); err != nil {
		return nil, nil, fmt.Errorf("describe: %w", err)
	}
	files, err := r.licences(ctx, arch)
	if err != nil {
		return nil, nil, fmt.Errorf("licences: %w", err)
	}
	for _, name := range []string{"LICENSE", "README.md"} {
		text, err := os.ReadFile(filepath.Join(r.root, name))
		if err != nil {
			return nil, nil, err
		}
		files = append(files, file{name, text, 0o644})
	}
	files = append(files, file{"dispatcher", binary, 0o755})
	archived, err = pack(fmt.Sprintf("dispatcher_%s_linux_%s", r.version, arch), files, r.time)
	return archived, bom, err
}

// build compiles the program and gives its content. What git knows is not put in: it would
// tell a build of the archived source from that of a clone. The version says enough.
func (r *release) build(ctx context.Context, arch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "dispatcher")
	cmd := r.goCommand(ctx, arch, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid= -X main.version="+r.version, "-o", out, "./cmd/dispatcher")
	cmd.Stdout = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	return os.ReadFile(out)
}

// goCommand is a command in the project's folder, without those settings of the environment
// that change what is compiled.
func (r *release) goCommand(ctx context.Context, arch string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stderr = r.root, os.Stderr
	cmd.Env = append(os.Environ(), "PWD=", "GOWORK=off", "GOFLAGS=-mod=readonly", "GOEXPERIMENT=", "GOFIPS140=off", "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0")
	return cmd
}
