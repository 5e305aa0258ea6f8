// Package directory tells nginx of endpoints without a reload, and remembers them for
// a restart. Services' endpoints enter; what nginx asks for leaves. It never decides
// which endpoints there are.
package directory

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/30x/dispatcher/cmd/dispatcher/internal/proxy"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/discovery"
	"github.com/30x/dispatcher/pkg/discovery/remember"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/status"
)

// Mode says how nginx learns of endpoints.
func Mode(p render.Params) config.Endpoints {
	if p.Dynamic != nil {
		return config.EndpointsDynamic
	}
	return config.EndpointsReload
}

// Directory tells nginx of endpoints, and remembers them.
type Directory struct {
	*remember.Memory
	responder *discovery.Responder
	conf      string // path of nginx's configuration
	restored  bool   // nginx is started again, and gets the last endpoints
}

// Resumed is a Proxy whose stale configuration counts once nginx has its endpoints;
// Directory may be nil.
type Resumed struct {
	proxy.Proxy
	Directory *Directory
}

// Stale reports whether what an earlier nginx served is served again.
func (r Resumed) Stale() bool {
	d := r.Directory
	return r.Proxy.Stale() && (d == nil || !d.restored || d.responder.Stats().Behind == 0)
}

// Open opens what tells nginx of endpoints, nil if they stand in nginx.conf. An error is
// about a setting that can't be used.
func Open(ctx context.Context, cfg *config.Config, d *render.Dynamic, log *slog.Logger) (*Directory, error) {
	if d == nil {
		return nil, nil
	}
	r, err := discovery.Listen(ctx, discovery.Options{Addr: d.Resolver, Empty: d.Empty, Log: log})
	if err != nil {
		return nil, fmt.Errorf("tell nginx of endpoints: %w: choose another address with RESOLVER_ADDR (--resolver-addr), or ENDPOINTS=reload", err)
	}
	return &Directory{Memory: remember.New(r, filepath.Join(cfg.WorkDir, "endpoints.json"), cfg.Purpose, log), responder: r, conf: filepath.Join(cfg.WorkDir, "nginx.conf")}, nil
}

// Asked gives what tells how nginx asks, nil if it doesn't.
func (d *Directory) Asked() func() status.Asked {
	if d == nil {
		return nil
	}
	return func() status.Asked {
		s := d.responder.Stats()
		return status.Asked{Questions: s.Services + s.Hosts + s.TCP, Held: s.Parked, Behind: s.Behind}
	}
}

// Fetched reports whether nginx uses all that was told of a service.
func (d *Directory) Fetched(service string) bool { return d.responder.Used(service) }

// Forget forgets the workers of nginx that have ended.
func (d *Directory) Forget() { d.responder.Forget() }

// Retire tells nothing more to the workers of nginx that were there before.
func (d *Directory) Retire(before time.Time) { d.responder.Retire(before) }

// Begin answers nginx until ctx is done. An nginx that is started with the last
// configuration gets the last endpoints, too; one that was taken over keeps its own.
func (d *Directory) Begin(ctx context.Context, group *errgroup.Group, resumes bool) {
	if resumes {
		conf, _ := os.ReadFile(d.conf) // in another container's hands it may be unreadable
		d.restored = d.Restore(string(conf)) > 0
	} else {
		d.Continue()
	}
	group.Go(func() error { return d.responder.Run(ctx) })
	group.Go(func() error { return d.Run(ctx) })
}
