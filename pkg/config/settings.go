package config

import (
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/config/internal/parse"
	"github.com/30x/dispatcher/pkg/config/internal/table"
)

const (
	groupDirector table.Group = "Director"
	groupRouting  table.Group = "Routing"
	groupIngress  table.Group = "Ingresses"
	groupLimits   table.Group = "Limits"
	groupKeys     table.Group = "API keys"
	groupNginx    table.Group = "nginx"
	groupTLS      table.Group = "TLS"
	groupCluster  table.Group = "Cluster access"
	groupRunning  table.Group = "Running"
	groupLogging  table.Group = "Logging"
)

func groups() []table.Group {
	return []table.Group{groupRouting, groupIngress, groupLimits, groupKeys, groupNginx, groupTLS, groupCluster, groupRunning, groupLogging, groupDirector}
}

// settings is the table, in the order of the help. Parsed values go to c.
func settings(c *Config) []table.Setting {
	return slices.Concat(c.routing(), c.Rows(groupRouting), c.IngressRows(groupIngress), c.Tenants.Rows(groupLimits), c.keys(), c.nginx(), c.tls(),
		c.access(), c.StatusRows(groupCluster), c.running(), c.PaceRows(groupRunning))
}

func (c *Config) routing() []table.Setting {
	return []table.Setting{
		table.Row(groupRouting, "HOSTS_ANNOTATION", "NAME", "github.com/30x.dispatcher.hosts",
			"Annotation of Namespaces: JSON object of host names and their options.",
			table.Into(&c.HostsAnnotation, parse.QualifiedName)),
		table.Row(groupRouting, "PATHS_ANNOTATION", "NAME", "github.com/30x.dispatcher.paths",
			"Annotation of Pods: JSON array of paths to serve.",
			table.Into(&c.PathsAnnotation, parse.QualifiedName)),
		table.Row(groupRouting, "AUTH_ANNOTATION", "NAME", "github.com/30x.dispatcher.auth",
			"Annotation of Namespaces: 'required' answers 403 to all requests while the Namespace has no API key.",
			table.Into(&c.AuthAnnotation, parse.QualifiedName)),
		table.Row(groupRouting, "ROUTABLE_LABEL_SELECTOR", "SELECTOR", "github.com/30x.dispatcher.routable=true",
			"Label selector of the Namespaces and Pods that are routed.",
			table.Into(&c.Selector, parse.Selector)),
		table.Row(groupRouting, "ORG_LABEL", "NAME", "github.com/30x.dispatcher.org",
			"Label of Namespaces: the organization.",
			table.Into(&c.OrgLabel, parse.QualifiedName)),
		table.Row(groupRouting, "ENV_LABEL", "NAME", "github.com/30x.dispatcher.env",
			"Label of Namespaces: the environment.",
			table.Into(&c.EnvLabel, parse.QualifiedName)),
		table.Row(groupRouting, "APP_NAME_LABEL", "NAME", "github.com/30x.dispatcher.app.name",
			"Label of Pods: the application's name.",
			table.Into(&c.AppNameLabel, parse.QualifiedName)),
		table.Row(groupRouting, "APP_REV_LABEL", "NAME", "github.com/30x.dispatcher.app.rev",
			"Label of Pods: the application's revision.",
			table.Into(&c.AppRevLabel, parse.QualifiedName)),
		table.Row(groupRouting, "EVENT_WINDOW", "DURATION", "2s",
			"Changes within this time are applied together (10ms to 10m). After a quiet time a change is applied at once.",
			table.Into(&c.EventWindow, parse.Duration(10*time.Millisecond, 10*time.Minute))),
	}
}

