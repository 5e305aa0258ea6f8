package render

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/render/regex"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/value"
)

// EF4, EX5: who is let in, and a location's own limits. Where a request begins anew
// its timeouts are the same.
func TestLimits(t *testing.T) {
	t.Parallel()
	own, usual := place("/own", value.Exact), place("/usual", value.Exact)
	own.Sources = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	nobody := place("/nobody", value.Exact)
	nobody.Sources = []netip.Prefix{netip.MustParsePrefix("255.255.255.255/32")}
	own.Limits = route.Limits{MaxBody: must(value.ParseSize("10m")), ConnectTimeout: 3, ReadTimeout: 60, SendTimeout: 7}
	own.Target = must(value.ParsePath("/there"))
	h := hostOf("a.example", nobody, own, usual)
	p := settings(t)
	limits := []string{"proxy_connect_timeout 3s", "proxy_read_timeout 60s", "proxy_send_timeout 7s"}
	head := append([]string{"allow 192.0.2.0/24", "allow 2001:db8::/32", "deny all", "client_max_body_size 10m"}, limits...)
	s := conf(t, p, h).server(t, "a.example", "8080")
	s.in(t, "location = /own").is(t, append(head, "proxy_pass http://"+own.Upstream.Name+"/there")...)
	s.in(t, "location = /nobody").is(t, "deny all", "proxy_pass http://"+nobody.Upstream.Name)
	s.in(t, "location = /usual").is(t, "proxy_pass http://"+usual.Upstream.Name)
	dynamic(&p)
	s = conf(t, p, h).server(t, "a.example", "8080")
	s.in(t, "location = /own").is(t, append(head, "set $again_upstream "+own.Upstream.Name, "set $again_uri /there$is_args$args", "error_page 502 = @again_3_60_7", "proxy_pass http://"+own.Upstream.Name+"/there")...)
	again := []string{"if $repeatable = 0", "  return 502", "proxy_pass http://$again_upstream$again_uri"}
	s.in(t, "location @again_3_60_7").is(t, append(limits, again...)...)
	s.in(t, "location @again").is(t, again...)
}

// KX4: who comes back later is told when, and by hosts over TLS what they always say.
func TestNoPods(t *testing.T) {
	t.Parallel()
	p := settings(t)
	l := place("/none", value.Exact)
	l.Upstream.Policy, l.Upstream.Endpoints = value.PolicyOne, nil
	plain, tls := hostOf("a.example", l), hostOf("b.example", l)
	secure(t, &p, tls)
	http := conf(t, p, plain, tls)
	http.server(t, "a.example", "8080").in(t, "location = /none").is(t, "add_header Retry-After 5 always", "return 503")
	http.server(t, "b.example", "8443").in(t, "location = /none").is(t, "add_header Retry-After 5 always", "add_header Strict-Transport-Security max-age=600 always", "return 503")
}

// HF1, HF3, HX10: which Pod gets a request is decided once for a location, and told to
// both of its blocks. The request's bytes go on untouched.
func TestKeyed(t *testing.T) {
	t.Parallel()
	l := keyedPlace("/ws/rooms", "segment:1", "Room", "default", "room")
	h := hostOf("a.example", l)
	name := strings.TrimPrefix(l.Upstream.Name, "pods-")
	one, three := l.Upstream.Keyed.Members[0].Upstream, l.Upstream.Keyed.Members[2].Upstream
	p := settings(t)
	http := conf(t, p, h)
	http.in(t, "split_clients $segment_3 $slot_"+name).is(t, "33.34% "+one, "33.33% none", "* "+three)
	http.in(t, "map $segment_3 $override_"+name).is(t, "default", "Room "+three, `\default `+three)
	http.in(t, "map $segment_3 $override_key_"+name).is(t, "default", "Room =Room", `\default =default`)
	http.in(t, "map $segment_3 $override_"+name+"_2").is(t, "default", "room "+three)
	http.in(t, "map $segment_3 $override_key_"+name+"_2").is(t, "default", "room =room")
	http.in(t, "map $uri $segment_3").is(t, "default", regex.KeySegment(3)+" $key_segment")
	http.in(t, "upstream "+one).is(t, "server 10.0.0.1:80", "keepalive 32", "keepalive_timeout 4s")
	http.in(t, "upstream "+three)
	choice := []string{
		"set $member $slot_" + name,
		"if $override_key_" + name + " = =$segment_3", "  set $member $override_" + name,
		"if $override_key_" + name + "_2 = =$segment_3", "  set $member $override_" + name + "_2",
	}
	none := []string{"if $member = none", "  add_header Retry-After 5 always", "  return 503"}
	for _, place := range []string{"location = /ws/rooms", "location /ws/rooms/"} {
		http.server(t, "a.example", "8080").in(t, place).is(t, slices.Concat(choice, none, []string{"proxy_pass http://$member"})...)
	}
	dynamic(&p)
	http = conf(t, p, h)
	http.in(t, "split_clients $segment_3 $slot_"+name).is(t, "33.34% "+one, "33.33% "+l.Upstream.Keyed.Members[1].Upstream, "* "+three)
	http.in(t, "upstream "+l.Upstream.Keyed.Members[1].Upstream).is(t, "zone endpoints 4096k", "server "+l.Upstream.Keyed.Members[1].Upstream+".endpoints.internal service=http resolve max_fails=0", "keepalive 32", "keepalive_timeout 4s")
	http.server(t, "a.example", "8080").in(t, "location /ws/rooms/").is(t, slices.Concat(choice, []string{"set $again_upstream $member", "error_page 502 = @again", "proxy_pass http://$member"})...)

	l.Target = must(value.ParsePath("/to"))
	http = conf(t, p, h)
	http.server(t, "a.example", "8080").in(t, "location = /ws/rooms").is(t, slices.Concat(choice, []string{"set $again_upstream $member", "set $again_uri /to$is_args$args", "error_page 502 = @again", "proxy_pass http://$member/to$is_args$args"})...)
	http.server(t, "a.example", "8080").in(t, "location /ws/rooms/").is(t, slices.Concat([]string{"if $path_after_2 =", "  return 400"}, choice, []string{"set $again_upstream $member", "set $again_uri /to$path_after_2$is_args$args", "error_page 502 = @again", "proxy_pass http://$member/to$path_after_2$is_args$args"})...)
}

