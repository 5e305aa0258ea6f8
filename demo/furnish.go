package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/30x/dispatcher/demo/internal/authority"
	"github.com/30x/dispatcher/demo/internal/machine"
	"github.com/30x/dispatcher/demo/internal/tour"
)

// furnished is what the demo has made in its work folder.
type furnished struct {
	workDir string
	site    tour.Site
	source  string // the folder that Dispatcher watches: the Secret, and
	link    string // a symbolic link to the manifests

	resolver int // port by which nginx learns of endpoints
}

// furnish makes certificates, and a folder in which Dispatcher finds them beside
// the manifests, which stay as they are. It chooses the ports that c leaves open.
func furnish(ctx context.Context, c settings, workDir string) (*furnished, error) {
	f := &furnished{
		workDir: workDir,
		site:    tour.Site{Port: c.port, SSLPort: c.sslPort, Files: authority.In(filepath.Join(workDir, "source"))},
		source:  filepath.Join(workDir, "source"),
		link:    filepath.Join(workDir, "source", "manifests"),
	}
	manifests, err := filepath.Abs(c.manifests)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Mkdir(f.source, 0o700), os.Symlink(manifests, f.link)); err != nil {
		return nil, fmt.Errorf("make a folder for the Secret: %w", err)
	}
	if err := f.site.Files.Write(); err != nil {
		return nil, err
	}
	if f.site.Port == 0 {
		if f.site.Port, err = machine.FreePort(ctx, 8080); err != nil {
			return nil, err
		}
	}
	if f.site.SSLPort == 0 {
		preferred := 8443
		if f.site.Port == preferred {
			preferred++
		}
		if f.site.SSLPort, err = machine.FreePort(ctx, preferred); err != nil {
			return nil, err
		}
	}
	f.resolver, err = machine.FreePair(ctx, 9252)
	return f, err
}