func (c *Config) keys() []table.Setting {
	return []table.Setting{
		table.Row(groupKeys, "API_KEY_SECRET_NAME", "NAME", "routing",
			"The one Secret of each Namespace that is read; it may hold an API key and certificates.",
			table.Into(&c.APIKeySecretName, parse.SecretName)),
		table.Row(groupKeys, "API_KEY_SECRET_FIELD", "NAME", "api-key",
			"Field of that Secret with the API key. While clients change keys, a second one may stand in the field of this name with -next appended.",
			table.Into(&c.APIKeySecretField, parse.SecretField)),
		table.Row(groupKeys, "API_KEY_SECRET_LOCATION", "NAME:FIELD", "",
			"API_KEY_SECRET_NAME and API_KEY_SECRET_FIELD in one, as for k8s-router.",
			table.Into(&c.apiKeyLocation, parse.Optional(parse.Location))),
		table.Row(groupKeys, "API_KEY_HEADER", "NAME", "X-ROUTING-API-KEY",
			"Request header that must carry the key, base64-encoded: letters, digits, '-' and '_'. It does not reach the Pods.",
			table.Into(&c.APIKeyHeader, parse.HeaderName)),
		table.Row(groupKeys, "API_KEY_REQUIRED", "", "false",
			"Answer 403 to all requests of every Namespace that has no API key, as its annotation AUTH_ANNOTATION does for one.",
			table.Into(&c.APIKeyRequired, parse.Boolean)),
	}
}

func (c *Config) nginx() []table.Setting {
	return []table.Setting{
		table.Row(groupNginx, "NGINX_BINARY", "PROGRAM", "nginx",
			"The nginx program: a name on PATH, or a path.",
			table.Into(&c.NginxBinary, parse.Program)),
		table.Row(groupNginx, "NGINX_VERSION", "VERSION", "",
			"nginx version to write the configuration for. Empty: that of the nginx that runs; 1.30.0 where none does.",
			table.Into(&c.NginxVersion, parse.Optional(parse.NginxVersion))),
		table.Row(groupNginx, "NGINX_USER", "USER", "",
			"User of nginx's workers when Dispatcher runs as root. Empty: nginx's own default.",
			table.Into(&c.NginxUser, parse.Optional(parse.UserName))),
		table.Row(groupNginx, "PORT", "PORT", "80",
			"HTTP port that nginx listens on.",
			table.Into(&c.Port, parse.Port)),
		table.Row(groupNginx, "LISTEN_ADDRESS", "IP[,IP...]", "0.0.0.0",
			"Addresses that nginx listens on.",
			table.Into(&c.ListenAddresses, parse.ListOf(parse.Address))),
		table.Row(groupNginx, "DEFAULT_LOCATION_RETURN", "STATUS|URL", "404",
			"Answer of a known host where no path matches: a status code (100 to 999), or an http(s) URL to proxy to; its host name must resolve whenever nginx starts or reloads. A path in it goes before the request's.",
			table.Into(&c.DefaultReturn, parse.StatusOrURL)),
		table.Row(groupNginx, "NGINX_ENABLE_HEALTH_CHECKS", "", "false",
			"Let nginx check Pods by their readiness or liveness probes. Needs an nginx with nginx_upstream_check_module.",
			table.Into(&c.HealthChecks, parse.Boolean)),
		table.Row(groupNginx, "NGINX_MAX_CLIENT_BODY_SIZE", "SIZE", "0",
			"Largest request body, in bytes or with k, m or g. 0: no limit.",
			table.Into(&c.MaxClientBodySize, parse.Size)),
		table.Row(groupNginx, "NGINX_STATUS_PATH", "PATH", "/dispatcher/status",
			"Path that answers 200 when asked with an unknown host.",
			table.Into(&c.StatusPath, parse.StatusPath)),
		table.Row(groupNginx, "WORKER_PROCESSES", "NUMBER|auto", "auto",
			"Worker processes of nginx (1 to 512). auto: one a processor.",
			table.Into(&c.WorkerProcesses, parse.WorkerProcesses)),
		table.Row(groupNginx, "WORKER_OPEN_FILES", "NUMBER", "16384",
			"Open files of a worker process (1024 to 1048576); a connection that is proxied takes two.",
			table.Into(&c.WorkerOpenFiles, parse.Number("a number of files", 1024, 1048576))),
		table.Row(groupNginx, "WORKER_SHUTDOWN_TIMEOUT", "DURATION", "240s",
			"After a reload, old workers may finish their connections for this long; WebSockets end then.",
			table.Into(&c.WorkerShutdownTimeout, parse.Seconds)),
		table.Row(groupNginx, "PROXY_READ_TIMEOUT", "DURATION", "1h",
			"How long a Pod may be silent while nginx waits for its answer, or on a WebSocket.",
			table.Into(&c.ProxyReadTimeout, parse.Seconds)),
		table.Row(groupNginx, "PROXY_CONNECT_TIMEOUT", "DURATION", "5s",
			"How long nginx waits for a connection to a Pod.",
			table.Into(&c.ProxyConnectTimeout, parse.Seconds)),
		table.Row(groupNginx, "TRUSTED_PROXIES", "CIDR[,CIDR...]", "",
			"Clients whose X-Forwarded-* headers are believed: networks or IPs. Empty: nobody's.",
			table.Into(&c.TrustedProxies, parse.Optional(parse.ListOf(parse.Prefix)))),
		table.Row(groupNginx, "PROXY_PROTOCOL", "", "false",
			"Every connection to nginx begins with the PROXY protocol, which tells the client's address; it is believed if the connection comes from TRUSTED_PROXIES.",
			table.Into(&c.ProxyProtocol, parse.Boolean)),
		table.Row(groupNginx, "CLIENT_KEEPALIVE", "", "true",
			"Keep clients' HTTP/1 connections open for their next request. false: where a proxy in front sends requests of several clients on one, no Pod can answer for another tenant's (docs/requests.md).",
			table.Into(&c.ClientKeepalive, parse.Boolean)),
		table.Row(groupNginx, "ACCESS_LOG", "", "true",
			"Write a line of JSON a request to stdout.",
			table.Into(&c.AccessLog, parse.Boolean)),
		table.Row(groupNginx, "ENDPOINTS", "auto|dynamic|reload", "auto",
			"How nginx learns of endpoints. dynamic: by DNS from Dispatcher, at once and without a reload; needs nginx 1.27.3. reload: they stand in nginx.conf. auto: dynamic if the nginx that runs can do it; what is only printed holds endpoints.",
			table.Into(&c.Endpoints, parse.OneOf(EndpointsAuto, EndpointsDynamic, EndpointsReload))),
		table.Row(groupNginx, "RESOLVER_ADDR", "IP:PORT", "127.0.0.1:9252",
			"Loopback address on which Dispatcher tells nginx the endpoints. On the next port, nginx itself answers 503 for routes without a Pod that is ready.",
			table.Into(&c.Resolver, parse.Loopback)),
		table.Row(groupNginx, "TEMPLATE_DIR", "FOLDER", "",
			"Folder with templates that replace the built-in ones. Empty: none.",
			table.Into(&c.TemplateDir, parse.Optional(parse.Folder))),
	}
}

