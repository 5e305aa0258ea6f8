package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// settingCase is what every setting is tested with.
type settingCase struct {
	env        string
	def        string // the field by default, as fmt prints it
	good, want string // a valid value, and the field then
	bad, says  string // an invalid value, and what the message says of it
	get        func(*Config) any
	with       []string // environment that good needs too
}

// settingCases is one case a row of the table. The defaults are written out
// again on purpose: they are a contract (DF24).
func settingCases(dir string) []settingCase {
	const (
		name     = "is not an annotation or label name: give NAME or PREFIX/NAME;"
		portSays = "is not a port: give a number from 1 to 65535"
		secsSays = "is not a duration of whole seconds: give 1s or more, like 90s, 5m or 1h30m"
		boolSays = "is not a boolean: give true or false"
	)
	file, missing := filepath.Join(dir, "file"), filepath.Join(dir, "missing")
	return []settingCase{
		{"HOSTS_ANNOTATION", "github.com/30x.dispatcher.hosts", "Hosts.public", "Hosts.public", "GitHub.com/hosts", name, func(c *Config) any { return c.HostsAnnotation }, nil},
		{"PATHS_ANNOTATION", "github.com/30x.dispatcher.paths", "e.com/p", "e.com/p", "e.com/", name, func(c *Config) any { return c.PathsAnnotation }, nil},
		{"AUTH_ANNOTATION", "github.com/30x.dispatcher.auth", "e.com/a", "e.com/a", "a/b/c", name, func(c *Config) any { return c.AuthAnnotation }, nil},
		{"ROUTABLE_LABEL_SELECTOR", "github.com/30x.dispatcher.routable=true", "b=2, a in (x,y)", "a in (x,y),b=2", "a==b==c", "is not a label selector: give at least one requirement,", func(c *Config) any { return c.Selector }, nil},
		{"ORG_LABEL", "github.com/30x.dispatcher.org", "org", "org", "org name", name, func(c *Config) any { return c.OrgLabel }, nil},
		{"ENV_LABEL", "github.com/30x.dispatcher.env", "env", "env", "-env", name, func(c *Config) any { return c.EnvLabel }, nil},
		{"APP_NAME_LABEL", "github.com/30x.dispatcher.app.name", "app", "app", "app$", name, func(c *Config) any { return c.AppNameLabel }, nil},
		{"APP_REV_LABEL", "github.com/30x.dispatcher.app.rev", "rev", "rev", strings.Repeat("r", 64), name, func(c *Config) any { return c.AppRevLabel }, nil},
		{"EVENT_WINDOW", "2s", "10ms", "10ms", "11m", "is not a duration from 10ms to 10m: give a number with its unit,", func(c *Config) any { return c.EventWindow }, nil},
		{"DIALECTS", "[dispatcher]", "microservice", "[microservice]", "router", "is unknown: give dispatcher or microservice", func(c *Config) any { return c.Dialects }, nil},
		{"POD_HOSTS", "auto", "open", "open", "any", "is unknown: give auto, granted or open", func(c *Config) any { return c.PodHosts }, nil},
		{"MICROSERVICE_SELECTOR", "microservice=true || routable=true", "routable=true", "routable=true", "a b", "is not a label selector: give at least one requirement,", func(c *Config) any { return c.MicroserviceSelector }, nil},
		{"MICROSERVICE_HOSTS_ANNOTATIONS", "[trafficHosts routingHosts]", "e.com/h, h", "[e.com/h h]", "h,/", `has the element "/", which is not an annotation`, func(c *Config) any { return c.MicroserviceHostsAnnotations }, nil},
		{"MICROSERVICE_PATHS_ANNOTATIONS", "[publicPaths routingPaths]", "p", "[p]", "p q", name, func(c *Config) any { return c.MicroservicePathsAnnotations }, nil},
		{"MICROSERVICE_ANY_PORT", "false", "true", "true", "80", boolSays, func(c *Config) any { return c.MicroserviceAnyPort }, nil},
		{"OVERRIDES", "[*]", "overwriting,moved", "[overwriting moved]", "a/b", "is not the name of a ConfigMap: give names", func(c *Config) any { return c.Overrides }, nil},

		{"INGRESS_CLASS", "dispatcher", "none", "", "A", "is not the name of an IngressClass:", func(c *Config) any { return c.IngressClass }, nil},
		{"INGRESS_CONTROLLER", "github.com/30x/dispatcher", "e.com/x", "e.com/x", "e.com", "is not the name of a controller: give DOMAIN/PATH,", func(c *Config) any { return c.IngressController }, nil},
		{"OPTIONS_PREFIX", "github.com/30x.dispatcher.", "e.com/", "e.com/", "E.com/", "can't stand before an option's name,", func(c *Config) any { return c.OptionsPrefix }, nil},
		{"INGRESS_TLS", "false", "true", "true", "on", boolSays, func(c *Config) any { return c.IngressTLS }, []string{"SSL_CERT=" + file, "SSL_KEY=" + file}},
		{"ENDPOINT_ALLOW", "[]", "192.0.2.7,10.1.0.0/8", "[192.0.2.7/32 10.0.0.0/8]", "e.com", "is not a network:", func(c *Config) any { return c.EndpointAllow }, nil},
		{"ENDPOINT_DENY", "[]", "fd00::/8", "[fd00::/8]", "10", "is not a network:", func(c *Config) any { return c.EndpointDeny }, nil},
		{"ALLOW_EXTERNAL_NAMES", "[]", "API.example.com, *.example.net", "[api.example.com *.example.net]", "*.com", "is not a name outside the cluster:", func(c *Config) any { return c.ExternalNames }, nil},
		{"DEFAULT_NAMESPACE", "", "edge", "edge", "Edge", "is not the name of a namespace:", func(c *Config) any { return c.DefaultNamespace }, nil},

		{"HOST_POLICY", "shared", "exclusive", "exclusive", "own", "is unknown: give shared or exclusive", func(c *Config) any { return c.Tenants.HostPolicy }, nil},
		{"ALLOWED_HOSTS", "/", "edge/hosts.v1", "ConfigMap/edge/hosts.v1", "hosts", "is not a ConfigMap: give NAMESPACE/NAME", func(c *Config) any { return c.Tenants.AllowedHosts }, nil},
		{"MAX_HOSTS_PER_NAMESPACE", "100", "10000", "10000", "10001", "is not a number of hosts: give a number from 1 to 10000", func(c *Config) any { return c.Tenants.Limits.Hosts }, nil},
		{"MAX_PATHS_PER_POD", "64", "1000", "1000", "1001", "is not a number of entries: give a number from 1 to 1000", func(c *Config) any { return c.Tenants.Limits.Paths }, nil},
		{"MAX_LOCATIONS_PER_NAMESPACE", "2000", "100000", "100000", "100001", "is not a number of paths: give a number from 1 to 100000", func(c *Config) any { return c.Tenants.Limits.Locations }, nil},
		{"MAX_LOCATIONS", "50000", "1000000", "1000000", "1000001", "is not a number of paths: give a number from 1 to 1000000", func(c *Config) any { return c.Tenants.Limits.AllLocations }, nil},
		{"MAX_PATH_BYTES", "1024", "2048", "2048", "2049", "is not a number of bytes: give a number from 1 to 2048", func(c *Config) any { return c.Tenants.Limits.PathBytes }, nil},
		{"MAX_JSON_DEPTH", "8", "64", "64", "65", "is not a number of levels: give a number from 6 to 64", func(c *Config) any { return c.Tenants.Limits.Depth }, nil},
		{"MAX_KEY_BYTES", "2048", "2048", "2048", "2049", "is not a number of bytes: give a number from 1 to 2048", func(c *Config) any { return c.Tenants.Limits.KeyBytes }, nil},
		{"MAX_CERTIFICATE_BYTES", "65536", "65536", "65536", "65537", "is not a number of bytes: give a number from 4096 to 65536", func(c *Config) any { return c.Tenants.Limits.CertBytes }, nil},
		{"MAX_WEIGHT", "1000", "65535", "65535", "65536", "is not a weight: give a number from 1 to 65535", func(c *Config) any { return c.Tenants.Limits.Weight }, nil},
		{"MAX_PODS_PER_ROUTE", "1000", "10000", "10000", "10001", "is not a number of Pods: give a number from 1 to 10000", func(c *Config) any { return c.Tenants.Limits.Pods }, nil},
		{"MAX_ENDPOINTS_PER_NAMESPACE", "20000", "1", "1", "0", "is not a number of endpoints: give a number from 1 to 1000000", func(c *Config) any { return c.Tenants.Limits.Endpoints }, nil},
		{"MAX_ENDPOINTS", "200000", "10000000", "10000000", "x", "is not a number of endpoints: give a number from 1 to 10000000", func(c *Config) any { return c.Tenants.Limits.AllEndpoints }, nil},
		{"MAX_OVERRIDES", "10000", "40000", "40000", "40001", "is not a number of overrides: give a number from 1 to 40000", func(c *Config) any { return c.Tenants.Limits.Overrides }, nil},

		{"API_KEY_SECRET_NAME", "routing", "keys.v2", "keys.v2", "Keys", "is not the name of a Secret:", func(c *Config) any { return c.APIKeySecretName }, nil},
		{"API_KEY_SECRET_FIELD", "api-key", "Public_Key", "Public_Key", "a/b", "is not a field of a Secret:", func(c *Config) any { return c.APIKeySecretField }, nil},
		{"API_KEY_SECRET_LOCATION", "routing api-key", "keys:public", "keys public", "keys", "is not a field of a Secret: give NAME:FIELD, like routing:api-key", func(c *Config) any { return c.APIKeySecretName + " " + c.APIKeySecretField }, nil},
		{"API_KEY_HEADER", "X-ROUTING-API-KEY", "x_key", "x_key", "X Key", "is not a header name:", func(c *Config) any { return c.APIKeyHeader }, nil},
		{"API_KEY_REQUIRED", "false", "true", "true", "perhaps", boolSays, func(c *Config) any { return c.APIKeyRequired }, nil},

		{"NGINX_BINARY", "nginx", "/opt/nginx", "/opt/nginx", "a\nb", "is not a program: give a name on PATH, or a path", func(c *Config) any { return c.NginxBinary }, nil},
		{"NGINX_VERSION", "0.0.0", "1.22", "1.22.0", "1.21.6", "is too old: give nginx 1.22.0 or newer", func(c *Config) any { return c.NginxVersion }, nil},
		{"NGINX_USER", "", "www-data", "www-data", "a b", "is not a user name:", func(c *Config) any { return c.NginxUser }, nil},
		{"PORT", "80", "8080", "8080", "80x", portSays, func(c *Config) any { return c.Port }, nil},
		{"LISTEN_ADDRESS", "[0.0.0.0]", "::1, 127.0.0.1,::1", "[::1 127.0.0.1]", "127.0.0.1,localhost", `has the element "localhost", which is not an IP:`, func(c *Config) any { return c.ListenAddresses }, nil},
		{"DEFAULT_LOCATION_RETURN", "404", "https://e.com:8443/a", "https://e.com:8443/a/", "1000", "is neither a status nor a URL:", func(c *Config) any { return c.DefaultReturn }, nil},
		{"NGINX_ENABLE_HEALTH_CHECKS", "false", "true", "true", "yes", boolSays, func(c *Config) any { return c.HealthChecks }, nil},
		{"NGINX_MAX_CLIENT_BODY_SIZE", "0", "10m", "10m", "10 MB", "is not a size:", func(c *Config) any { return c.MaxClientBodySize }, nil},
		{"NGINX_STATUS_PATH", "/dispatcher/status", "/ok", "/ok", "/", "is not a path to answer on:", func(c *Config) any { return c.StatusPath }, nil},
		{"WORKER_PROCESSES", "auto", "4", "4", "0", "is not a number of processes: give auto, or a number from 1 to 512", func(c *Config) any { return c.WorkerProcesses }, nil},
		{"WORKER_OPEN_FILES", "16384", "1024", "1024", "1023", "is not a number of files: give a number from 1024 to 1048576", func(c *Config) any { return c.WorkerOpenFiles }, nil},
		{"WORKER_SHUTDOWN_TIMEOUT", "4m0s", "90s", "1m30s", "0s", secsSays, func(c *Config) any { return c.WorkerShutdownTimeout }, nil},
		{"PROXY_READ_TIMEOUT", "1h0m0s", "1m", "1m0s", "1500ms", secsSays, func(c *Config) any { return c.ProxyReadTimeout }, nil},
		{"PROXY_CONNECT_TIMEOUT", "5s", "1s", "1s", "5", secsSays, func(c *Config) any { return c.ProxyConnectTimeout }, nil},
		{"TRUSTED_PROXIES", "[]", "10.1.2.3/8,192.0.2.7", "[10.0.0.0/8 192.0.2.7/32]", "10.0.0.0/33", "is not a network:", func(c *Config) any { return c.TrustedProxies }, nil},
		{"PROXY_PROTOCOL", "false", "true", "true", "2", boolSays, func(c *Config) any { return c.ProxyProtocol }, []string{"TRUSTED_PROXIES=10.0.0.0/8"}},
		{"CLIENT_KEEPALIVE", "true", "false", "false", "2", boolSays, func(c *Config) any { return c.ClientKeepalive }, nil},
		{"ACCESS_LOG", "true", "false", "false", "off", boolSays, func(c *Config) any { return c.AccessLog }, nil},
		{"ENDPOINTS", "auto", "reload", "reload", "dns", "is unknown: give auto, dynamic or reload", func(c *Config) any { return c.Endpoints }, nil},
		{"RESOLVER_ADDR", "127.0.0.1:9252", "[::1]:53", "[::1]:53", "0.0.0.0:53", "is not an address of loopback:", func(c *Config) any { return c.Resolver }, nil},
		{"TEMPLATE_DIR", "", dir, dir, file, "can't be used (it is not a folder): give a folder that exists", func(c *Config) any { return c.TemplateDir }, nil},

		{"SSL_PORT", "443", "8443", "8443", "+443", portSays, func(c *Config) any { return c.SSLPort }, nil},
		{"SSL_CERT", "", file, file, missing, "can't be read (no such file or directory):", func(c *Config) any { return c.SSLCert }, []string{"SSL_KEY=" + file}},
		{"SSL_KEY", "", file, file, missing, "can't be read (no such file or directory):", func(c *Config) any { return c.SSLKey }, []string{"SSL_CERT=" + file}},
		{"SSL_CERT_DIR", "/etc/nginx/ssl", "/srv/ssl/", "/srv/ssl", "ssl", "is not an absolute path:", func(c *Config) any { return c.SSLCertDir }, nil},
		{"SSL_REDIRECT", "true", "false", "false", "never", boolSays, func(c *Config) any { return c.SSLRedirect }, nil},
		{"HSTS", "0s", "true", "8760h0m0s", "1d", "is not a time: give true (365 days), false, a number of seconds up to 2147483647, or", func(c *Config) any { return c.HSTS }, nil},
		{"BACKEND_CA", DefaultBackendCA, file, file, missing, "can't be read (no such file or directory):", func(c *Config) any { return c.BackendCA }, nil},

		{"KUBECONFIG", "", "a:b", "a:b", "a\x00", "is not a file:", func(c *Config) any { return c.Kubeconfig }, nil},
		{"KUBE_HOST", "", "e.com:6443", "http://e.com:6443", "e.com", "is not the address of an API server:", func(c *Config) any { return c.KubeHost }, nil},
		{"EVENTS", "true", "false", "false", "yes", "is not a boolean: give true or false", func(c *Config) any { return c.Events }, nil},
		{"STATUS", "true", "false", "false", "ok", boolSays, func(c *Config) any { return c.Status }, nil},
		{"PUBLISH_ADDRESS", "[]", "192.0.2.7,entry.example.com", "[192.0.2.7 entry.example.com]", "http://e.com", "is neither an IP nor a host name:", func(c *Config) any { return c.PublishAddresses }, nil},
		{"PUBLISH_SERVICE", "", "edge/entry", "edge/entry", "entry", "is not a Service: give NAMESPACE/NAME", func(c *Config) any { return c.PublishService }, nil},

		{"SOURCE", "kube", dir, dir, missing, "can't be read (no such file or directory): give kube, or the path", func(c *Config) any { return c.Source }, nil},
		{"MODE", "auto", "mock", "mock", "Mock", "is unknown: give auto, nginx, sidecar or mock", func(c *Config) any { return c.Mode }, nil},
		{"WORK_DIR", "/etc/nginx", "/srv/../d", "/d", "/d;", "has characters that nginx.conf can't hold:", func(c *Config) any { return c.WorkDir }, nil},
		{"ADMIN_ADDR", "127.0.0.1:9254", ":0", ":0", "9254", "is not an address:", func(c *Config) any { return c.AdminAddr }, nil},
		{"SHUTDOWN_GRACE", "30s", "0s", "0s", "-1s", "is not a duration from 0s to 24h:", func(c *Config) any { return c.ShutdownGrace }, nil},
		{"SERVE_STALE", "true", "false", "false", "stale", "is not a boolean: give true or false", func(c *Config) any { return c.ServeStale }, nil},

		{"LOG_LEVEL", "INFO", "warn", "WARN", "WARN", "is unknown: give debug, info, warn or error", func(c *Config) any { return c.LogLevel }, nil},
		{"LOG_FORMAT", "text", "json", "json", "xml", "is unknown: give text or json", func(c *Config) any { return c.LogFormat }, nil},

		{"NAMESPACE_RELOAD_BUDGET", "30", "0", "0", "-1", "is not a number of reloads: give a number from 0 to 6000", func(c *Config) any { return c.ReloadBudget }, nil},
		{"MAX_DRAINING_WORKERS", "32", "8", "8", "many", "is not a number of workers: give a number from 0 to 100000", func(c *Config) any { return c.MaxDrainingWorkers }, nil},
	}
}

