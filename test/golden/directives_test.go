package golden

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/nginxlex"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/render/regex"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/source"
	"github.com/30x/dispatcher/templates"
	"github.com/30x/dispatcher/test/internal/corridor"
)

// rendered are all directives that nginx is ever given, after the block that they stand in.
// Each is here because somebody has thought about what a tenant could do with it.
const rendered = `
main: daemon error_log events http pid user worker_processes worker_rlimit_nofile worker_shutdown_timeout
events: worker_connections
http: access_log check_shm_size client_body_temp_path client_max_body_size default_type fastcgi_temp_path geo keepalive_min_timeout
http: large_client_header_buffers log_format map map_hash_bucket_size map_hash_max_size proxy_buffer_size proxy_buffers proxy_busy_buffers_size
http: proxy_connect_timeout proxy_http_version proxy_ignore_headers proxy_max_temp_file_size proxy_next_upstream proxy_next_upstream_tries
http: proxy_read_timeout proxy_redirect proxy_request_buffering proxy_send_timeout proxy_set_header proxy_ssl_protocols proxy_ssl_server_name
http: proxy_ssl_trusted_certificate proxy_ssl_verify proxy_ssl_verify_depth proxy_temp_path real_ip_header real_ip_recursive reset_timedout_connection
http: resolver resolver_timeout scgi_temp_path server server_names_hash_bucket_size server_names_hash_max_size server_tokens set_real_ip_from split_clients
http: ssl_ciphers ssl_prefer_server_ciphers ssl_protocols ssl_session_cache ssl_session_tickets upstream uwsgi_temp_path variables_hash_bucket_size
http: variables_hash_max_size
upstream: check check_http_expect_alive check_http_send keepalive keepalive_timeout least_conn random server sticky zone
server: access_log add_header error_page http2 if listen location proxy_hide_header return server_name set ssl_certificate ssl_certificate_key
server: ssl_client_certificate ssl_reject_handshake ssl_verify_client ssl_verify_depth
location: access_log add_header allow client_max_body_size deny error_page if proxy_connect_timeout proxy_pass proxy_read_timeout proxy_send_timeout
location: proxy_ssl_name proxy_ssl_server_name proxy_ssl_verify return set stub_status
if: add_header return set
`

// never are directives by which a text of a tenant could read a file, run a program or become
// an expression. They must not come to be in the list above.
var never = regexp.MustCompile(`^(include|load_module|rewrite|root|alias|try_files|autoindex.*|index|proxy_store.*|proxy_cache.*|.*_by_lua.*|lua_.*|js_.*|perl.*|env|dav_.*|ssi.*|sub_filter.*|` +
	`addition.*|image_filter.*|xslt.*|fastcgi_pass|uwsgi_pass|scgi_pass|grpc_pass|memcached_pass|mirror.*|auth_.*|secure_link.*|post_action|merge_slashes|ssl_engine|ssl_conf_command|ssl_password_file|stream|mail)$`)

// Every directive that is rendered of any case, example or crowd of tenants, with any
// settings and for any nginx, stands in the list, in its block; and every line of the list
// is rendered. Conditions, names and expressions are of the few forms that are safe.
func TestDirectives(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(rendered), "\n") {
		block, names, _ := strings.Cut(line, ": ")
		for _, name := range strings.Fields(names) {
			want[block+": "+name] = true
			if never.MatchString(name) {
				t.Errorf("%s must not be rendered in %s", name, block)
			}
		}
	}
	found := map[string]string{} // and where it was seen first
	for _, s := range scenes(t) {
		for _, v := range variants() {
			for _, problem := range s.walk(t, v, found, nil) {
				t.Errorf("%s, %s: %s", s.name, v.name, problem)
			}
		}
	}
	for _, d := range slices.Sorted(maps.Keys(found)) {
		if !want[d] {
			t.Errorf("%s is rendered (%s), and not in the list: if no text of a tenant can do harm with it, add it", d, found[d])
		}
	}
	for _, d := range slices.Sorted(maps.Keys(want)) {
		if found[d] == "" {
			t.Errorf("%s is in the list, and is rendered nowhere", d)
		}
	}
}

