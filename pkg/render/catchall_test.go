package render

import (
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

// DF15: what a host that nobody declares is answered, with and without a Namespace
// that serves such hosts: over HTTP and TLS alike, but for the status path, which is
// nginx's own, and for hosts that are declared.
func TestCatchAll(t *testing.T) {
	t.Parallel()
	p := settings(t)
	web, wild, over := hostOf("web.example", place("/", value.Prefix)), hostOf("*.wild.example", place("/", value.Prefix)), hostOf("tls.example", place("/", value.Prefix))
	secure(t, &p, over)
	own, status := place("/own", value.Prefix), place("/status", value.Prefix)
	catch := hostOf("", own, status)
	catch.From = append(catch.From, cluster.Ref{Kind: "Namespace", Name: "more"})

	http := conf(t, p, web, wild, over)
	closed := []string{"server_name", "location = /status", "  access_log off", "  return 200", "location /", "  return 444"}
	http.server(t, "", "8080").is(t, append([]string{"listen 0.0.0.0:8080 default_server", "listen [::]:8080 default_server"}, closed...)...)
	for _, host := range []string{"web.example", "*.wild.example"} {
		if strings.Contains(http.String(), "listen 0.0.0.0:8443 ssl\n  server_name "+host) {
			t.Errorf("%s listens for TLS", host)
		}
	}

	http = conf(t, p, catch, web, wild, over)
	rules := []string{
		"location = /own", "  proxy_pass http://" + own.Upstream.Name, "location /own/", "  proxy_pass http://" + own.Upstream.Name,
		"location /status/", "  proxy_pass http://" + status.Upstream.Name, "location /", "  return 444",
	}
	head := []string{"location = /status", "  access_log off", "  return 200"}
	http.server(t, "", "8080").is(t, slices.Concat([]string{"listen 0.0.0.0:8080 default_server", "listen [::]:8080 default_server", "server_name"}, head, rules)...)
	text := http.server(t, "", "8443").String()
	if !strings.Contains(text, strings.Join(slices.Concat([]string{"if $ssl_client_verify != NONE", "  return 421"}, head, rules), "\n")) {
		t.Errorf("over TLS: %s", text)
	}
	for _, host := range []string{"web.example", "*.wild.example"} {
		http.server(t, host, "8443").is(t, "listen 0.0.0.0:8443 ssl", "listen [::]:8443 ssl", "server_name "+host, "ssl_reject_handshake on", "return 444")
	}
	http.in(t, "upstream "+own.Upstream.Name)
	http.in(t, "upstream "+status.Upstream.Name)

	catch.TLS = over.TLS
	if _, err := Render(&route.Table{Hosts: []*route.VirtualHost{catch}}, p); err == nil {
		t.Error("a TLS option of no host is rendered")
	}
}

// An exact path for the status path is never asked, and all else that a catch-all can
// have is in its place.
func TestCatchAllExact(t *testing.T) {
	t.Parallel()
	p := settings(t)
	dynamic(&p)
	root := keyedPlace("/", "segment:1", "a")
	http := conf(t, p, hostOf("", root, place("/status", value.Exact), place("/status/", value.Exact)))
	s := http.server(t, "", "8080")
	s.in(t, "location = /status").is(t, "access_log off", "return 200")
	s.in(t, "location = /status/")
	s.in(t, "location @again")
	if text := s.in(t, "location /").String(); !strings.Contains(text, "proxy_pass http://$member\n") {
		t.Errorf("/ is %s", text)
	}
	http.in(t, "split_clients $segment_1 $slot_"+strings.TrimPrefix(root.Upstream.Name, "pods-"))
}

// EF6: of a host that can't be protected as asked nothing is served, but for what
// anybody may ask.
func TestRefused(t *testing.T) {
	t.Parallel()
	p := settings(t)
	acme := place("/.well-known/acme-challenge/x", value.Exact)
	some, none := hostOf("some.example", acme), hostOf("none.example")
	some.Refused, none.Refused, none.From = true, true, nil
	http := conf(t, p, none, some)
	http.server(t, "some.example", "8080").is(t, "listen 0.0.0.0:8080", "listen [::]:8080", "server_name some.example",
		"location = /.well-known/acme-challenge/x", "  proxy_pass http://"+acme.Upstream.Name, "location /", "  return 444")
	http.server(t, "none.example", "8080").is(t, "listen 0.0.0.0:8080", "listen [::]:8080", "server_name none.example", "return 444")
}

// EX5: with the PROXY protocol clients are known by it alone, and only from proxies
// that are trusted. Dispatcher's own listeners don't speak it.
func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	p := settings(t)
	dynamic(&p)
	h := hostOf("a.example", place("/", value.Prefix))
	secure(t, &p, h)
	p.ProxyProtocol = true
	http := conf(t, p, h, hostOf("b.example", place("/", value.Prefix)))
	for _, d := range http.Block {
		if d.Directive != "server" {
			continue
		}
		for _, l := range d.Block {
			own := strings.HasPrefix(line(l), "listen unix:") || line(l) == "listen 127.0.0.1:9253"
			if l.Directive == "listen" && strings.Contains(line(l), "proxy_protocol") == own {
				t.Error(line(l))
			}
		}
	}
	http.in(t, "real_ip_header proxy_protocol")
	http.in(t, "set_real_ip_from 10.0.0.0/8")
	http.in(t, "proxy_set_header X-Forwarded-For $remote_addr")
	http.in(t, "proxy_set_header X-Forwarded-Proto $scheme")
	if text := http.String(); strings.Contains(text, "http_x_forwarded") || strings.Contains(text, "$forwarded") {
		t.Errorf("a header of clients is believed: %s", text)
	}
	p.TrustedProxies = nil
	if text := conf(t, p, h).String(); strings.Contains(text, "real_ip") {
		t.Errorf("nobody is trusted, but: %s", text)
	}
}
