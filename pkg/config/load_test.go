package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/limit"
)

// Every invalid value is reported in one start, in the table's order (DF24).
func TestAllErrorsAtOnceDF24(t *testing.T) {
	_, err := Load(
		[]string{"run", "--event-window=1h", "--port", "80x", "--kube-host=https://me:hunter2/x@api:6443"},
		[]string{"HOSTS_ANNOTATION=/", "PATHS_ANNOTATION=/", "PORT=81", "SSL_PORT=0443", "LOG_FORMAT=xml", "OTHER=x"})
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		`HOSTS_ANNOTATION (--hosts-annotation): "/" is`, // and not that both are the same
		`PATHS_ANNOTATION (--paths-annotation): "/" is`,
		`EVENT_WINDOW (--event-window): "1h" is`,
		`PORT (--port): "80x" is not a port: give a number from 1 to 65535`,
		`SSL_PORT (--ssl-port): "0443" is`,
		`KUBE_HOST (--kube-host): "https:***@api:6443" is`, // without the password
		`LOG_FORMAT (--log-format): "xml" is`,
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Fatalf("got\n%v\nwant %d lines", err, len(want))
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d is %q, want it to begin with %q", i, line, want[i])
		}
	}
}

func TestValueIsQuotedAndCut(t *testing.T) {
	_, err := Load([]string{"run"}, []string{"PORT=\x1b[31m" + strings.Repeat("9", 500)})
	if err == nil || !strings.Contains(err.Error(), `"\x1b[31m999`) || !strings.Contains(err.Error(), "(the first 80 of 505 bytes)") {
		t.Errorf("got %v", err)
	}
}

func TestConflicts(t *testing.T) {
	for _, tc := range []struct {
		environ []string
		want    string
	}{
		{[]string{"PORT=443"}, "PORT (--port) and SSL_PORT (--ssl-port): both are 443: give two different ports"},
		{[]string{"HOSTS_ANNOTATION=a", "PATHS_ANNOTATION=a"}, `HOSTS_ANNOTATION and PATHS_ANNOTATION: both are "a": give each its own name`},
		{[]string{"AUTH_ANNOTATION=a", "PATHS_ANNOTATION=a"}, `PATHS_ANNOTATION and AUTH_ANNOTATION: both are "a": give each its own name`},
		{[]string{"PATHS_ANNOTATION=publicPaths"}, `PATHS_ANNOTATION and MICROSERVICE_PATHS_ANNOTATIONS: both have "publicPaths": give each its own name`},
		{[]string{"MICROSERVICE_HOSTS_ANNOTATIONS=a,b", "MICROSERVICE_PATHS_ANNOTATIONS=b"}, `MICROSERVICE_HOSTS_ANNOTATIONS and MICROSERVICE_PATHS_ANNOTATIONS: both have "b": give each its own names`},
		{[]string{"API_KEY_SECRET_LOCATION=keys:a", "API_KEY_SECRET_FIELD=b"}, `API_KEY_SECRET_LOCATION and API_KEY_SECRET_FIELD: they differ, "a" and "b": give only one of the two`},
		{[]string{"INGRESS_TLS=true"}, "INGRESS_TLS (--ingress-tls): it needs TLS: give SSL_CERT and SSL_KEY, too, or leave it off"},
		{[]string{"PROXY_PROTOCOL=true"}, "PROXY_PROTOCOL (--proxy-protocol): it needs TRUSTED_PROXIES (--trusted-proxies): give the networks of the load balancers that speak it"},
		{[]string{"AUTH_ANNOTATION=a", "HOSTS_ANNOTATION=a"}, `HOSTS_ANNOTATION and AUTH_ANNOTATION: both are "a": give each its own name`},
	} {
		if _, err := Load([]string{"run"}, tc.environ); err == nil || err.Error() != tc.want {
			t.Errorf("%q: got %v\nwant %s", tc.environ, err, tc.want)
		}
	}
}

