package main

import (
	"cmp"
	"context"
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

// proxy is what a mode does with configurations.
type proxy interface {
	controller.Proxy
	status.Proxy
	Run(ctx context.Context) error // until ctx is done
	Resumes() bool                 // it serves, or is about to serve, what an earlier nginx did
}

// facts are what an nginx that is to run tells of itself.
type facts struct {
	version   string // the output of nginx -V
	openFiles uint64 // the limit that its workers may get
}

// sidecarTime is how long nginx's container may take to come up.
const sidecarTime = time.Minute

// ask asks the nginx that is to run; it gives nil if there is none.
func ask(ctx context.Context, cfg *config.Config, mode config.Mode, log *slog.Logger) (*facts, error) {
	switch mode {
	case config.ModeSidecar:
		log.Info("waiting for nginx's container", "socket", sidecar.Socket(cfg.WorkDir))
		there, err := sidecar.NewClient(cfg.WorkDir, false, nil, log).Wait(ctx, cfg.SSLCertDir, sidecarTime)
		return &facts{there.Nginx, there.OpenFiles}, err
	case config.ModeNginx:
		version, err := nginx.Version(ctx, cfg.NginxBinary)
		return &facts{version, openFiles()}, err
	}
	return nil, nil
}

// openFiles gives the limit of this process: to raise a hard limit takes a
// capability that even root lacks in a container.
func openFiles() uint64 {
	limit := unix.Rlimit{Max: unix.RLIM_INFINITY}
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) // it never fails for oneself
	return limit.Max
}

func openProxy(cfg *config.Config, mode config.Mode, version render.Version, observe func(string, time.Duration), s streams, log *slog.Logger) (proxy, error) {
	switch mode {
	case config.ModeSidecar:
		return sidecar.NewClient(cfg.WorkDir, cfg.ServeStale, observe, log), nil
	case config.ModeNginx:
		if cfg.NginxVersion == version {
			version = render.Version{} // the operator says so, and nginx was not asked
		}
		return openServer(cfg, version, observe, log)
	}
	return printer{nginx.Printer{W: s.out}}, nil
}

// openServer prepares the nginx of this machine. version is the zero one if it is
// not known.
func openServer(cfg *config.Config, version render.Version, observe func(string, time.Duration), log *slog.Logger) (*nginx.Server, error) {
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

// stats gives what asks nginx for what it counts, nil if there is no nginx.
func stats(p proxy) func(context.Context) status.Stats {
	counter, ok := p.(interface {
		Stats(ctx context.Context) nginx.Stats
	})
	if !ok {
		return nil
	}
	return func(ctx context.Context) status.Stats { return status.Stats(counter.Stats(ctx)) }
}

// printer runs nothing, so there is nothing to wait for and nothing to die.
type printer struct{ nginx.Printer }

func (printer) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (printer) Alive() bool                   { return true }
func (printer) Stale() bool                   { return false }
func (printer) Resumes() bool                 { return false }

// within keeps the number of open files that is asked for within a limit.
func (f *facts) within(want int) int {
	if f == nil {
		return want
	}
	return int(min(uint64(want), cmp.Or(f.openFiles, unix.RLIM_INFINITY)))
}
