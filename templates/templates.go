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
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
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

const (
	// quiet is how long a folder must stay unchanged before it is read: an editor
	// writes a file in several steps.
	quiet = 100 * time.Millisecond
	// look is how often it is read all the same: a folder that was replaced, or
	// one that can't be watched, tells nothing.
	look = 30 * time.Second
)

// Watch calls changed after each change to the templates in dir, and now and
// then without one, until ctx is done. It also sees the symlink swap by which
// Kubernetes updates a mounted ConfigMap. The error says why it only looks
// now and then; it is given to failed, and Watch goes on.
func Watch(ctx context.Context, dir string, changed func(), failed func(error)) {
	var events <-chan fsnotify.Event
	var lost <-chan error
	w, err := fsnotify.NewWatcher()
	if err == nil {
		defer func() { _ = w.Close() }()
		err = w.Add(dir)
		events, lost = w.Events, w.Errors
	}
	if err != nil {
		failed(fmt.Errorf("watch templates: %w", err))
	}
	settled, tick := time.NewTimer(time.Hour), time.NewTicker(look)
	defer tick.Stop()
	settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			if name := filepath.Base(e.Name); strings.HasSuffix(name, ".tmpl") || name == "..data" {
				settled.Reset(quiet)
			}
		case <-lost: // a read shows what they were
			settled.Reset(quiet)
		case <-tick.C:
			if w != nil {
				_ = w.Add(dir) // it may be another folder by now
			}
			changed()
		case <-settled.C:
			changed()
		}
	}
}
