// Package config holds every setting once, in one table: flag, environment
// name, default, help and parser. The command line and the environment enter; a
// validated Config leaves, or one error that lists everything that is wrong.
// It looks only at the files and folders which settings name, and never logs,
// never changes anything and never reads the process's own environment.
package config

import (
	"log/slog"
	"net/netip"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/config/internal/compare"
	"github.com/30x/dispatcher/pkg/config/internal/dialect"
	"github.com/30x/dispatcher/pkg/config/internal/limits"
	"github.com/30x/dispatcher/pkg/config/internal/pace"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
)

// Config is every setting, parsed and checked. A setting that the command does
// not take has its default.
type Config struct {
	// Routing
	HostsAnnotation string
	PathsAnnotation string
	AuthAnnotation  string
	Selector        labels.Selector // of Namespaces and Pods; never empty
	OrgLabel        string
	EnvLabel        string
	AppNameLabel    string
	AppRevLabel     string
	EventWindow     time.Duration

	// Routing of other dialects, Ingresses, and their status
	dialect.Settings

	Tenants limits.Settings // what a Namespace may have, and take up

	// API keys
	APIKeySecretName  string
	APIKeySecretField string
	APIKeyHeader      string // letters, digits, '-' and '_'
	APIKeyRequired    bool   // no Namespace is served without a key
	apiKeyLocation    [2]string

	// nginx
	NginxBinary           string
	NginxVersion          render.Version // zero: ask the binary, or render.Stable
	NginxUser             string         // "": as compiled in
	Port                  int
	ListenAddresses       []netip.Addr // at least one, each once
	DefaultReturn         string       // a status code, or an http(s) URL that is safe in nginx.conf
	HealthChecks          bool
	MaxClientBodySize     string // nginx size; "0" is unlimited
	StatusPath            string
	WorkerProcesses       string // "auto" or a number
	WorkerOpenFiles       int
	WorkerShutdownTimeout time.Duration // this and the next two: whole seconds, at least one
	ProxyReadTimeout      time.Duration
	ProxyConnectTimeout   time.Duration
	TrustedProxies        []netip.Prefix // masked, each once
	ProxyProtocol         bool
	ClientKeepalive       bool
	AccessLog             bool
	TemplateDir           string // "": the built-in templates
	Endpoints             Endpoints
	Resolver              netip.AddrPort // of loopback; the next port is free, too

	// TLS
	SSLPort     int
	SSLCert     string // absolute; "" together with SSLKey if TLS is off
	SSLKey      string
	SSLCertDir  string // absolute; in its sub-folders are no SSLCert and SSLKey
	SSLRedirect bool
	BackendCA   string        // absolute; "": none; need not exist if it is DefaultBackendCA
	HSTS        time.Duration // whole seconds; 0: no Strict-Transport-Security

	// Cluster access
	Kubeconfig string // as given; KUBECONFIG may hold a list of files, as for kubectl
	KubeHost   string // URL with scheme and host, or ""
	Events     bool   // tell owners of problems by Kubernetes Events

	// Running
	Source        string // SourceKube, or the path of a file or folder
	Mode          Mode
	WorkDir       string // absolute
	AdminAddr     string // host:port; the host may be empty
	ShutdownGrace time.Duration
	ServeStale    bool // after a restart, the last good configuration until all objects are known
	pace.Reloads
	Purpose string // a hash of the settings that say what is served, and from where

	// Logging
	LogLevel  slog.Level
	LogFormat LogFormat

	// The director command only
	Director *Director // nil for all others
	Ignored  []string  // flags of kube-pod-director that were given, and have no meaning

	// The render command only
	Files  []string // manifests: files, folders or "-"; at least one
	Strict bool
	compare.Compare

	Explain Explain // the explain command only, which takes Files, too
}

// DefaultBackendCA is where Dispatcher's image, Alpine and Debian have the well-known
// authorities.
const DefaultBackendCA = "/etc/ssl/certs/ca-certificates.crt"

