package deploy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/30x/dispatcher/pkg/config"
)

// setting is a row of the page of all settings, which pkg/config writes.
type setting struct{ env, arg, def, help string }

func settingsTable(t *testing.T) (table []setting) {
	t.Helper()
	var page bytes.Buffer
	if err := config.WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(page.String(), "\n## Director\n") // what only other commands take
	row := regexp.MustCompile("(?m)^\\| `--[a-z-]+ ?(.*)` \\| `([A-Z_]+)` \\| (?:`(.*)`)? \\| (.*) \\|$")
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		for i := range m {
			m[i] = strings.ReplaceAll(m[i], `\|`, "|")
		}
		table = append(table, setting{m[2], m[1], m[3], m[4]})
	}
	if rows := strings.Count(text, "\n| `--"); len(table) != rows || rows < 40 {
		t.Fatalf("read %d of %d settings: has the page another form?", len(table), rows)
	}
	return table
}

// owned are the settings that the chart makes of other values, or of none.
var owned = []string{"ADMIN_ADDR", "MODE", "PORT", "RESOLVER_ADDR", "SSL_CERT", "SSL_CERT_DIR", "SSL_KEY", "SSL_PORT", "WORK_DIR"}

// given is a value for each of the others: none is the chart's default, so that
// it shows whether it arrives.
func given() map[string]any {
	return map[string]any{
		"HOSTS_ANNOTATION": "example.com/hosts", "PATHS_ANNOTATION": "example.com/paths", "AUTH_ANNOTATION": "example.com/auth",
		"ROUTABLE_LABEL_SELECTOR": "a in (b, c),!d", "ORG_LABEL": "org", "ENV_LABEL": "env", "APP_NAME_LABEL": "name", "APP_REV_LABEL": "rev",
		"EVENT_WINDOW": "1m30s", "DIALECTS": "microservice,dispatcher", "POD_HOSTS": "open", "MICROSERVICE_SELECTOR": "m in (n)", "MICROSERVICE_HOSTS_ANNOTATIONS": "h",
		"MICROSERVICE_PATHS_ANNOTATIONS": "p,q", "MICROSERVICE_ANY_PORT": true, "OVERRIDES": "moved,pinned",
		"INGRESS_CLASS": "edge", "INGRESS_CONTROLLER": "example.com/edge", "OPTIONS_PREFIX": "example.com/", "INGRESS_TLS": true,
		"ENDPOINT_ALLOW": "192.0.2.0/24", "ENDPOINT_DENY": "192.0.2.7", "ALLOW_EXTERNAL_NAMES": "*.example.com", "DEFAULT_NAMESPACE": "front",
		"HOST_POLICY": "exclusive", "ALLOWED_HOSTS": "edge/hosts", "MAX_HOSTS_PER_NAMESPACE": 7, "MAX_PATHS_PER_POD": 8, "MAX_LOCATIONS_PER_NAMESPACE": 9, "MAX_LOCATIONS": 100000,
		"MAX_PATH_BYTES": 2048, "MAX_JSON_DEPTH": 9, "MAX_KEY_BYTES": 1024, "MAX_CERTIFICATE_BYTES": 10000, "MAX_WEIGHT": 65535, "MAX_PODS_PER_ROUTE": 100, "MAX_OVERRIDES": 11, "MAX_ENDPOINTS_PER_NAMESPACE": 12, "MAX_ENDPOINTS": 13,
		"STATUS": false, "PUBLISH_ADDRESS": "192.0.2.1,entry.example.com", "PUBLISH_SERVICE": "edge/entry", "PROXY_PROTOCOL": true, "CLIENT_KEEPALIVE": false,
		"API_KEY_SECRET_LOCATION": "keys:key", "API_KEY_SECRET_NAME": "keys", "API_KEY_SECRET_FIELD": "key", "API_KEY_HEADER": "X-Key", "API_KEY_REQUIRED": true,
		"NGINX_BINARY": "nginx-debug", "NGINX_VERSION": "1.28.0", "NGINX_USER": "www", "LISTEN_ADDRESS": "127.0.0.1,::1",
		"DEFAULT_LOCATION_RETURN": 503, "NGINX_ENABLE_HEALTH_CHECKS": true, "NGINX_MAX_CLIENT_BODY_SIZE": 104857600, "NGINX_STATUS_PATH": "/up",
		"WORKER_PROCESSES": 512, "WORKER_OPEN_FILES": 1048576, "WORKER_SHUTDOWN_TIMEOUT": "1h", "PROXY_READ_TIMEOUT": "2h", "PROXY_CONNECT_TIMEOUT": "1s",
		"TRUSTED_PROXIES": "10.0.0.0/8,192.0.2.1", "ACCESS_LOG": false, "TEMPLATE_DIR": ".", "ENDPOINTS": "reload", "SSL_REDIRECT": false, "HSTS": 31536000, "BACKEND_CA": "none",
		"KUBECONFIG": "/etc/kubeconfig", "KUBE_HOST": "https://example.com:6443", "EVENTS": false, "SOURCE": "helm",
		"SHUTDOWN_GRACE": "1m", "SERVE_STALE": false, "LOG_LEVEL": "debug", "LOG_FORMAT": "text",
		"NAMESPACE_RELOAD_BUDGET": 6000, "MAX_DRAINING_WORKERS": 100000,
	}
}