// What is added to any template is found.
func TestDirectivesFindAdditions(t *testing.T) {
	t.Parallel()
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	all := scenes(t)
	slices.Reverse(all) // those of which most is rendered are the last
	for name := range texts {
		changed := maps.Clone(texts)
		changed[name] = "autoindex on;\n" + changed[name]
		parsed, err := render.ParseTemplates(changed)
		if err != nil {
			t.Fatal(err)
		}
		seen := slices.ContainsFunc(all, func(s scene) bool {
			return slices.ContainsFunc(variants(), func(v variant) bool {
				found := map[string]string{}
				s.walk(t, v, found, parsed)
				return slices.ContainsFunc(slices.Collect(maps.Keys(found)), func(d string) bool { return strings.HasSuffix(d, ": autoindex") })
			})
		})
		if !seen {
			t.Errorf("nobody sees what is added to %s", name)
		}
	}
}

// scene is a set of objects, and the settings that belong to it.
type scene struct {
	name     string
	settings []string
	objects  []metav1.Object
}

// scenes are the cases of this package, the examples, and the tenants of the fuzz targets.
func scenes(t *testing.T) (out []scene) {
	t.Helper()
	add := func(name string, settings []string, manifests string) error {
		objects, _, err := source.ReadManifests([]string{"-"}, strings.NewReader(manifests))
		out = append(out, scene{name, settings, objects})
		return err
	}
	for _, name := range archives(t) {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		settings, moments := split(t, archive)
		for _, m := range moments {
			_ = add(filepath.Base(name)+" "+m.prefix, settings, m.given["manifests.yaml"]) // some can't be read, on purpose
		}
	}
	files, err := filepath.Glob(root + "/examples/*/manifest.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples found: %v", err)
	}
	for _, name := range append(files, root+"/test/fuzz/testdata/victims.yaml") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := add(name, nil, string(text)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// variant is a way to set Dispatcher up, and an nginx.
type variant struct {
	name  string
	flags []string
	nginx render.Capabilities
}

func variants() []variant {
	old := render.Capabilities{Version: render.Oldest(), TLS: true, Realip: true, StubStatus: true}
	checks := render.Stable()
	checks.UpstreamCheck = true
	tls := []string{"--ssl-cert=testdata/default.crt", "--ssl-key=testdata/default.key"}
	with := func(flags ...string) []string { return slices.Concat(tls, flags) }
	return []variant{
		{"as it is set", nil, render.Stable()},
		{"an old nginx", nil, old},
		{"an old nginx, all on", with("--hsts=true", "--trusted-proxies=10.0.0.0/8", "--dialects=dispatcher,microservice", "--pod-hosts=open", "--ingress-tls"), old},
		{"told of endpoints", with("--endpoints=dynamic", "--hsts=1h", "--default-namespace=shop", "--dialects=dispatcher,microservice", "--ingress-tls"), render.Stable()},
		{"told of endpoints, no log", []string{"--endpoints=dynamic", "--access-log=false", "--nginx-user=www-data"}, render.Stable()},
		{"PROXY protocol", with("--proxy-protocol", "--trusted-proxies=10.0.0.0/8", "--default-location-return=https://127.0.0.1:9"), render.Stable()},
		{"health checks", with("--nginx-enable-health-checks", "--ssl-redirect=false", "--api-key-required"), checks},
	}
}

// walk renders a scene and notes the directives. What it returns is wrong in any block.
func (s scene) walk(t *testing.T, v variant, found map[string]string, texts *render.Templates) (wrong []string) {
	t.Helper()
	settings := slices.DeleteFunc(slices.Clone(s.settings), func(setting string) bool { // a flag counts before it
		return strings.HasPrefix(setting, "DIALECTS=") && len(v.flags) > 0
	})
	c, err := corridor.New(settings, v.flags...)
	if err != nil {
		t.Fatalf("%s, %s: %v", s.name, v.name, err)
	}
	c.Params.Nginx, c.Options.Sticky = v.nginx, v.nginx.Sticky
	if texts != nil {
		c.Params.Templates = texts
	}
	cache := c.NewCache()
	for _, o := range s.objects {
		_, _ = cache.Set(o) // what is refused is another test's
	}
	table, _ := route.Build(cache.Snapshot(), c.Options)
	files, err := c.Render(table)
	if err != nil {
		t.Fatal(err)
	}
	top, err := nginxlex.Parse(string(files.Conf))
	if err != nil {
		t.Fatalf("%s, %s: %v", s.name, v.name, err)
	}
	note(top, "main", func(block string, n *nginxlex.Node) {
		key := block + ": " + n.Name()
		found[key] = cmp.Or(found[key], fmt.Sprintf("%s, %s, line %d", s.name, v.name, n.Line))
		if why := unsafe(n); why != "" {
			wrong = append(wrong, fmt.Sprintf("line %d: %s: %s", n.Line, n, why))
		}
	})
	return wrong
}

// note goes through the directives. What stands in a map, for example, is none.
func note(nodes []*nginxlex.Node, block string, do func(block string, n *nginxlex.Node)) {
	for _, n := range nodes {
		if n.IsComment() {
			continue
		}
		do(block, n)
		if name := n.Name(); name != "map" && name != "geo" && name != "split_clients" {
			note(n.Block, name, do)
		}
	}
}

// unsafe says why a directive might read more into a text than a comparison; "" if it can't.
func unsafe(n *nginxlex.Node) string {
	args := n.Args()
	text := strings.Join(args, " ")
	switch n.Name() {
	case "if":
		if !regexp.MustCompile(`^\(\$[a-z0-9_]+ !?= [^ ]* ?\)$`).MatchString(text) {
			return "a condition is one comparison"
		}
		last := n.Block[len(n.Block)-1]
		if last.Name() != "return" && last.String() != "set $api_key known" && !regexp.MustCompile(`^set \$member \$override_[0-9a-f_]+$`).MatchString(last.String()) {
			return "a condition ends with a return, or notes what it has found"
		}
	case "location":
		if plain := len(args) == 1 && strings.ContainsAny(text[:1], "/@"); !plain && !strings.HasPrefix(text, "= /") {
			return "a location is a prefix, an exact path or a name"
		}
	case "server_name":
		if len(args) != 1 || strings.ContainsAny(text, "~$") {
			return "a server has one name, and no expression"
		}
	case "map", "geo", "split_clients":
		for _, row := range n.Block {
			key := row.Name()
			if slices.Contains([]string{"include", "volatile", "hostnames", "delete", "proxy", "ranges"}, key) || strings.HasPrefix(key, "~") && !slices.Contains(ours(), key) {
				return fmt.Sprintf("the row %q means more than a text", key)
			}
		}
	}
	return ""
}

func TestUnsafe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`location /a~b { }`: false, `location = /a { }`: false, `location @again { }`: false, `location ~ /a { }`: true, `location ^~ /a { }`: true, `location ~/a { }`: true,
		`server_name *.a.example;`: false, `server_name ~a;`: true, `server_name a $b;`: true, `server_name "";`: false,
		`if ($a = "b") { return 400; }`: false, `if ($a ~ "b") { return 400; }`: true, `if (-f $a) { return 400; }`: true, `if ($a = b) { set $c d; }`: true, `if ($a) { return 400; }`: true,
		`map $uri $x { default ""; a b; }`: false, `map $uri $x { ~a b; }`: true, `map $uri $x { include b; }`: true, `map $uri $x { \include b; }`: false, `geo $x { ranges; }`: true,
	} {
		nodes, err := nginxlex.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := unsafe(nodes[0]); (got != "") != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// ours are the expressions that may be rendered.
func ours() []string {
	out := []string{regex.HostParent(), regex.AskedHost(), regex.KeyLabel(), regex.PrintablePath(), regex.Printable()}
	for n := range 100 {
		out = append(out, regex.PathAfter(n), regex.KeySegment(n))
	}
	return out
}
