// Package proxy opens what a mode of Dispatcher does with configurations: an nginx of
// this machine, one in another container, or none. Settings enter; a Proxy leaves, and
// what the nginx that is to run tells of itself. It never decides what is served.
package proxy

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/30x/dispatcher/nginx"
	"github.com/30x/dispatcher/nginx/sidecar"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/status"
)

// Proxy is what a mode does with configurations.
type Proxy interface {
	controller.Proxy
	status.Proxy
	Run(ctx context.Context) error // until ctx is done
	Resumes() bool                 // it serves, or is about to serve, what an earlier nginx did
}

// Facts are what an nginx that is to run tells of itself.
type Facts struct {
	Version   string // the output of nginx -V
	OpenFiles uint64 // the limit that its workers may get
}

// sidecarTime is how long nginx's container may take to come up.
const sidecarTime = time.Minute

// Ask asks the nginx that is to run; it gives nil if there is none.
func Ask(ctx context.Context, cfg *config.Config, mode config.Mode, log *slog.Logger) (*Facts, error) {
	switch mode {
	case config.ModeSidecar:
		log.Info("waiting for nginx's container", "socket", sidecar.Socket(cfg.WorkDir))
		there, err := sidecar.NewClient(cfg.WorkDir, false, nil, log).Wait(ctx, cfg.SSLCertDir, sidecarTime)
		return &Facts{there.Nginx, there.OpenFiles}, err
	case config.ModeNginx:
		version, err := nginx.Version(ctx, cfg.NginxBinary)
		return &Facts{version, OpenFiles()}, err
	}
	return nil, nil
}

// Within keeps the number of open files that is asked for within a limit.
func (f *Facts) Within(want int) int {
	if f == nil {
		return want
	}
	return int(min(uint64(want), cmp.Or(f.OpenFiles, unix.RLIM_INFINITY)))
}

// OpenFiles gives the limit of this process: to raise a hard limit takes a
// capability that even root lacks in a container.
func OpenFiles() uint64 {
	limit := unix.Rlimit{Max: unix.RLIM_INFINITY}
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) // it never fails for oneself
	return limit.Max
}

// Open prepares the Proxy of a mode. version is that of the nginx that runs, and
// configurations that are only printed go to out.
func Open(cfg *config.Config, mode config.Mode, version render.Version, observe func(string, time.Duration), out io.Writer, log *slog.Logger) (Proxy, error) {
	switch mode {
	case config.ModeSidecar:
		return sidecar.NewClient(cfg.WorkDir, cfg.ServeStale, observe, log), nil
	case config.ModeNginx:
		if cfg.NginxVersion == version {
			version = render.Version{} // the operator says so, and nginx was not asked
		}
		return OpenServer(cfg, version, observe, log)
	}
	return printer{nginx.Printer{W: out}}, nil
}

// OpenServer prepares the nginx of this machine. version is the zero one if it is
// not known.
func OpenServer(cfg *config.Config, version render.Version, observe func(string, time.Duration), log *slog.Logger) (*nginx.Server, error) {
	o := nginx.Options{
		Binary:        cfg.NginxBinary,
		WorkDir:       cfg.WorkDir,
		CertDir:       cfg.SSLCertDir,
		ShutdownGrace: cfg.ShutdownGrace,
		Stale:         cfg.ServeStale,
		Purpose:       cfg.Purpose,
		Log:           log,
		Observe:       observe,
	}
	if version != (render.Version{}) {
		o.Version = version.String()
	}
	return nginx.NewServer(o)
}

// Stats gives what asks nginx for what it counts, nil if there is no nginx.
func Stats(p Proxy) func(context.Context) status.Stats {
	counter, ok := p.(interface {
		Stats(ctx context.Context) nginx.Stats
	})
	if !ok {
		return nil
	}
	return func(ctx context.Context) status.Stats { return status.Stats(counter.Stats(ctx)) }
}

// drainTime is how long nginx may take to tell of its workers.
const drainTime = 500 * time.Millisecond

// Draining gives what counts the old workers of nginx that finish their connections, nil
// if there is no nginx.
func Draining(p Proxy) func() int {
	stats := Stats(p)
	if stats == nil {
		return nil
	}
	return func() int {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		return stats(ctx).Draining
	}
}

// printer runs nothing, so there is nothing to wait for and nothing to die.
type printer struct{ nginx.Printer }

func (printer) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (printer) Alive() bool                   { return true }
func (printer) Stale() bool                   { return false }
func (printer) Resumes() bool                 { return false }