// SourceKube is the Source that watches a cluster.
const SourceKube = "kube"

// Mode says what becomes of a rendered configuration.
type Mode string

// Auto is Nginx inside a cluster and Mock outside.
const (
	ModeAuto  Mode = "auto"
	ModeNginx Mode = "nginx" // nginx serves it
	// An nginx in another container serves it, which the command nginx looks after.
	ModeSidecar Mode = "sidecar"
	ModeMock    Mode = "mock" // it is printed
)

// Endpoints says how nginx learns that endpoints have changed.
type Endpoints string

// Auto is Dynamic if the nginx that runs can do that, else Reload.
const (
	EndpointsAuto    Endpoints = "auto"
	EndpointsDynamic Endpoints = "dynamic" // it is told at once, without a reload
	EndpointsReload  Endpoints = "reload"  // they stand in nginx.conf
)

// LogFormat says how log lines are written.
type LogFormat string

// The formats of log/slog's two handlers.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// RouteOptions is what route.Build needs of the settings.
func (c *Config) RouteOptions() route.Options {
	return c.Director.Narrow(c.Tenants.Fill(c.Fill(route.Options{
		HostsAnnotation: c.HostsAnnotation,
		PathsAnnotation: c.PathsAnnotation,
		AuthAnnotation:  c.AuthAnnotation,
		OrgLabel:        c.OrgLabel,
		EnvLabel:        c.EnvLabel,
		AppNameLabel:    c.AppNameLabel,
		AppRevLabel:     c.AppRevLabel,
		SecretName:      c.APIKeySecretName,
		APIKeyField:     c.APIKeySecretField,
		APIKeyRequired:  c.APIKeyRequired,
		TLS:             c.SSLCert != "",
		SSLRedirect:     c.SSLRedirect,
		BackendTLS:      c.BackendCA != "",
		HealthChecks:    c.HealthChecks,
		Dynamic:         c.Endpoints == EndpointsDynamic,
		Implied:         c.Source != SourceKube || len(c.Files) > 0,
	})))
}

// Dynamic is how nginx learns endpoints, if it can do so without a reload.
func (c *Config) Dynamic() *render.Dynamic {
	return &render.Dynamic{
		Resolver: c.Resolver,
		Empty:    netip.AddrPortFrom(c.Resolver.Addr(), c.Resolver.Port()+1),
	}
}

// RenderParams is what render.Render needs of the settings. The caller adds the
// templates, what nginx can do, and the paths of the run-time files.
func (c *Config) RenderParams() render.Params {
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	var dynamic *render.Dynamic
	if c.Endpoints == EndpointsDynamic {
		dynamic = c.Dynamic()
	}
	return render.Params{
		Dynamic:             dynamic,
		Listen:              c.ListenAddresses,
		Port:                c.Port,
		StatusPath:          c.StatusPath,
		DefaultReturn:       c.DefaultReturn,
		ClientMaxBodySize:   c.MaxClientBodySize,
		WorkerProcesses:     c.WorkerProcesses,
		OpenFiles:           c.WorkerOpenFiles,
		WorkerShutdown:      seconds(c.WorkerShutdownTimeout),
		ProxyReadTimeout:    seconds(c.ProxyReadTimeout),
		ProxyConnectTimeout: seconds(c.ProxyConnectTimeout),
		TrustedProxies:      c.TrustedProxies,
		ProxyProtocol:       c.ProxyProtocol,
		CloseClients:        !c.ClientKeepalive,
		APIKeyHeader:        c.APIKeyHeader,
		AccessLog:           c.AccessLog,
		User:                c.NginxUser,
		SSLPort:             c.SSLPort,
		CertDir:             c.SSLCertDir,
		BackendCA:           c.BackendCA,
		HSTS:                seconds(c.HSTS),
	}
}
