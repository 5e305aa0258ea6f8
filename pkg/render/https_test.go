package render

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/value"
	"github.com/30x/dispatcher/templates"
)

// authorities gives Params a file by which those who serve are verified.
func authorities(t *testing.T, p *Params) {
	t.Helper()
	p.BackendCA = filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(p.BackendCA, []byte(pki.NewAuthority(t, "backends").PEM()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// https has a location served over https, by a host of its own unless that is "".
func https(l *route.Location, host string) *route.Location {
	l.Backend.HTTPS = true
	if host != "" {
		l.Backend.Host = must(value.ParseBackendHost(host))
	}
	return l
}

// EX8: whoever serves a path with https is verified against its own host, else against
// that of the request. What is the same for all stands there once; it is not there if no
// path asks for it.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	p := settings(t)
	authorities(t, &p)
	own, named, plain, keyed := https(place("/own", value.Exact), ""), https(place("/named", value.Exact), "api.example"), place("/plain", value.Exact), https(keyedPlace("/k", "arg:k"), "api.example")
	if http := conf(t, p, hostOf("a.example", plain)); strings.Contains(http.String(), "proxy_ssl") || strings.Contains(http.String(), "backend_host") {
		t.Errorf("no path asks for https: %s", http)
	}
	none, closed := https(place("/none", value.Exact), ""), https(place("/closed", value.Exact), "")
	none.Upstream.Endpoints, closed.Auth.Closed = nil, true
	h := hostOf("a.example", closed, keyed, named, none, own, plain)
	http := conf(t, p, h)
	http.in(t, "proxy_ssl_verify on")
	http.in(t, "proxy_ssl_verify_depth 4")
	http.in(t, "proxy_ssl_trusted_certificate "+p.BackendCA)
	http.in(t, "proxy_ssl_server_name on")
	http.in(t, "proxy_set_header Host $sent_host")
	http.in(t, "map $backend_host $sent_host").is(t, "default $backend_host", "$host")
	s := http.server(t, "a.example", "8080")
	s.in(t, "set $backend_host")
	s.in(t, "location = /own").is(t, "proxy_ssl_name a.example", "proxy_pass https://"+own.Upstream.Name)
	s.in(t, "location = /named").is(t, "set $backend_host api.example", "proxy_ssl_name api.example", "proxy_pass https://"+named.Upstream.Name)
	s.in(t, "location = /plain").is(t, "proxy_pass http://"+plain.Upstream.Name)
	s.in(t, "location = /none").is(t, "add_header Retry-After 5 always", "return 503")
	if k := s.in(t, "location = /k").String(); !strings.HasPrefix(k, "set $backend_host api.example\nproxy_ssl_name api.example\n") || !strings.HasSuffix(k, "\nproxy_pass https://$member\n") {
		t.Errorf("with keys: %s", k)
	}
	if http := conf(t, p, hostOf("a.example", closed, none)); strings.Contains(http.String(), "proxy_ssl") {
		t.Errorf("nobody is asked: %s", http)
	}
}

// EX8, DF28: where a request begins anew it is verified against the same name. What nginx
// itself answers where nobody serves is 503, over TLS with what such hosts always say.
func TestHTTPSAgain(t *testing.T) {
	t.Parallel()
	p := settings(t)
	dynamic(&p)
	authorities(t, &p)
	p.DefaultReturn = "https://127.0.0.1:8"
	host := func(name string) *route.VirtualHost {
		slow := https(place("/slow", value.Exact), "")
		slow.Limits.ReadTimeout = 7
		return hostOf(name, https(place("/named", value.Exact), "api.example"), slow)
	}
	plain, tls := host("a.example"), host("b.example")
	secure(t, &p, tls)
	http := conf(t, p, plain, tls)
	const nobody = "if $upstream_addr = 127.0.0.1:9253"
	again := []string{"if $repeatable = 0", "  return 502", "proxy_pass https://$again_upstream$again_uri"}
	s := http.server(t, "a.example", "8080")
	s.in(t, "location = /named").in(t, "error_page 502 = @again_0_0_0_api.example")
	s.in(t, "location @again_0_0_0_api.example").is(t, append([]string{"proxy_ssl_name api.example", nobody, "  add_header Retry-After 5 always", "  return 503"}, again...)...)
	s.in(t, "location @again_0_7_0_a.example").is(t, append([]string{"proxy_read_timeout 7s", "proxy_ssl_name a.example", nobody, "  add_header Retry-After 5 always", "  return 503"}, again...)...)
	s.in(t, "location /").is(t, "proxy_ssl_verify off", "proxy_ssl_server_name off", "proxy_pass https://127.0.0.1:8")
	http.server(t, "b.example", "8443").in(t, "location @again_0_0_0_api.example").is(t, slices.Concat(
		[]string{"proxy_ssl_name api.example", nobody, "  add_header Retry-After 5 always", "  add_header Strict-Transport-Security max-age=600 always", "  return 503"}, again)...)
}

// EX8: hosts that nobody declares may have paths with https, too, by a host of their own;
// what others set is never without a value there.
func TestHTTPSCatchAll(t *testing.T) {
	t.Parallel()
	p := settings(t)
	authorities(t, &p)
	l, inside := https(place("/named", value.Exact), "api.example"), hostOf("b.example", place("/", value.Prefix))
	inside.Locations[0].Upstream.Endpoints[0].Pod.Kind = "EndpointSlice"
	secure(t, &p, inside)
	inside.TLS.Clients = must(certificate.NewBundle([]byte(pki.NewAuthority(t, "clients").PEM())))
	http := conf(t, p, hostOf("", l), inside)
	http.in(t, "map $backend_host $sent_host").is(t, "default $backend_host", "$pod_host")
	for _, port := range []string{"8080", "8443"} {
		s := http.server(t, "", port)
		s.in(t, "set $backend_host")
		s.in(t, "set $outside")
		s.in(t, "location = /named").is(t, "set $backend_host api.example", "proxy_ssl_name api.example", "proxy_pass https://"+l.Upstream.Name)
	}
}

// EX8: templates that don't verify are refused, and so is https without authorities.
func TestHTTPSUnverified(t *testing.T) {
	t.Parallel()
	table := &route.Table{Hosts: []*route.VirtualHost{hostOf("a.example", https(place("/", value.Prefix), ""))}}
	p := settings(t)
	if _, err := Render(table, p); err == nil || !strings.Contains(err.Error(), "nothing to verify") {
		t.Errorf("without authorities: %v", err)
	}
	authorities(t, &p)
	texts := maps.Clone(must(templates.Load("")))
	texts["nginx.conf.tmpl"] = strings.Replace(texts["nginx.conf.tmpl"], `{{template "backend-tls.tmpl" .}}`, "", 1)
	p.Templates = must(ParseTemplates(texts))
	if _, err := Render(table, p); err == nil || !strings.Contains(err.Error(), "backend-tls.tmpl") {
		t.Errorf("without backend-tls.tmpl: %v", err)
	}
}