// DX34: annotation names are judged as given.
func TestNamesAsGivenDX34(t *testing.T) {
	_, err := Load([]string{"run"}, []string{"HOSTS_ANNOTATION=GitHub.com/hosts"})
	if err == nil || !strings.HasPrefix(err.Error(), "HOSTS_ANNOTATION ") {
		t.Errorf("an upper-case prefix, which Kubernetes refuses: %v", err)
	}
	c, err := Load([]string{"run"}, []string{"HOSTS_ANNOTATION=github.com/Hosts"})
	if err != nil || c.HostsAnnotation != "github.com/Hosts" {
		t.Errorf("an upper-case name, which Kubernetes accepts: %v", err)
	}
}

func TestArguments(t *testing.T) {
	for _, tc := range []struct {
		args string
		want string
	}{
		{"", "no such command: see 'dispatcher --help'"},
		{"fly", "no such command: see 'dispatcher --help'"},
		{"run --prot=80", `unknown flag "--prot": see 'dispatcher run --help'`},
		{"run -p 80", `unknown flag "-p": see 'dispatcher run --help'`},
		{"run --port", `flag "--port" needs a value: see 'dispatcher run --help'`},
		{"run --=x", `unreadable flags "bad flag syntax: --=x": see 'dispatcher run --help'`},
		{"run --strict", `unknown flag "--strict": see 'dispatcher run --help'`},
		{"run now", `unexpected argument "now": see 'dispatcher run --help'`},
		{"run --access-log false", `unexpected argument "false": give a boolean flag its value with '=', like --access-log=false`},
		{"run --port=", `PORT (--port): "" is not a port: give a number from 1 to 65535`},
		{"render a.yaml", `unexpected argument "a.yaml": give each manifest file or folder with -f`},
		{"render", "no manifests are given: name a file or folder with --file (-f), or - for standard input"},
		{"render -f", `flag "-f" needs a value: see 'dispatcher render --help'`},
		{"render --file=", `--file (-f): "" is not a path: give a file, a folder, or - for standard input`},
		{"render -f - --strict=maybe", `--strict: "maybe" is not a boolean: give true or false`},
		{"render -f - --work-dir=/d", `unknown flag "--work-dir": see 'dispatcher render --help'`},
		{"version --port=80", `unknown flag "--port": see 'dispatcher version --help'`},
	} {
		if c, err := Load(strings.Fields(tc.args), nil); c != nil || err == nil || err.Error() != tc.want {
			t.Errorf("%q: got %v\nwant %s", tc.args, err, tc.want)
		}
	}
	for _, args := range []string{"run -h", "render --help", "run --port=x -h"} {
		if _, err := Load(strings.Fields(args), nil); !errors.Is(err, ErrHelp) {
			t.Errorf("%q: got %v, want ErrHelp", args, err)
		}
	}
}

func TestRenderTakesFilesAndItsGroups(t *testing.T) {
	c, err := Load(strings.Fields("render -f a,b --file - --strict --port=8080 --access-log=false --nginx-enable-health-checks"),
		[]string{"HOSTS_ANNOTATION=h", "WORK_DIR=not/;valid", "MODE=wrong"})
	if err != nil {
		t.Fatal(err) // WORK_DIR and MODE are not settings of render
	}
	if want := []string{"a,b", "-"}; !reflect.DeepEqual(c.Files, want) {
		t.Errorf("Files %q, want %q", c.Files, want)
	}
	if !c.Strict || c.Port != 8080 || c.AccessLog || !c.HealthChecks || c.HostsAnnotation != "h" {
		t.Errorf("got %+v", c)
	}
	if c.WorkDir != "/etc/nginx" || c.Mode != ModeAuto {
		t.Errorf("WorkDir %q, Mode %q, want the defaults", c.WorkDir, c.Mode)
	}
}