func (c *Config) tls() []table.Setting {
	return []table.Setting{
		table.Row(groupTLS, "SSL_PORT", "PORT", "443",
			"HTTPS port that nginx listens on for TLS hosts; not the same as PORT.",
			table.Into(&c.SSLPort, parse.Port)),
		table.Row(groupTLS, "SSL_CERT", "FILE", "",
			"Certificate (PEM, with its chain) of the default HTTPS server, which answers where no TLS host matches. Turns TLS on; needs SSL_KEY. Read again when it changes.",
			table.Into(&c.SSLCert, parse.Optional(parse.ReadableFile))),
		table.Row(groupTLS, "SSL_KEY", "FILE", "",
			"Private key (PEM, not encrypted) of SSL_CERT. Read again when it changes.",
			table.Into(&c.SSLKey, parse.Optional(parse.ReadableFile))),
		table.Row(groupTLS, "SSL_CERT_DIR", "FOLDER", "",
			"Folder for the certificates and keys of hosts; an absolute path. Empty: ssl in WORK_DIR, so /etc/nginx/ssl unless that is changed.",
			table.Into(&c.SSLCertDir, parse.Optional(parse.CertDir))),
		table.Row(groupTLS, "SSL_REDIRECT", "", "true",
			"Redirect plain HTTP requests of TLS hosts to HTTPS. A host's option ssl.redirect beats it. false: such requests are closed without an answer.",
			table.Into(&c.SSLRedirect, parse.Boolean)),
		table.Row(groupTLS, "HSTS", "true|false|SECONDS|DURATION", "false",
			"Strict-Transport-Security of TLS hosts. true is 365 days; a number is seconds, a duration like 4320h works too; false, 0: off. includeSubDomains is never sent, because subdomains may be other tenants'.",
			table.Into(&c.HSTS, parse.HSTS)),
		table.Row(groupTLS, "BACKEND_CA", "FILE|none", DefaultBackendCA,
			"Certificates (PEM) of the authorities by which Pods and other endpoints are verified, of paths that ask for https. The default need not be there; without a file, such paths answer 503. It must be where nginx runs; nginx before 1.23.1 takes up to 10.",
			table.Into(&c.BackendCA, parse.Except(parse.ReadableFile, DefaultBackendCA))),
	}
}

