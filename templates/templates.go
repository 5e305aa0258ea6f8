// Package templates holds the texts from which nginx.conf is made. They are
// nginx's own syntax with a few insertions; Page in package render is what they
// can insert. The built-in files and an operator's folder enter; texts by file
// name leave. It never parses or renders them.
package templates

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/30x/dispatcher/internal/watch"
)

//go:embed *.tmpl
var builtIn embed.FS

// Load returns the built-in templates, each replaced by the file of the same
// name in dir if there is one; dir may be empty. A template file of another name
// is an addition that the others can use.
func Load(dir string) (map[string]string, error) {
	texts := map[string]string{}
	if err := readAll(builtIn, texts); err != nil {
		return nil, fmt.Errorf("read built-in templates: %w", err)
	}
	if dir != "" {
		if err := readAll(os.DirFS(dir), texts); err != nil {
			return nil, fmt.Errorf("read templates of %s: %w", dir, err)
		}
	}
	return texts, nil
}

func readAll(dir fs.FS, into map[string]string) error {
	names, err := fs.Glob(dir, "*.tmpl")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		into[name] = string(text)
	}
	return nil
}

// Watch calls changed when it begins, after each change to the templates in dir
// or to what they link to, and now and then without one, until ctx is done; see
// watch.Paths. The error says why it only looks now and then; it is given to
// failed, and Watch goes on.
func Watch(ctx context.Context, dir string, changed func(), failed func(error)) {
	isTemplate := func(name string) bool { return strings.HasSuffix(name, ".tmpl") }
	watch.Paths(ctx, []string{dir}, isTemplate, changed, func(err error) {
		failed(fmt.Errorf("watch templates: %w", err))
	})
}
