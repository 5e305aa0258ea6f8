package config

import (
	"strings"
	"time"

	"github.com/30x/dispatcher/pkg/config/internal/parse"
)

// setting is one row of the table.
type setting struct {
	group group
	env   string             // environment name; the flag's is made from it
	arg   string             // what the value is, for the help; "" for a boolean
	def   string             // default, parsed like any other value
	help  string             // one or two sentences
	set   func(string) error // parses a value into the Config
}

// flag is the setting's flag without dashes: its environment name in
// lower-kebab.
func (s setting) flag() string {
	return strings.ToLower(strings.ReplaceAll(s.env, "_", "-"))
}

// group is a heading of the help.
type group string

const (
	groupRouting group = "Routing"
	groupKeys    group = "API keys"
	groupNginx   group = "nginx"
	groupTLS     group = "TLS"
	groupCluster group = "Cluster access"
	groupRunning group = "Running"
	groupLogging group = "Logging"
)

func groups() []group {
	return []group{groupRouting, groupKeys, groupNginx, groupTLS, groupCluster, groupRunning, groupLogging}
}

// settings is the table, in the order of the help. Parsed values go to c.
func settings(c *Config) []setting {
	return []setting{
		{groupRouting, "HOSTS_ANNOTATION", "NAME", "github.com/30x.dispatcher.hosts",
			"Annotation of Namespaces: JSON object of host names and their options.",
			into(&c.HostsAnnotation, parse.QualifiedName)},
		{groupRouting, "PATHS_ANNOTATION", "NAME", "github.com/30x.dispatcher.paths",
			"Annotation of Pods: JSON array of paths to serve.",
			into(&c.PathsAnnotation, parse.QualifiedName)},
		{groupRouting, "AUTH_ANNOTATION", "NAME", "github.com/30x.dispatcher.auth",
			"Annotation of Namespaces: 'required' answers 403 to all requests while the Namespace has no API key.",
			into(&c.AuthAnnotation, parse.QualifiedName)},
		{groupRouting, "ROUTABLE_LABEL_SELECTOR", "SELECTOR", "github.com/30x.dispatcher.routable=true",
			"Label selector of the Namespaces and Pods that are routed.",
			into(&c.Selector, parse.Selector)},
		{groupRouting, "ORG_LABEL", "NAME", "github.com/30x.dispatcher.org",
			"Label of Namespaces: the organization.",
			into(&c.OrgLabel, parse.QualifiedName)},
		{groupRouting, "ENV_LABEL", "NAME", "github.com/30x.dispatcher.env",
			"Label of Namespaces: the environment.",
			into(&c.EnvLabel, parse.QualifiedName)},
		{groupRouting, "APP_NAME_LABEL", "NAME", "github.com/30x.dispatcher.app.name",
			"Label of Pods: the application's name.",
			into(&c.AppNameLabel, parse.QualifiedName)},
		{groupRouting, "APP_REV_LABEL", "NAME", "github.com/30x.dispatcher.app.rev",
			"Label of Pods: the application's revision.",
			into(&c.AppRevLabel, parse.QualifiedName)},
		{groupRouting, "EVENT_WINDOW", "DURATION", "2s",
			"Changes within this time are applied together (10ms to 10m). After a quiet time a change is applied at once.",
			into(&c.EventWindow, parse.Duration(10*time.Millisecond, 10*time.Minute))},

		{groupKeys, "API_KEY_SECRET_NAME", "NAME", "routing",
			"The one Secret of each Namespace that is read; it may hold an API key and certificates.",
			into(&c.APIKeySecretName, parse.SecretName)},
		{groupKeys, "API_KEY_SECRET_FIELD", "NAME", "api-key",
			"Field of that Secret with the API key. While clients change keys, a second one may stand in the field of this name with -next appended.",
			into(&c.APIKeySecretField, parse.SecretField)},
		{groupKeys, "API_KEY_HEADER", "NAME", "X-ROUTING-API-KEY",
			"Request header that must carry the key, base64-encoded: letters, digits, '-' and '_'. It does not reach the Pods.",
			into(&c.APIKeyHeader, parse.HeaderName)},
		{groupKeys, "API_KEY_REQUIRED", "", "false",
			"Answer 403 to all requests of every Namespace that has no API key, as its annotation AUTH_ANNOTATION does for one.",
			into(&c.APIKeyRequired, parse.Boolean)},

		{groupNginx, "NGINX_BINARY", "PROGRAM", "nginx",
			"The nginx program: a name on PATH, or a path.",
			into(&c.NginxBinary, parse.Program)},
		{groupNginx, "NGINX_VERSION", "VERSION", "",
			"nginx version to write the configuration for. Empty: that of the nginx that runs; 1.30.0 where none does.",
			into(&c.NginxVersion, parse.Optional(parse.NginxVersion))},
		{groupNginx, "NGINX_USER", "USER", "",
			"User of nginx's workers when Dispatcher runs as root. Empty: nginx's own default.",
			into(&c.NginxUser, parse.Optional(parse.UserName))},
		{groupNginx, "PORT", "PORT", "80",
			"HTTP port that nginx listens on.",
			into(&c.Port, parse.Port)},
		{groupNginx, "LISTEN_ADDRESS", "IP[,IP...]", "0.0.0.0",
			"Addresses that nginx listens on.",
			into(&c.ListenAddresses, parse.ListOf(parse.Address))},
		{groupNginx, "DEFAULT_LOCATION_RETURN", "STATUS|URL", "404",
			"Answer of a known host where no path matches: a status code (100 to 999), or an http(s) URL to proxy to; its host name must resolve whenever nginx starts or reloads. A path in it goes before the request's.",
			into(&c.DefaultReturn, parse.StatusOrURL)},
		{groupNginx, "NGINX_ENABLE_HEALTH_CHECKS", "", "false",
			"Let nginx check Pods by their readiness or liveness probes. Needs an nginx with nginx_upstream_check_module.",
			into(&c.HealthChecks, parse.Boolean)},
		{groupNginx, "NGINX_MAX_CLIENT_BODY_SIZE", "SIZE", "0",
			"Largest request body, in bytes or with k, m or g. 0: no limit.",
			into(&c.MaxClientBodySize, parse.Size)},
		{groupNginx, "NGINX_STATUS_PATH", "PATH", "/dispatcher/status",
			"Path that answers 200 when asked with an unknown host.",
			into(&c.StatusPath, parse.StatusPath)},
		{groupNginx, "WORKER_PROCESSES", "NUMBER|auto", "auto",
			"Worker processes of nginx (1 to 512). auto: one a processor.",
			into(&c.WorkerProcesses, parse.WorkerProcesses)},
		{groupNginx, "WORKER_OPEN_FILES", "NUMBER", "16384",
			"Open files of a worker process (1024 to 1048576); a connection that is proxied takes two.",
			into(&c.WorkerOpenFiles, parse.Number("a number of files", 1024, 1048576))},
		{groupNginx, "WORKER_SHUTDOWN_TIMEOUT", "DURATION", "240s",
			"After a reload, old workers may finish their connections for this long; WebSockets end then.",
			into(&c.WorkerShutdownTimeout, parse.Seconds)},
		{groupNginx, "PROXY_READ_TIMEOUT", "DURATION", "1h",
			"How long a Pod may be silent while nginx waits for its answer, or on a WebSocket.",
			into(&c.ProxyReadTimeout, parse.Seconds)},
		{groupNginx, "PROXY_CONNECT_TIMEOUT", "DURATION", "5s",
			"How long nginx waits for a connection to a Pod.",
			into(&c.ProxyConnectTimeout, parse.Seconds)},
		{groupNginx, "TRUSTED_PROXIES", "CIDR[,CIDR...]", "",
			"Clients whose X-Forwarded-* headers are believed: networks or IPs. Empty: nobody's.",
			into(&c.TrustedProxies, parse.Optional(parse.ListOf(parse.Prefix)))},
		{groupNginx, "ACCESS_LOG", "", "true",
			"Write a line of JSON a request to stdout.",
			into(&c.AccessLog, parse.Boolean)},
		{groupNginx, "ENDPOINTS", "auto|dynamic|reload", "auto",
			"How nginx learns of endpoints. dynamic: by DNS from Dispatcher, at once and without a reload; needs nginx 1.27.3. reload: they stand in nginx.conf. auto: dynamic if the nginx that runs can do it; what is only printed holds endpoints.",
			into(&c.Endpoints, parse.OneOf(EndpointsAuto, EndpointsDynamic, EndpointsReload))},
		{groupNginx, "RESOLVER_ADDR", "IP:PORT", "127.0.0.1:9252",
			"Loopback address on which Dispatcher tells nginx the endpoints. On the next port, nginx itself answers 503 for routes without a Pod that is ready.",
			into(&c.Resolver, parse.Loopback)},
		{groupNginx, "TEMPLATE_DIR", "FOLDER", "",
			"Folder with templates that replace the built-in ones. Empty: none.",
			into(&c.TemplateDir, parse.Optional(parse.Folder))},

		{groupTLS, "SSL_PORT", "PORT", "443",
			"HTTPS port that nginx listens on for TLS hosts; not the same as PORT.",
			into(&c.SSLPort, parse.Port)},
		{groupTLS, "SSL_CERT", "FILE", "",
			"Certificate (PEM, with its chain) of the default HTTPS server, which answers where no TLS host matches. Turns TLS on; needs SSL_KEY. Read again when it changes.",
			into(&c.SSLCert, parse.Optional(parse.ReadableFile))},
		{groupTLS, "SSL_KEY", "FILE", "",
			"Private key (PEM, not encrypted) of SSL_CERT. Read again when it changes.",
			into(&c.SSLKey, parse.Optional(parse.ReadableFile))},
		{groupTLS, "SSL_CERT_DIR", "FOLDER", "",
			"Folder for the certificates and keys of hosts; an absolute path. Empty: ssl in WORK_DIR, so /etc/nginx/ssl unless that is changed.",
			into(&c.SSLCertDir, parse.Optional(parse.CertDir))},
		{groupTLS, "SSL_REDIRECT", "", "true",
			"Redirect plain HTTP requests of TLS hosts to HTTPS. A host's option ssl.redirect beats it. false: such requests are closed without an answer.",
			into(&c.SSLRedirect, parse.Boolean)},
		{groupTLS, "HSTS", "true|false|SECONDS|DURATION", "false",
			"Strict-Transport-Security of TLS hosts. true is 365 days; a number is seconds, a duration like 4320h works too; false, 0: off. includeSubDomains is never sent, because subdomains may be other tenants'.",
			into(&c.HSTS, parse.HSTS)},

		{groupCluster, "KUBECONFIG", "FILE", "",
			"kubectl configuration to find the cluster by. Empty: the service account inside a cluster, else kubectl's default file.",
			into(&c.Kubeconfig, parse.Optional(parse.Kubeconfig))},
		{groupCluster, "KUBE_HOST", "URL", "",
			"The Kubernetes API: a URL, or host:port for plain HTTP. Empty: found as KUBECONFIG says.",
			into(&c.KubeHost, parse.Optional(parse.APIServer))},
		{groupCluster, "EVENTS", "", "true",
			"Write a Kubernetes Event for each problem of an object, beside the log. Only while nginx serves what the cluster asks for.",
			into(&c.Events, parse.Boolean)},

		{groupRunning, "SOURCE", "kube|PATH", "kube",
			"Where objects come from: a cluster, or a file or folder of manifests, which is watched.",
			into(&c.Source, parse.Source(SourceKube))},
		{groupRunning, "MODE", "auto|nginx|sidecar|mock", "auto",
			"nginx: write the configuration and run nginx. sidecar: hand the configuration to 'dispatcher nginx', which runs in another container with the same WORK_DIR. mock: print each new configuration, nothing else. auto: nginx inside a cluster, else mock.",
			into(&c.Mode, parse.OneOf(ModeAuto, ModeNginx, ModeSidecar, ModeMock))},
		{groupRunning, "WORK_DIR", "FOLDER", "/etc/nginx",
			"Folder for nginx's configuration, sockets and temporary files.",
			into(&c.WorkDir, parse.WorkDir)},
		{groupRunning, "ADMIN_ADDR", "HOST:PORT", "127.0.0.1:9254",
			"Address of probes and metrics. Without host: all addresses. Port 0: any free one.",
			into(&c.AdminAddr, parse.HostPort)},
		{groupRunning, "SHUTDOWN_GRACE", "DURATION", "30s",
			"How long requests may take to finish at shutdown (0s to 24h).",
			into(&c.ShutdownGrace, parse.Duration(0, 24*time.Hour))},
		{groupRunning, "SERVE_STALE", "", "true",
			"After a restart, serve the last good configuration of WORK_DIR at once, until all objects are known again, if it was made with the same settings. false: start nginx only then.",
			into(&c.ServeStale, parse.Boolean)},

		{groupLogging, "LOG_LEVEL", "debug|info|warn|error", "info",
			"Least level that is logged.",
			into(&c.LogLevel, parse.LogLevel)},
		{groupLogging, "LOG_FORMAT", "text|json", "text",
			"Format of log lines, on stderr.",
			into(&c.LogFormat, parse.OneOf(LogText, LogJSON))},
	}
}

// into makes a row's set function: parse, then store.
func into[T any](field *T, parse func(string) (T, error)) func(string) error {
	return func(value string) error {
		v, err := parse(value)
		if err != nil {
			return err
		}
		*field = v
		return nil
	}
}
