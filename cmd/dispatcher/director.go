package main

import (
	"context"
	"log/slog"

	"github.com/30x/dispatcher/pkg/config"
)

// direct serves all requests by one Pod of a Service, until SIGTERM or SIGINT. It takes
// the place of kube-pod-director, with that program's flags.
func direct(cfg *config.Config, s streams) int {
	return untilAsked(cfg, s, func(ctx context.Context, cfg *config.Config, s streams, log *slog.Logger) error {
		if len(cfg.Ignored) > 0 {
			log.Info("some flags have no effect", "flags", cfg.Ignored, "todo", "use --log-level and --log-format: the log always goes to stderr")
		}
		log.Info("all requests go to one Pod of a Service", "namespace", cfg.Director.Namespace, "service", cfg.Director.Service, "port", cfg.Director.TargetPort)
		return serve(ctx, cfg, s, log)
	})
}
