package traffic

import (
	"net/http"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/30x/dispatcher/internal/pki"
)

// byService makes an Ingress of Namespace shop for a host and Service outside, with
// options.
func byService(name, host, path string, options ...string) *networkingv1.Ingress {
	i := anyHost("by-"+name, path, "outside")
	i.Spec.Rules[0].Host = host
	i.Annotations = map[string]string{}
	for _, o := range options {
		key, value, _ := strings.Cut(o, "=")
		i.Annotations["github.com/30x.dispatcher."+key] = value
	}
	return i
}

// TestBackendTLSOutside: EX8, EF2. Who serves from outside the cluster is verified, too,
// and learns neither keys nor who a client is by its certificate.
func TestBackendTLSOutside(t *testing.T) {
	t.Parallel()
	d, ca, c := prepareTLS(t), pki.NewAuthority(t, "backends"), newClients(t)
	d.trusting(ca)
	chain, key := ca.Server(t, []string{"api.example", "clients.dev"})
	outside := newBackend(t, "127.0.0.1:0", "outside")
	secured := outside.secure(t, pair(t, chain, key))
	svc, slice := service("outside", outside.ip, secured.port)
	svc.Annotations = map[string]string{"github.com/30x.dispatcher.backendProtocol": "https"}
	door := d.certified("shop", "clients.dev")
	door.Data["client.crt"], door.Data["api-key"] = []byte(c.ca.PEM()), []byte("supersecret")
	d.apply(hosts(namespace("shop"), map[string]option{"clients.dev": overTLS().clients("client.crt")}), door, svc, slice, newPod(t, "shop", "web", at("/web")),
		byService("own", "clients.dev", "/own"), byService("named", "clients.dev", "/named", "backendHost=api.example"), byService("wrong", "clients.dev", "/wrong", "backendHost=wrong.example"),
		byService("any", "", "/any", "backendHost=api.example"), byService("nameless", "", "/nameless"))
	d.run("--default-namespace=shop", "--endpoint-allow=127.0.0.0/8")
	for uri, name := range map[string]string{"/own": "clients.dev", "/named": "api.example"} {
		got := d.sendTLS(hello("clients.dev", c.alice), get("clients.dev", uri, append(forged(), "Connection: close")...))
		if got.Pod != "outside" || got.Host != name || secretsIn(got) != "" {
			t.Errorf("%s: status %d from %q, asked for %s, with %s", uri, got.Status, got.Pod, got.Host, secretsIn(got))
		}
	}
	hits := outside.hits.Load()
	if got := d.sendTLS(hello("clients.dev", c.alice), get("clients.dev", "/wrong", append(forged(), "Connection: close")...)); got.Status != http.StatusBadGateway || outside.hits.Load() != hits {
		t.Errorf("the wrong name: status %d from %q", got.Status, got.Pod)
	}
	if got := d.sendTLS(hello("clients.dev", c.alice), get("clients.dev", "/web", append(forged(), "Connection: close")...)); got.Sent.Get("X-SSL-Client-Subject") != "CN=alice" {
		t.Errorf("a Pod sees %q", got.Sent.Get("X-SSL-Client-Subject"))
	}
	for _, ask := range []func(host, uri string, headers ...string) answer{d.try, d.tryTLS} {
		if got := ask("unknown.dev", "/any", forged()...); got.Pod != "outside" || got.Host != "api.example" || secretsIn(got) != "" {
			t.Errorf("any host: status %d, %v from %q, asked for %s, with %s", got.Status, got.Err, got.Pod, got.Host, secretsIn(got))
		}
		if got := ask("unknown.dev", "/nameless", forged()...); got.Status != http.StatusServiceUnavailable {
			t.Errorf("any host without a name: status %d, %v from %q", got.Status, got.Err, got.Pod)
		}
	}
	if log := d.log(); strings.Contains(log, "[warn]") || strings.Contains(log, "[emerg]") {
		t.Error("nginx complains")
	}
}
