package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// legal are the names of files that must go with a program that is made of others.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents|authors)([-._].*)?$`)

// listed is what go list says of a package.
type listed struct {
	Dir, ImportPath string
	Standard        bool
	Module          *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// licences gives the licences and notices of everything that the program is linked with, as
// licences/MODULE@VERSION/…: those in the folder of a package and in those above it, up to
// the module's own.
func (r *release) licences(ctx context.Context, arch string) ([]file, error) {
	cmd := r.goCommand(ctx, arch, "list", "-deps", "-json=Dir,ImportPath,Standard,Module", "./cmd/dispatcher")
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	root, err := r.goCommand(ctx, arch, "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	found := map[string][]file{} // by folder
	var out []file
	take := func(name, dir, top string) error {
		for here := dir; ; here = filepath.Dir(here) {
			if _, ok := found[here]; !ok {
				if found[here], err = legalFiles(here, path.Join("licences", name, filepath.ToSlash(strings.TrimPrefix(here, top)))); err != nil {
					return err
				}
				out = append(out, found[here]...)
			}
			if here == top {
				break
			}
		}
		if len(found[top]) == 0 {
			return fmt.Errorf("%s has no licence in %s", name, top)
		}
		return nil
	}
	goroot := strings.TrimSpace(string(root))
	if err := take("go", goroot, goroot); err != nil {
		return nil, err
	}
	for d := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if p.Standard || p.Module == nil || p.Module.Main {
			continue
		}
		if err := take(p.Module.Path+"@"+p.Module.Version, p.Dir, p.Module.Dir); err != nil {
			return nil, err
		}
	}
}

func legalFiles(dir, as string) (out []file, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !legal.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, file{path.Join(as, e.Name()), text, 0o644})
	}
	return out, nil
}
