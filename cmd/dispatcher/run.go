package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/30x/dispatcher/cmd/dispatcher/internal/directory"
	"github.com/30x/dispatcher/cmd/dispatcher/internal/outside"
	"github.com/30x/dispatcher/cmd/dispatcher/internal/proxy"
	"github.com/30x/dispatcher/cmd/dispatcher/internal/reread"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/status"
)

// run watches and serves until SIGTERM or SIGINT.
func run(cfg *config.Config, s streams) int { return untilAsked(cfg, s, serve) }

// untilAsked does work until SIGTERM or SIGINT, and gives the exit code.
func untilAsked(cfg *config.Config, s streams, work func(context.Context, *config.Config, streams, *slog.Logger) error) int {
	log := s.logger(cfg)
	// A reader of the log that goes away, or a terminal, must not leave nginx alone.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	err := work(ctx, cfg, s, log)
	if errors.Is(err, context.Canceled) {
		err = nil // asked to end before all had begun
	}
	if err != nil {
		log.Error("dispatcher ends", "reason", err)
		if errors.As(err, new(refusedError)) {
			return exitRefused
		}
		return exitFailed
	}
	log.Info("dispatcher has ended cleanly")
	return exitOK
}

func serve(ctx context.Context, cfg *config.Config, s streams, log *slog.Logger) error {
	mode := chooseMode(cfg.Mode)
	there, err := proxy.Ask(ctx, cfg, mode, log)
	if err != nil {
		return err
	}
	params, options, err := furnish(ctx, cfg, there, log)
	if err != nil {
		return err
	}
	objects, client, err := outside.Open(cfg, &options, log)
	if err != nil {
		return err
	}
	var state *status.Status
	observe := func(step string, took time.Duration) { state.Step(step, took) }
	told, err := directory.Open(ctx, cfg, params.Dynamic, log)
	if err != nil {
		return refusedError{err}
	}
	server, err := proxy.Open(cfg, mode, params.Nginx.Version, observe, s.out, log)
	if err != nil {
		return err
	}
	admin, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.AdminAddr)
	if err != nil {
		return fmt.Errorf("open the admin port: %w: choose another one with ADMIN_ADDR (--admin-addr)", err)
	}
	log.Info("dispatcher starts", "source", cfg.Source, "mode", mode, "nginx", params.Nginx.Version.String(), "endpoints", directory.Mode(params), "port", cfg.Port, "admin", admin.Addr().String())

	state = status.New(directory.Resumed{Proxy: server, Directory: told}, proxy.Stats(server), told.Asked())
	state.Explain(explainSettings(cfg, params, options))
	group, ctx := errgroup.WithContext(ctx)
	changes := make(chan controller.Change)
	cache := cluster.NewCache(cfg.Selector, options.Interest())
	reports := []func(controller.Report){state.Set}
	if client != nil && mode != config.ModeMock {
		more, err := outside.Tellers(ctx, group, client, cfg, cache.UID, log)
		if err != nil {
			return refusedError{err}
		}
		reports = append(reports, more...)
	}
	c := &controller.Controller{
		Source:  outside.AddNames(objects, cache, options, log),
		Cache:   cache,
		Options: options,
		Params:  params,
		Proxy:   server,
		Window:  cfg.EventWindow,
		Pace:    controller.Pace{Budget: cfg.ReloadBudget, MaxDraining: cfg.MaxDrainingWorkers},
		Changes: changes,
		Publish: cfg.PublishService,
		Report: func(r controller.Report) {
			for _, tell := range reports {
				tell(r)
			}
		},
		Log: log,
	}
	c.Draining = proxy.Draining(server)
	if told != nil {
		c.Directory = told
		told.Begin(ctx, group, server.Resumes())
	}
	group.Go(func() error { return state.Serve(ctx, admin) })
	group.Go(func() error { return server.Run(ctx) })
	group.Go(func() error { return c.Run(ctx) })
	if cfg.TemplateDir != "" {
		group.Go(func() error { reread.Templates(ctx, cfg.TemplateDir, changes, log); return nil })
	}
	if params.Default != nil {
		group.Go(func() error { reread.Pair(ctx, cfg, params.Default, changes, log); return nil })
	}
	return group.Wait()
}

// chooseMode resolves auto: inside a cluster nginx serves, outside the
// configuration is printed.
func chooseMode(mode config.Mode) config.Mode {
	if mode != config.ModeAuto {
		return mode
	}
	if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		return config.ModeNginx
	}
	return config.ModeMock
}