func TestVersionTakesOnlyTheBinary(t *testing.T) {
	c, err := Load([]string{"version"}, []string{"NGINX_BINARY=/opt/nginx", "PORT=x"})
	if err != nil || c.NginxBinary != "/opt/nginx" || c.Port != 80 {
		t.Errorf("got %+v, %v", c, err)
	}
}

// A flag may say "none" against the environment.
func TestEmptyFlagBeatsEnvironment(t *testing.T) {
	c, err := Load([]string{"run", "--trusted-proxies="}, []string{"TRUSTED_PROXIES=10.0.0.0/8"})
	if err != nil || len(c.TrustedProxies) != 0 {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestWorkDirAndFilesBecomeAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load([]string{"run", "--work-dir=d"}, []string{"SSL_CERT=file", "SSL_KEY=file"})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(wd, "file"); c.WorkDir != filepath.Join(wd, "d") || c.SSLCert != want || c.SSLKey != want {
		t.Errorf("WorkDir %q, SSLCert %q, SSLKey %q", c.WorkDir, c.SSLCert, c.SSLKey)
	}
}

func TestRouteOptions(t *testing.T) {
	c, err := Load([]string{"run"}, []string{"HOSTS_ANNOTATION=h", "PATHS_ANNOTATION=p", "AUTH_ANNOTATION=a", "ORG_LABEL=o",
		"ENV_LABEL=e", "APP_NAME_LABEL=n", "APP_REV_LABEL=r", "NGINX_ENABLE_HEALTH_CHECKS=true",
		"API_KEY_SECRET_NAME=s", "API_KEY_SECRET_FIELD=f", "API_KEY_REQUIRED=true", "SSL_REDIRECT=false",
		"DIALECTS=dispatcher", "INGRESS_CLASS=none", "OVERRIDES=none", "HOST_POLICY=exclusive", "ALLOWED_HOSTS=edge/hosts", "MAX_HOSTS_PER_NAMESPACE=7"})
	if err != nil {
		t.Fatal(err)
	}
	want := route.Options{HostsAnnotation: "h", PathsAnnotation: "p", AuthAnnotation: "a", OrgLabel: "o",
		EnvLabel: "e", AppNameLabel: "n", AppRevLabel: "r",
		Dispatcher: true, SecretName: "s", APIKeyField: "f", APIKeyRequired: true, HealthChecks: true, BackendTLS: true,
		Exclusive: true, AllowedHosts: cluster.Ref{Kind: "ConfigMap", Namespace: "edge", Name: "hosts"}, Limits: limit.Default()}
	want.Limits.Hosts = 7
	if got, want := fmt.Sprintf("%+v", c.RouteOptions()), fmt.Sprintf("%+v", want); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The purpose is another one if, and only if, another configuration would be made.
func TestPurpose(t *testing.T) {
	t.Parallel()
	load := func(args ...string) string {
		t.Helper()
		c, err := Load(append([]string{"run"}, args...), nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Purpose
	}
	plain := load()
	for _, same := range []string{"--log-level=debug", "--shutdown-grace=1s", "--admin-addr=:0", "--port=80", "--event-window=2s", "--mode=nginx"} {
		if load(same) != plain {
			t.Errorf("%s makes another purpose", same)
		}
	}
	for _, other := range []string{"--port=81", "--hosts-annotation=a/b", "--api-key-required", "--kube-host=e.com:1", "--source=" + t.TempDir(), "--hsts=true"} {
		if load(other) == plain {
			t.Errorf("%s makes no other purpose", other)
		}
	}
}

// What has no say in the nginx of another container is none of its business.
func TestNginxTakesWhatItNeeds(t *testing.T) {
	c, err := Load([]string{"nginx", "--work-dir=/w"}, []string{"PORT=x", "MODE=x", "SERVE_STALE=false", "LOG_FORMAT=json"})
	if err != nil || c.WorkDir != "/w" || c.SSLCertDir != "/w/ssl" || c.ServeStale || c.LogFormat != LogJSON {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := Load([]string{"nginx", "--port=80"}, nil); err == nil {
		t.Error("it takes a port")
	}
}
