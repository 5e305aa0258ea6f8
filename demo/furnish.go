package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

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

// arguments are those with which Dispatcher shows what has been furnished, with the
// nginx of that name.
func (f *furnished) arguments(nginx string) []string {
	return []string{
		"run",
		"--source=" + f.source,
		"--mode=nginx",
		"--work-dir=" + f.workDir,
		"--listen-address=127.0.0.1",
		"--port=" + strconv.Itoa(f.site.Port),
		"--ssl-port=" + strconv.Itoa(f.site.SSLPort),
		"--ssl-cert=" + f.site.Files.Default,
		"--ssl-key=" + f.site.Files.DefaultKey,
		"--endpoint-allow=127.0.0.0/8", // where everything of the demo is, also what is outside its cluster
		fmt.Sprintf("--resolver-addr=127.0.0.1:%d", f.resolver),
		"--admin-addr=127.0.0.1:0", // any free port: nobody asks there
		"--event-window=200ms",
		"--shutdown-grace=" + shutdownGrace.String(),
		"--worker-open-files=1024", // no more than any user may have
		"--log-format=json",
		"--access-log=false",
		"--nginx-binary=" + nginx,
	}
}
