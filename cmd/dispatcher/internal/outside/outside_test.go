package outside

import (
	"fmt"
	"testing"

	"github.com/30x/dispatcher/pkg/config"
)

// DX17: no more is watched than the settings need, and all of it.
func TestScope(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		command string
		environ []string
		want    string
	}{
		{"run", nil, "namespaces=<nil> pods=<nil> services=true ingresses=true tls=false maps=[*] in= claims=1"},
		{"run", []string{"INGRESS_CLASS=none", "OVERRIDES=none"}, "namespaces=github.com/30x.dispatcher.routable=true pods=github.com/30x.dispatcher.routable=true services=false ingresses=false tls=false maps=[] in= claims=1"},
		{"run", []string{"INGRESS_CLASS=none", "DIALECTS=microservice", "OVERRIDES=moved"}, "namespaces=<nil> pods=<nil> services=false ingresses=false tls=false maps=[moved] in= claims=5"},
		{"run", []string{"INGRESS_CLASS=none", "DIALECTS=microservice", "OVERRIDES=moved", "MICROSERVICE_SELECTOR=microservice=true"}, "namespaces=<nil> pods=microservice=true services=false ingresses=false tls=false maps=[moved] in= claims=5"},
		{"run", []string{"INGRESS_CLASS=none", "DIALECTS=microservice,dispatcher"}, "namespaces=<nil> pods=<nil> services=false ingresses=false tls=false maps=[*] in= claims=5"},
		{"run", []string{"INGRESS_TLS=true", "SSL_CERT=outside.go", "SSL_KEY=outside.go"}, "namespaces=<nil> pods=<nil> services=true ingresses=true tls=true maps=[*] in= claims=1"},
		{"director", []string{"SERVICE=web", "NAMESPACE=team"}, "namespaces=<nil> pods=<nil> services=true ingresses=false tls=false maps=[] in=team claims=0"},
	} {
		cfg, err := config.Load([]string{tc.command}, tc.environ)
		if err != nil {
			t.Fatal(err)
		}
		s := scope(cfg, cfg.RouteOptions())
		got := fmt.Sprintf("namespaces=%v pods=%v services=%t ingresses=%t tls=%t maps=%v in=%s claims=%d",
			s.Namespaces, s.Pods, s.Services, s.Ingresses, s.TLSSecrets, s.ConfigMaps, s.Namespace, len(s.Claims))
		if got != tc.want {
			t.Errorf("%s %q: %s, want %s", tc.command, tc.environ, got, tc.want)
		}
		if secret := map[string]string{"run": "routing"}[tc.command]; s.Secret != secret || s.StatefulSets != (tc.command == "run") {
			t.Errorf("%s %q: Secrets %q, StatefulSets %t", tc.command, tc.environ, s.Secret, s.StatefulSets)
		}
	}
}
