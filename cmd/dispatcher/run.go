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
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/events"
	"github.com/30x/dispatcher/pkg/source"
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
	there, err := ask(ctx, cfg, mode, log)
	if err != nil {
		return err
	}
	params, options, err := furnish(ctx, cfg, there, log)
	if err != nil {
		return err
	}
	objects, client, err := openSource(cfg, log)
	if err != nil {
		return err
	}
	var state *status.Status
	observe := func(step string, took time.Duration) { state.Step(step, took) }
	directory, err := openDirectory(ctx, cfg, params.Dynamic, log)
	if err != nil {
		return err
	}
	server, err := openProxy(cfg, mode, params.Nginx.Version, observe, s, log)
	if err != nil {
		return err
	}
	admin, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.AdminAddr)
	if err != nil {
		return fmt.Errorf("open the admin port: %w: choose another one with ADMIN_ADDR (--admin-addr)", err)
	}
	log.Info("dispatcher starts", "source", cfg.Source, "mode", mode, "nginx", params.Nginx.Version.String(), "endpoints", endpoints(params), "port", cfg.Port, "admin", admin.Addr().String())

	state = status.New(resumed{server, directory}, stats(server), directory.asked())
	group, ctx := errgroup.WithContext(ctx)
	changes := make(chan controller.Change)
	cache := cluster.NewCache(cfg.Selector, options.Interest())
	report := state.Set
	if client != nil && cfg.Events && mode != config.ModeMock {
		recorder := events.New(client.CoreV1(), cache.UID, log)
		group.Go(func() error { return recorder.Run(ctx) })
		report = func(r controller.Report) { state.Set(r); recorder.Set(r) }
	}
	c := &controller.Controller{
		Source:  objects,
		Cache:   cache,
		Options: options,
		Params:  params,
		Proxy:   server,
		Window:  cfg.EventWindow,
		Changes: changes,
		Report:  report,
		Log:     log,
	}
	if directory != nil {
		c.Directory = directory
		directory.begin(ctx, group, server.Resumes())
	}
	group.Go(func() error { return state.Serve(ctx, admin) })
	group.Go(func() error { return server.Run(ctx) })
	group.Go(func() error { return c.Run(ctx) })
	if cfg.TemplateDir != "" {
		group.Go(func() error { watchTemplates(ctx, cfg.TemplateDir, changes, log); return nil })
	}
	if params.Default != nil {
		group.Go(func() error { watchPair(ctx, cfg, params.Default, changes, log); return nil })
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

// openSource also gives the client of the cluster, nil if there is none.
func openSource(cfg *config.Config, log *slog.Logger) (controller.Source, kubernetes.Interface, error) {
	if cfg.Source != config.SourceKube {
		return source.NewFiles(cfg.Source, log), nil, nil
	}
	rest, how, err := source.Connect(source.KubeOptions{Kubeconfig: cfg.Kubeconfig, Host: cfg.KubeHost})
	if err != nil {
		return nil, nil, err
	}
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return nil, nil, fmt.Errorf("make a Kubernetes client: %w", err)
	}
	klog.SetSlogLogger(log) // client-go's own words
	log.Info("watching the cluster", "by", how)
	kube := source.NewKube(client, cfg.Selector, cfg.APIKeySecretName, log)
	kube.Claims = []string{cfg.PathsAnnotation}
	return kube, client, nil
}