func (c *Config) access() []table.Setting {
	return []table.Setting{
		table.Row(groupCluster, "KUBECONFIG", "FILE", "",
			"kubectl configuration to find the cluster by. Empty: the service account inside a cluster, else kubectl's default file.",
			table.Into(&c.Kubeconfig, parse.Optional(parse.Kubeconfig))),
		table.Row(groupCluster, "KUBE_HOST", "URL", "",
			"The Kubernetes API: a URL, or host:port for plain HTTP. Empty: found as KUBECONFIG says.",
			table.Into(&c.KubeHost, parse.Optional(parse.APIServer))),
		table.Row(groupCluster, "EVENTS", "", "true",
			"Write a Kubernetes Event for each problem of an object, beside the log. Only while nginx serves what the cluster asks for.",
			table.Into(&c.Events, parse.Boolean)),
	}
}

func (c *Config) running() []table.Setting {
	return []table.Setting{
		table.Row(groupRunning, "SOURCE", "kube|PATH", "kube",
			"Where objects come from: a cluster, or a file or folder of manifests, which is watched.",
			table.Into(&c.Source, parse.Source(SourceKube))),
		table.Row(groupRunning, "MODE", "auto|nginx|sidecar|mock", "auto",
			"nginx: write the configuration and run nginx. sidecar: hand the configuration to 'dispatcher nginx', which runs in another container with the same WORK_DIR. mock: print each new configuration, nothing else. auto: nginx inside a cluster, else mock.",
			table.Into(&c.Mode, parse.OneOf(ModeAuto, ModeNginx, ModeSidecar, ModeMock))),
		table.Row(groupRunning, "WORK_DIR", "FOLDER", "/etc/nginx",
			"Folder for nginx's configuration, sockets and temporary files.",
			table.Into(&c.WorkDir, parse.WorkDir)),
		table.Row(groupRunning, "ADMIN_ADDR", "HOST:PORT", "127.0.0.1:9254",
			"Address of probes and metrics. Without host: all addresses. Port 0: any free one.",
			table.Into(&c.AdminAddr, parse.HostPort)),
		table.Row(groupRunning, "SHUTDOWN_GRACE", "DURATION", "30s",
			"How long requests may take to finish at shutdown (0s to 24h).",
			table.Into(&c.ShutdownGrace, parse.Duration(0, 24*time.Hour))),
		table.Row(groupRunning, "SERVE_STALE", "", "true",
			"After a restart, serve the last good configuration of WORK_DIR at once, until all objects are known again, if it was made with the same settings. false: start nginx only then.",
			table.Into(&c.ServeStale, parse.Boolean)),

		table.Row(groupLogging, "LOG_LEVEL", "debug|info|warn|error", "info",
			"Least level that is logged.",
			table.Into(&c.LogLevel, parse.LogLevel)),
		table.Row(groupLogging, "LOG_FORMAT", "text|json", "text",
			"Format of log lines, on stderr.",
			table.Into(&c.LogFormat, parse.OneOf(LogText, LogJSON))),
	}
}