// DF24: every setting of the program can be given to the chart, or is the
// chart's own. Each arrives as it was given: numbers and booleans too, which
// Helm would print in other ways.
func TestChartSettings(t *testing.T) {
	all := given()
	args := []string{"run", "--port=8080", "--ssl-port=8443", "--admin-addr=:9999", "--ssl-cert=deploy_test.go", "--ssl-key=deploy_test.go"}
	table := settingsTable(t)
	for _, s := range table {
		value, ok := all[s.env]
		switch {
		case ok == slices.Contains(owned, s.env):
			t.Fatalf("%s is a setting: give it a value in this test, or, if the chart sets it, add it to owned", s.env)
		case !ok:
			continue
		case fmt.Sprint(value) == s.def && s.env != "LOG_FORMAT": // where the chart has another default than the program
			t.Errorf("%s: %v is the default, which proves nothing", s.env, value)
		}
		args = append(args, fmt.Sprintf("--%s=%v", strings.ToLower(strings.ReplaceAll(s.env, "_", "-")), value))
	}
	if len(table) != len(all)+len(owned) {
		t.Errorf("of %d values here and %d that the chart owns, only %d are settings", len(all), len(owned), len(table))
	}
	want, err := config.Load(args, nil)
	if err != nil {
		t.Fatal(err)
	}
	want.SSLCert, want.SSLKey = "/etc/dispatcher/default-tls/tls.crt", "/etc/dispatcher/default-tls/tls.key"

	for place, values := range map[string]map[string]any{
		"common":   {"settings": all, "instances": []any{map[string]any{"name": "dispatcher", "port": 8080, "tlsPort": 8443, "adminPort": 9999}}},
		"instance": {"instances": []any{map[string]any{"name": "dispatcher", "port": 8080, "tlsPort": 8443, "adminPort": 9999, "settings": all}}},
	} {
		for _, sidecar := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, sidecar=%t", place, sidecar), func(t *testing.T) {
				values["tls"], values["sidecar"] = map[string]any{"secretName": "cert"}, sidecar
				text, err := json.Marshal(values)
				if err != nil {
					t.Fatal(err)
				}
				containers := chart(t, string(text)).daemonSet.Spec.Template.Spec.Containers
				want := *want
				if sidecar {
					want.Mode = config.ModeSidecar
					nginxTakes(t, containers[1], all)
				}
				if got := load(t, containers[0]); !reflect.DeepEqual(*got, want) {
					t.Errorf("settings:\n got %+v\nwant %+v", *got, want)
				}
			})
		}
	}
}

// nginxTakes checks that nginx's own container is given those settings that its
// command takes, and no other.
func nginxTakes(t *testing.T, c corev1.Container, all map[string]any) {
	t.Helper()
	var help bytes.Buffer
	if err := config.Usage(&help, config.CommandNginx); err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, m := range regexp.MustCompile(`\[([A-Z_]+)[],]`).FindAllStringSubmatch(help.String(), -1) {
		if value, ok := all[m[1]]; ok {
			want[m[1]] = fmt.Sprint(value)
		} else if !slices.Contains([]string{"SSL_CERT_DIR", "WORK_DIR"}, m[1]) {
			t.Errorf("nginx takes %s, which is neither given nor the chart's", m[1])
		}
	}
	for _, e := range c.Env {
		got[e.Name] = e.Value
	}
	if len(want) < 3 || !maps.Equal(got, want) {
		t.Errorf("container %s: settings %v, want %v", c.Name, got, want)
	}
}
