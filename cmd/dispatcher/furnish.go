package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/30x/dispatcher/cmd/dispatcher/internal/proxy"
	"github.com/30x/dispatcher/cmd/dispatcher/internal/reread"
	"github.com/30x/dispatcher/nginx"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/templates"
)

// logger writes to stderr: stdout belongs to configurations and access logs.
func (s streams) logger(cfg *config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == config.LogJSON {
		return slog.New(slog.NewJSONHandler(s.err, options))
	}
	return slog.New(slog.NewTextHandler(s.err, options))
}

// furnish turns the settings into what the rooms of the corridor need. there is nil
// if no nginx will run.
func furnish(ctx context.Context, cfg *config.Config, there *proxy.Facts, log *slog.Logger) (render.Params, route.Options, error) {
	can, err := capabilities(ctx, cfg, there, log)
	if err != nil {
		return render.Params{}, route.Options{}, err
	}
	if len(cfg.TrustedProxies) > 0 && !can.Realip {
		return render.Params{}, route.Options{}, fmt.Errorf("TRUSTED_PROXIES needs nginx's http_realip_module, which %s lacks: use another nginx (NGINX_BINARY) or unset it", cfg.NginxBinary)
	}
	options := cfg.RouteOptions()
	options.Sticky = can.Sticky
	if options.HealthChecks && !can.UpstreamCheck {
		log.Warn("no health checks are rendered: NGINX_ENABLE_HEALTH_CHECKS needs nginx_upstream_check_module, which this nginx lacks; " +
			"use an nginx that has it (NGINX_BINARY) or unset the setting; Pods that are not Ready get no traffic in either case")
		options.HealthChecks = false
	}
	if cfg.SSLCert != "" && !can.TLS {
		return render.Params{}, route.Options{}, fmt.Errorf("SSL_CERT needs nginx's http_ssl_module and http_v2_module, which %s lacks: use another nginx (NGINX_BINARY) or unset it", cfg.NginxBinary)
	}
	parsed, err := loadTemplates(cfg.TemplateDir)
	if err != nil {
		return render.Params{}, route.Options{}, err
	}
	params := cfg.RenderParams()
	if err := chooseEndpoints(cfg, there, can, &params, &options); err != nil {
		return render.Params{}, route.Options{}, err
	}
	if err := chooseAuthorities(cfg, there, can, &params, &options); err != nil {
		return render.Params{}, route.Options{}, err
	}
	params.Templates, params.Nginx = parsed, can
	params.OpenFiles = there.Within(cfg.WorkerOpenFiles)
	if cfg.SSLCert != "" {
		if params.Default, err = reread.LoadPair(cfg); err != nil {
			return render.Params{}, route.Options{}, refusedError{err}
		}
	}
	params.PidFile, params.ControlSocket, params.TempDir = nginx.Paths(cfg.WorkDir)
	return params, options, nil
}

// chooseEndpoints decides how nginx learns of endpoints.
func chooseEndpoints(cfg *config.Config, there *proxy.Facts, can render.Capabilities, params *render.Params, options *route.Options) error {
	switch {
	case cfg.Endpoints == config.EndpointsAuto && there != nil && can.Version.Resolve() && !options.HealthChecks:
		params.Dynamic, options.Dynamic = cfg.Dynamic(), true
	case cfg.Endpoints != config.EndpointsDynamic:
	case there != nil && !can.Version.Resolve():
		return refusedError{fmt.Errorf("ENDPOINTS=dynamic needs nginx 1.27.3 or newer, and this is %s: use another nginx (NGINX_BINARY), or unset it", can.Version)}
	case options.HealthChecks:
		return refusedError{errors.New("ENDPOINTS=dynamic and NGINX_ENABLE_HEALTH_CHECKS exclude each other, since nginx_upstream_check_module checks only what stands in nginx.conf: unset one of them")}
	}
	return nil
}

// fewAuthorities is how many an old nginx may have to read for each path. It takes it a
// sixth of a millisecond and 8 kB to read one.
const fewAuthorities = 10

// chooseAuthorities decides whether those who serve a path can be verified. Where no
// nginx runs, the setting alone says so.
func chooseAuthorities(cfg *config.Config, there *proxy.Facts, can render.Capabilities, params *render.Params, options *route.Options) error {
	if there == nil || cfg.BackendCA == "" {
		return nil
	}
	text, err := os.ReadFile(cfg.BackendCA)
	switch n := bytes.Count(text, []byte("-----BEGIN CERTIFICATE-----")); {
	case err != nil:
	case !x509.NewCertPool().AppendCertsFromPEM(text):
		err = errors.New("it holds no certificate in PEM")
	case n > fewAuthorities && !can.Version.SharesAuthorities():
		err = fmt.Errorf("it holds %d certificates, which nginx %s reads for each path anew, and so has no time for more than %d", n, can.Version, fewAuthorities)
	}
	switch {
	case err != nil && cfg.BackendCA != config.DefaultBackendCA:
		return refusedError{fmt.Errorf("BACKEND_CA %s: %w: give a file with certificates of authorities, or unset it", cfg.BackendCA, err)}
	case err != nil || !can.TLS:
		params.BackendCA, options.BackendTLS = "", false
	}
	return nil
}

// refusedError is about a setting that can't be used.
type refusedError struct{ error }

func loadTemplates(dir string) (*render.Templates, error) {
	texts, err := templates.Load(dir)
	if err != nil {
		return nil, err
	}
	return render.ParseTemplates(texts)
}

// capabilities are those of the nginx that will run. Where none runs, what is
// rendered depends on the settings alone; only health checks need a look at the
// modules of the one that is found.
func capabilities(ctx context.Context, cfg *config.Config, there *proxy.Facts, log *slog.Logger) (render.Capabilities, error) {
	can := render.Stable()
	switch {
	case there != nil:
		var err error
		if can, err = render.ParseCapabilities(there.Version); err != nil {
			return can, err
		}
	case cfg.HealthChecks:
		found, err := installed(ctx, cfg.NginxBinary)
		if err != nil {
			log.Warn("nginx was not asked for its modules", "reason", err)
		}
		can.UpstreamCheck = found.UpstreamCheck
	}
	if cfg.NginxVersion != (render.Version{}) {
		can = can.As(cfg.NginxVersion)
	}
	return can, nil
}

// installed asks a nginx for what it can do.
func installed(ctx context.Context, binary string) (render.Capabilities, error) {
	output, err := nginx.Version(ctx, binary)
	if err != nil {
		return render.Capabilities{}, err
	}
	return render.ParseCapabilities(output)
}
