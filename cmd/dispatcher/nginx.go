package main

import (
	"context"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/30x/dispatcher/cmd/dispatcher/internal/proxy"
	"github.com/30x/dispatcher/nginx"
	"github.com/30x/dispatcher/nginx/sidecar"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/render"
)

// runNginx runs nginx for a controller in another container, until SIGTERM or
// SIGINT.
func runNginx(cfg *config.Config, s streams) int {
	return untilAsked(cfg, s, serveController)
}

func serveController(ctx context.Context, cfg *config.Config, _ streams, log *slog.Logger) error {
	output, err := nginx.Version(ctx, cfg.NginxBinary)
	if err != nil {
		return err
	}
	can, err := render.ParseCapabilities(output)
	if err != nil {
		return err
	}
	cfg.Purpose = "sidecar" // it knows no settings that have a say in what is served
	steps := new(sidecar.Steps)
	server, err := proxy.OpenServer(cfg, can.Version, steps.Observe, log)
	if err != nil {
		return err
	}
	listener, err := sidecar.Listen(ctx, cfg.WorkDir)
	if err != nil {
		return err
	}
	log.Info("dispatcher runs nginx for a controller", "nginx", can.Version.String(), "socket", sidecar.Socket(cfg.WorkDir), "user", os.Geteuid(), "group", os.Getegid())
	group, ctx := errgroup.WithContext(ctx)
	me := sidecar.Instance{Nginx: output, OpenFiles: proxy.OpenFiles(), WorkDir: cfg.WorkDir, CertDir: cfg.SSLCertDir}
	group.Go(func() error { return sidecar.Serve(ctx, listener, server, steps, me, log) })
	group.Go(func() error { return server.Run(ctx) })
	return group.Wait()
}