// DF24: every setting has its default, its environment name and its flag, the
// flag beats the environment, and an invalid value stops the start by name.
func TestEverySettingDF24(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var tested []string
	for _, tc := range settingCases(dir) {
		tested = append(tested, tc.env)
		t.Run(tc.env, func(t *testing.T) {
			flag := "--" + strings.ToLower(strings.ReplaceAll(tc.env, "_", "-"))
			expect := func(want string, environ []string, args ...string) {
				t.Helper()
				c, err := Load(append([]string{"run"}, args...), environ)
				if err != nil {
					t.Fatalf("%q %q: %v", args, environ, err)
				}
				if got := fmt.Sprint(tc.get(c)); got != want {
					t.Errorf("%q %q gives %q, want %q", args, environ, got, want)
				}
			}
			expect(tc.def, nil)
			expect(tc.def, []string{tc.env + "="})
			expect(tc.want, append(tc.with, tc.env+"="+tc.good))
			expect(tc.want, tc.with, flag+"="+tc.good)
			expect(tc.want, append(tc.with, tc.env+"="+tc.bad), flag+"="+tc.good)

			message := fmt.Sprintf("%s (%s): %+q %s", tc.env, flag, tc.bad, tc.says)
			for _, in := range []struct{ args, environ []string }{
				{[]string{"run"}, append(tc.with, tc.env+"="+tc.bad)},
				{[]string{"run", flag + "=" + tc.bad}, append(tc.with, tc.env+"="+tc.good)},
			} {
				c, err := Load(in.args, in.environ)
				if c != nil || err == nil || !strings.HasPrefix(err.Error(), message) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%q %q: got %v\nwant one line %s…", in.args, in.environ, err, message)
				}
			}
		})
	}
	var all []string
	for _, s := range settings(new(Config)) {
		all = append(all, s.Env)
	}
	if !slices.Equal(tested, all) {
		t.Errorf("tested settings differ from the table:\n%q\n%q", tested, all)
	}
}
