package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/discovery"
	"github.com/30x/dispatcher/pkg/discovery/remember"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/status"
)

// endpoints says how nginx learns of endpoints.
func endpoints(p render.Params) config.Endpoints {
	if p.Dynamic != nil {
		return config.EndpointsDynamic
	}
	return config.EndpointsReload
}

// directory tells nginx of endpoints, and remembers them.
type directory struct {
	*remember.Memory
	responder *discovery.Responder
	restored  bool // nginx is started again, and gets the last endpoints
}

// resumed is a proxy whose stale configuration counts once nginx has its endpoints.
type resumed struct {
	proxy
	directory *directory
}

// Stale reports whether what an earlier nginx served is served again.
func (r resumed) Stale() bool {
	d := r.directory
	return r.proxy.Stale() && (d == nil || !d.restored || d.responder.Stats().Behind == 0)
}

// openDirectory opens what tells nginx of endpoints, nil if they stand in nginx.conf.
func openDirectory(ctx context.Context, cfg *config.Config, d *render.Dynamic, log *slog.Logger) (*directory, error) {
	if d == nil {
		return nil, nil
	}
	r, err := discovery.Listen(ctx, discovery.Options{Addr: d.Resolver, Empty: d.Empty, Log: log})
	if err != nil {
		return nil, refusedError{fmt.Errorf("tell nginx of endpoints: %w: choose another address with RESOLVER_ADDR (--resolver-addr), or ENDPOINTS=reload", err)}
	}
	return &directory{Memory: remember.New(r, filepath.Join(cfg.WorkDir, "endpoints.json"), cfg.Purpose, log), responder: r}, nil
}

// asked gives what tells how nginx asks, nil if it doesn't.
func (d *directory) asked() func() status.Asked {
	if d == nil {
		return nil
	}
	return func() status.Asked {
		s := d.responder.Stats()
		return status.Asked{Questions: s.Services + s.Hosts + s.TCP, Held: s.Parked, Behind: s.Behind}
	}
}

// Fetched reports whether nginx uses all that was told of a service.
func (d *directory) Fetched(service string) bool { return d.responder.Used(service) }

// Retire tells nothing more to the workers of nginx that were there before.
func (d *directory) Retire(before time.Time) { d.responder.Retire(before) }

// begin answers nginx until ctx is done. An nginx that is started with the last
// configuration gets the last endpoints, too; one that was taken over keeps its own.
func (d *directory) begin(ctx context.Context, group *errgroup.Group, resumes bool) {
	if resumes {
		d.restored = d.Restore() > 0
	} else {
		d.Continue()
	}
	group.Go(func() error { return d.responder.Run(ctx) })
	group.Go(func() error { return d.Run(ctx) })
}