// A location by a key has what else a location has, and sizes that hold what it needs;
// without a place for keys, or Pods, it answers 503.
func TestKeyedExtras(t *testing.T) {
	t.Parallel()
	p := settings(t)
	l := keyedPlace("/", "host", "a")
	l.Auth.Keys = []value.Key{must(value.NewKey([]byte("secret")))}
	l.Limits.ReadTimeout = 9
	h := hostOf("a.example", l)
	secure(t, &p, h)
	http := conf(t, p, h)
	http.in(t, "map $host $host_label").is(t, "default", regex.KeyLabel()+" $key_label")
	http.in(t, "variables_hash_bucket_size 512")
	http.in(t, "map_hash_bucket_size 16384")
	http.in(t, "map_hash_max_size 10000")
	text := http.server(t, "a.example", "8443").in(t, "location /").String()
	for _, want := range []string{"proxy_read_timeout 9s\nif $http_x_api_key != ", "if $member = none\n  add_header Retry-After 5 always\n  add_header Strict-Transport-Security max-age=600 always\n  return 503\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for name, change := range map[string]func(*route.Location){
		"nobody serves":      func(l *route.Location) { l.Upstream.Endpoints = nil },
		"there are no slots": func(l *route.Location) { l.Upstream.Keyed.Slots = nil },
	} {
		l := keyedPlace("/x", "arg:a")
		change(l)
		http := conf(t, settings(t), hostOf("a.example", l))
		http.server(t, "a.example", "8080").in(t, "location /x/").is(t, "add_header Retry-After 5 always", "return 503")
		if strings.Contains(http.String(), "upstream pods-") || strings.Contains(http.String(), "split_clients") {
			t.Errorf("%s: %s", name, http)
		}
	}
	l = keyedPlace("/x", "arg:a")
	l.Upstream.Keyed.Slots = nil
	p = settings(t)
	dynamic(&p)
	conf(t, p, hostOf("a.example", l)).server(t, "a.example", "8080").in(t, "location /x/").is(t, "add_header Retry-After 5 always", "return 503")
}

// EX8: who serves from outside the cluster does not learn who a client is by its
// certificate; Pods of the same configuration do.
func TestOutside(t *testing.T) {
	t.Parallel()
	p := settings(t)
	out, in := place("/out", value.Exact), place("/in", value.Exact)
	out.Upstream.Endpoints[0].Pod.Kind = "EndpointSlice"
	h := hostOf("a.example", in, out)
	secure(t, &p, h)
	if http := conf(t, p, h); strings.Contains(http.String(), "outside") {
		t.Errorf("no client shows a certificate, but: %s", http)
	}
	h.TLS.Clients = must(certificate.NewBundle([]byte(pki.NewAuthority(t, "clients").PEM())))
	http := conf(t, p, h)
	http.in(t, "map $outside $inside_subject").is(t, "default $ssl_client_s_dn", "yes")
	http.in(t, "proxy_set_header X-SSL-Client-Subject $inside_subject")
	http.in(t, "proxy_set_header X-SSL-Client-Issuer $inside_issuer")
	http.in(t, "proxy_set_header X-SSL-Client-Fingerprint $inside_fingerprint")
	s := http.server(t, "a.example", "8443")
	s.in(t, "set $outside")
	s.in(t, "location = /out").is(t, "set $outside yes", "proxy_pass http://"+out.Upstream.Name)
	s.in(t, "location = /in").is(t, "proxy_pass http://"+in.Upstream.Name)
}
