package config

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/route"
)

// KF5, KX2: flags and defaults are kube-pod-director's, with one dash or two, and none
// is ignored but those of its logging.
func TestDirector(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args, environ string
		want          Director
		port          int
		ignored       string
	}{
		{"-namespace=default -service=test -logtostderr", "", Director{Namespace: "default", Service: "test", TargetPort: "http"}, 8080, "--logtostderr"},
		{"-service test -v 5 -target-port web -port=80 -kubeconfig=/c", "", Director{Namespace: "default", Service: "test", TargetPort: "web"}, 80, "--v"},
		{"--service=a --ready-grace=10s", "NAMESPACE=n TARGET_PORT=t PORT=9000 SERVICE=b", Director{Namespace: "n", Service: "a", TargetPort: "t", ReadyGrace: 10 * time.Second}, 9000, ""},
	} {
		c, err := Load(append([]string{"director"}, strings.Fields(tc.args)...), strings.Fields(tc.environ))
		if err != nil {
			t.Errorf("%s %s: %v", tc.environ, tc.args, err)
			continue
		}
		if *c.Director != tc.want || c.Port != tc.port || !slices.Equal(c.Ignored, strings.Fields(tc.ignored)) {
			t.Errorf("%s %s: got %+v, port %d, ignored %q", tc.environ, tc.args, *c.Director, c.Port, c.Ignored)
		}
		if len(c.TrustedProxies) != 7 {
			t.Errorf("%s: KF6: proxies in the cluster are not trusted: %v", tc.args, c.TrustedProxies)
		}
		if c.Events {
			t.Errorf("%s: it would write Events, which a Role for reading does not allow", tc.args)
		}
		o := c.RouteOptions()
		if want := (route.Director{Namespace: tc.want.Namespace, Service: tc.want.Service, TargetPort: tc.want.TargetPort, ReadyGrace: int(tc.want.ReadyGrace.Seconds())}); o.Director == nil || *o.Director != want {
			t.Errorf("%s: route gets %+v", tc.args, o.Director)
		}
		if o.Dispatcher || o.Microservice != nil || o.Ingress != nil || o.Overrides != nil {
			t.Errorf("%s: more than the one Service is served: %+v", tc.args, o)
		}
	}
}

// What can't be used stops the start and is named.
func TestDirectorRefuses(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                                 `SERVICE (--service): "" is not the name of a Service: give `,
		"-service=a/b":                     `SERVICE (--service): "a/b" is not the name of a Service: give `,
		"-service=a -namespace=B":          `NAMESPACE (--namespace): "B" is not the name of a namespace: give `,
		"-service=a -target-port=80":       `TARGET_PORT (--target-port): "80" is not the name of a port: give `,
		"-service=a -ready-grace=1h":       `READY_GRACE (--ready-grace): "1h" is not a duration of whole seconds up to 15m: give `,
		"-service=a -servce=b":             `unknown flag "--servce": see 'dispatcher director --help'`,
		"-service=a b":                     `unexpected argument "b": `,
		"-service=a -paths-annotation=a/b": `unknown flag "--paths-annotation": `,
		"-service=a --ssl-cert=x":          `unknown flag "--ssl-cert": `,
	} {
		_, err := Load(append([]string{"director"}, strings.Fields(args)...), nil)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v\nwant one line %s…", args, err, want)
		}
	}
}

// The settings of the director are no settings of other commands, which it is told
// from by its Purpose, too.
func TestDirectorIsApart(t *testing.T) {
	t.Parallel()
	run, err := Load([]string{"run", "--port=8080", "--events=false"}, []string{"SERVICE=a", "NAMESPACE=::"})
	if err != nil {
		t.Fatal(err)
	}
	if run.Director != nil || run.Ignored != nil || run.RouteOptions().Director != nil {
		t.Errorf("run directs: %+v", run.Director)
	}
	if _, err := Load([]string{"run", "--service=a"}, nil); err == nil {
		t.Error("run takes --service")
	}
	purposes := map[string]string{run.Purpose: "run"}
	for _, args := range []string{"-service=a", "-service=b", "-service=a -target-port=x", "-service=a -namespace=x", "-service=a -ready-grace=1s"} {
		c, err := Load(append([]string{"director"}, strings.Fields(args)...), nil)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := purposes[c.Purpose]; ok {
			t.Errorf("%q and %q have one purpose: one would serve what the other has left in WORK_DIR", args, other)
		}
		purposes[c.Purpose] = args
	}
}

// Help shows the director's settings with its own defaults, and nobody else's.
func TestDirectorUsage(t *testing.T) {
	t.Parallel()
	help := map[string]string{}
	for _, command := range []string{CommandDirector, CommandRun} {
		var b bytes.Buffer
		if err := Usage(&b, command); err != nil {
			t.Fatal(err)
		}
		help[command] = b.String()
	}
	for _, want := range []string{"\nDirector:\n", "\n  --target-port NAME\n", "[PORT, default 8080]", "\n  --mode "} {
		if !strings.Contains(help[CommandDirector], want) {
			t.Errorf("director: %q is missing", want)
		}
		if want != "\n  --mode " && strings.Contains(help[CommandRun], want) {
			t.Errorf("run: %q is shown", want)
		}
	}
	for _, none := range []string{"--hosts-annotation", "--api-key", "--events ", "--default-location-return", "logtostderr", "--ssl-"} {
		if strings.Contains(help[CommandDirector], none) {
			t.Errorf("director: %q is shown", none)
		}
	}
}
