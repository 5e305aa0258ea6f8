package requests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// anyHost has evil serve all hosts that nobody declares.
const anyHost = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {namespace: evil, name: any}
spec:
  ingressClassName: dispatcher
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: any, port: {number: 80}}}}]}}]
---
apiVersion: v1
kind: Service
metadata: {namespace: evil, name: any}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {namespace: evil, name: any-1, labels: {kubernetes.io/service-name: any}}
addressType: IPv4
endpoints: [{addresses: [%q]}]
ports: [{port: %d}]
`

// TestCatchAll: the tenant that serves hosts that nobody declares gets those alone,
// sees the host by which nginx has found it, and does not stand before the status path.
func TestCatchAll(t *testing.T) {
	t.Parallel()
	w := prepare(t, "--default-namespace=evil", "--endpoint-allow=127.0.0.0/8")
	outside := newRawPod(t, "evil", "outside")
	w.pods[outside.Name] = outside
	if err := os.WriteFile(filepath.Join(w.Folder, "manifests", "any.yaml"), fmt.Appendf(nil, anyHost, outside.IP, outside.Port), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Run()
	served := func(name, host, sees string) exchange {
		return exchange{name: name, raw: get(host, "/"), want: "200", pods: "outside", sees: []string{"\r\nHost: " + sees + "\r\n"}}
	}
	absolute := func(name, target, host, pods, sees string) exchange {
		return exchange{name: name, raw: raw(target, "1.1", "Host: "+host), want: "200", pods: pods, sees: []string{"\r\nHost: " + sees + "\r\n"}}
	}
	const at = "/dispatcher/status"
	w.check(t, []exchange{
		served("unknown", "unknown.test", "unknown.test"),
		served("a port", "unknown.test:81", "unknown.test:81"),
		served("a trailing dot", "unknown.test.", "unknown.test."),
		served("IPv6", "[::1]:81", "[::1]:81"),
		absolute("the same", "http://unknown.test/", "unknown.test:81", "outside", "unknown.test:81"),
		absolute("another in Host", "http://unknown.test/", "alpha.test", "outside", "unknown.test"),
		absolute("one more label in Host", "http://unknown.test/", "x.unknown.test", "outside", "unknown.test"),
		absolute("a declared one", "http://alpha.test/", "unknown.test", "alpha-web", "alpha.test"),
		{name: "declared", raw: get("alpha.test", "/"), want: "200", pods: "alpha-web"},
		{name: "declared, no such path", raw: get("keyed.test", "/"), want: "404"},
		{name: "HTTP/1.0 without Host", raw: raw("/", "1.0"), want: "200", pods: "outside"},
		{name: "the status path", raw: get("unknown.test", at), want: "200"},
		{name: "the status path, encoded", raw: get("unknown.test", "//x/..%2fdispatcher/%73tatus"), want: "200"},
		{name: "below the status path", raw: get("unknown.test", at+"/x"), want: "200", pods: "outside"},
		{name: "too deep for a wildcard", raw: get("a.b.wild.test", "/"), want: closed},
		{name: "TLS", sni: "unknown.test", raw: get("unknown.test", "/"), want: "200", pods: "outside"},
		{name: "TLS, a plain host", sni: "unknown.test", raw: get("alpha.test", "/"), want: closed},
		{name: "TLS, a certificate for another", sni: "mutual.test+", raw: get("unknown.test", "/"), want: "421"},
	})
	if strings.Contains(w.Log(), "level=ERROR") {
		t.Error("there were errors")
	}
}
