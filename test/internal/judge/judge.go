// Package judge says whether a configuration of nginx is one that Dispatcher may
// render. Text enters; its tree leaves, or all that may not be in it. It knows a
// fixed list of directives and what stands in those that hold a tenant's values;
// it never runs nginx.
package judge

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/30x/dispatcher/internal/nginxlex"
)

// allowed are the directives by the block that they stand in. Whatever is not
// here, like include, rewrite, root, alias, load_module and proxy_set_header in a
// location, is never rendered.
func allowed(block string) []string {
	switch block {
	case "":
		return []string{"daemon", "pid", "error_log", "user", "worker_processes", "worker_rlimit_nofile", "worker_shutdown_timeout", "events", "http"}
	case "events":
		return []string{"worker_connections"}
	case "http":
		return []string{
			"server_tokens", "default_type", "server_names_hash_bucket_size", "server_names_hash_max_size", "variables_hash_max_size", "variables_hash_bucket_size",
			"map_hash_max_size", "map_hash_bucket_size", "split_clients", "check_shm_size", "client_max_body_size",
			"large_client_header_buffers", "reset_timedout_connection", "keepalive_min_timeout", "client_body_temp_path", "proxy_temp_path",
			"fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path", "log_format", "access_log", "set_real_ip_from", "real_ip_header",
			"real_ip_recursive", "geo", "map", "proxy_http_version", "proxy_set_header", "proxy_connect_timeout", "proxy_read_timeout",
			"proxy_send_timeout", "proxy_request_buffering", "proxy_max_temp_file_size", "proxy_buffer_size", "proxy_buffers",
			"proxy_busy_buffers_size", "proxy_next_upstream", "proxy_next_upstream_tries", "proxy_redirect", "proxy_ignore_headers",
			"resolver", "resolver_timeout", "ssl_protocols", "ssl_ciphers", "ssl_prefer_server_ciphers", "ssl_session_cache", "ssl_session_tickets",
			"proxy_ssl_verify", "proxy_ssl_verify_depth", "proxy_ssl_trusted_certificate", "proxy_ssl_server_name", "proxy_ssl_protocols",
			"upstream", "server",
		}
	case "upstream":
		return []string{"zone", "server", "least_conn", "random", "sticky", "keepalive", "keepalive_timeout", "check", "check_http_send", "check_http_expect_alive"}
	case "server":
		return []string{
			"listen", "http2", "server_name", "access_log", "return", "if", "set", "location", "ssl_certificate", "ssl_certificate_key", "ssl_client_certificate",
			"ssl_verify_client", "ssl_verify_depth", "ssl_reject_handshake", "error_page", "add_header", "proxy_hide_header",
		}
	case "location":
		return []string{
			"access_log", "return", "proxy_pass", "if", "set", "error_page", "stub_status", "add_header", "allow", "deny", "client_max_body_size",
			"proxy_connect_timeout", "proxy_read_timeout", "proxy_send_timeout", "proxy_ssl_name", "proxy_ssl_verify", "proxy_ssl_server_name",
		}
	case "if":
		return []string{"return", "set", "add_header"}
	}
	return nil
}

// heads are what the directives that hold a tenant's values look like, in the
// block that comes before the space.
func heads() map[string]*regexp.Regexp {
	const folder = `/[^*]*/(_default|(\*\.)?[a-z0-9.-]+)/[0-9a-f]{32}`
	const key = `\$(segment_[1-9]\d*|host_label|(arg|http|cookie)_[a-zA-Z0-9_]+)`
	const header = `(Retry-After 5|Strict-Transport-Security max-age=[1-9]\d*) always`
	const name = `[0-9a-f]{32}(_[2-9]\d*)?`
	const host = `[a-z0-9-]+(\.[a-z0-9-]+)*`
	const again = `@again(_\d+_\d+_\d+(_` + host + `)?)?`
	const path = `/[^\x00-\x20\x7f"'#$%;?<>\\^\x60{|}\[\]]*`
	return map[string]*regexp.Regexp{
		"http upstream":                    regexp.MustCompile(`^pods-[0-9a-f]{32}$`),
		"upstream server":                  regexp.MustCompile(`^((\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):[1-9]\d{0,4}( weight=[1-9]\d{0,4})?|pods-[0-9a-f]{32}\.endpoints\.internal service=http resolve max_fails=0)$`),
		"upstream zone":                    regexp.MustCompile(`^endpoints [1-9]\d*k$`),
		"upstream least_conn":              regexp.MustCompile(`^$`),
		"upstream random":                  regexp.MustCompile(`^two least_conn$`),
		"upstream sticky":                  regexp.MustCompile(`^cookie [A-Za-z0-9_-]{1,64} path=` + path + ` httponly samesite=lax( secure)?$`),
		"http resolver":                    regexp.MustCompile(`^(127(\.\d+){3}|\[::1\]):[1-9]\d*$`),
		"upstream check":                   regexp.MustCompile(`^interval=\d+ rise=\d+ fall=\d+ timeout=\d+( port=\d+)? type=(http|tcp|ssl_hello)$`),
		"upstream check_http_send":         regexp.MustCompile(`^GET /[^ "'$;\\{}]* HTTP/1\.0\r\n([A-Za-z0-9_-]+: [^\r\n"'$;\\{}]*\r\n)+\r\n$`),
		"upstream check_http_expect_alive": regexp.MustCompile(`^http_2xx http_3xx$`),
		"server server_name":               regexp.MustCompile(`^((\*\.)?[a-z0-9.-]+)?$`),
		"server location":                  regexp.MustCompile(`^((= )?` + path + `|@no_certificate|` + again + `)$`),
		"server if":                        regexp.MustCompile(`^\((\$host_parent != (\.[a-z0-9-]+)+ |\$ssl_client_verify != NONE)\)$`),
		"server ssl_certificate":           regexp.MustCompile(`^` + folder + `\.crt$`),
		"server ssl_certificate_key":       regexp.MustCompile(`^` + folder + `\.key$`),
		"server ssl_client_certificate":    regexp.MustCompile(`^` + folder + `\.ca\.crt$`),
		"server error_page":                regexp.MustCompile(`^496 = @no_certificate$`),
		"server add_header":                regexp.MustCompile(`^` + header + `$`),
		"location add_header":              regexp.MustCompile(`^` + header + `$`),
		"if add_header":                    regexp.MustCompile(`^` + header + `$`),
		"location allow":                   regexp.MustCompile(`^[0-9a-f.:]+/\d+$`),
		"location deny":                    regexp.MustCompile(`^all$`),
		"location client_max_body_size":    regexp.MustCompile(`^\d+[kmg]?$`),
		"location proxy_connect_timeout":   regexp.MustCompile(`^[1-9]\d*s$`),
		"location proxy_read_timeout":      regexp.MustCompile(`^[1-9]\d*s$`),
		"location proxy_send_timeout":      regexp.MustCompile(`^[1-9]\d*s$`),
		"http split_clients":               regexp.MustCompile(`^` + key + ` \$slot_` + name + `$`),
		"server proxy_hide_header":         regexp.MustCompile(`^Strict-Transport-Security$`),
		"location if":                      regexp.MustCompile(`^\((\$path_after_\d+ =  |\$http_[a-z0-9_]+ !?= [A-Za-z0-9+/]+=* |\$api_key = unknown|\$ssl_server_name != \$host|\$repeatable = 0|\$upstream_addr = (127(\.\d+){3}|\[::1\]):[1-9]\d*|\$override_key_` + name + ` = =` + key + ` |\$member = none)\)$`),
		"server return":                    regexp.MustCompile(`^(444|503|308 https://\$host(:[1-9]\d{0,4})?\$request_uri)$`),
		"server set":                       regexp.MustCompile(`^\$(again_(upstream|uri)|outside|backend_host) $`),
		"location set":                     regexp.MustCompile(`^(\$api_key unknown|\$outside yes|\$backend_host ` + host + `|\$member \$slot_` + name + `|\$again_upstream (\$member|pods-[0-9a-f]{32})|\$again_uri (/[^\x00-\x20\x7f-\xff"'#$;?<>\\^\x60{|}\[\]]*)?(\$path_after_\d+)?\$is_args\$args)$`),
		"location error_page":              regexp.MustCompile(`^502 = ` + again + `$`),
		"http proxy_ssl_verify":            regexp.MustCompile(`^on$`),
		"http proxy_ssl_server_name":       regexp.MustCompile(`^on$`),
		"location proxy_ssl_name":          regexp.MustCompile(`^` + host + `$`),
		"location proxy_ssl_verify":        regexp.MustCompile(`^off$`), // see checkHTTPS
		"location proxy_ssl_server_name":   regexp.MustCompile(`^off$`),
		"location stub_status":             regexp.MustCompile(`^$`),
		"if set":                           regexp.MustCompile(`^(\$api_key known|\$member \$override_` + name + `)$`),
		"location proxy_pass":              regexp.MustCompile(`^https?://\$again_upstream\$again_uri$|^https?://(\$member|pods-[0-9a-f]{32})(/[^\x00-\x20\x7f-\xff"'#$;?<>\\^\x60{|}\[\]]*)?(\$path_after_\d+)?(\$is_args\$args)?$`),
	}
}

// Judge is a configuration's judge. Make it with New.
type Judge struct {
	heads map[string]*regexp.Regexp
	// DefaultReturn is the URL that the operator's settings proxy to, if any.
	DefaultReturn string
}

// New makes a Judge.
func New() *Judge { return &Judge{heads: heads()} }

// Check parses a configuration and says what is wrong with it.
func (j *Judge) Check(conf string) ([]*nginxlex.Node, error) {
	nodes, err := nginxlex.Parse(conf)
	if err != nil {
		return nil, err
	}
	return nodes, errors.Join(j.block("", nodes)...)
}

func (j *Judge) block(name string, nodes []*nginxlex.Node) (errs []error) {
	upstreams := map[string]bool{}
	if name == "http" && mentions(nodes, "proxy_ssl_name") && !slices.ContainsFunc(nodes, func(n *nginxlex.Node) bool { return n.Name() == "proxy_ssl_verify" }) {
		errs = append(errs, errors.New("there are names to verify, but nothing is verified"))
	}
	for _, n := range nodes {
		if strings.ContainsFunc(n.Comment, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			errs = append(errs, fmt.Errorf("line %d: a control character in the comment %q", n.Line, n.Comment))
		}
		if n.IsComment() {
			continue
		}
		if !slices.Contains(allowed(name), n.Name()) {
			errs = append(errs, fmt.Errorf("line %d: %q stands in the block %q", n.Line, n, name))
			continue
		}
		args := strings.Join(n.Args(), " ")
		if head := j.heads[name+" "+n.Name()]; head != nil && !head.MatchString(args) && (j.DefaultReturn == "" || args != j.DefaultReturn) {
			errs = append(errs, fmt.Errorf("line %d: %q is not as it should be", n.Line, n))
		}
		if n.Name() == "upstream" {
			if upstreams[args] {
				errs = append(errs, fmt.Errorf("line %d: upstream %q stands there twice", n.Line, args))
			}
			upstreams[args] = true
		}
		if n.Name() == "server" && !isControl(n) && slices.ContainsFunc(n.Block, countsAll) {
			errs = append(errs, fmt.Errorf("line %d: what nginx counts is shown to everybody", n.Line))
		}
		if n.Name() == "location" {
			errs = append(errs, j.checkHTTPS(n)...)
		}
		switch n.Name() {
		case "map", "geo":
			errs = append(errs, checkMap(n)...)
		case "split_clients":
			errs = append(errs, checkSplit(n)...)
		default:
			errs = append(errs, j.block(n.Name(), n.Block)...)
		}
	}
	return errs
}

// mentions reports whether a directive stands in a block, or in one in it.
func mentions(nodes []*nginxlex.Node, name string) bool {
	return slices.ContainsFunc(nodes, func(n *nginxlex.Node) bool { return n.Name() == name || mentions(n.Block, name) })
}

// checkHTTPS refuses a location that asks somebody else than the operator's URL over
// https without a name to verify, or without verifying it.
func (j *Judge) checkHTTPS(location *nginxlex.Node) (errs []error) {
	has := map[string]string{}
	for _, n := range location.Block {
		has[n.Name()] = strings.Join(n.Args(), " ")
	}
	to, name := has["proxy_pass"], has["proxy_ssl_name"]
	if own := j.DefaultReturn != "" && strings.HasPrefix(to, j.DefaultReturn); own {
		return nil
	}
	if has["proxy_ssl_verify"] != "" || has["proxy_ssl_server_name"] != "" || strings.HasPrefix(to, "https:") != (name != "") {
		errs = append(errs, fmt.Errorf("line %d: %q asks %s, name %q: it must be verified if and only if it is https", location.Line, location, to, name))
	}
	return errs
}

// isControl reports whether a server listens for Dispatcher only.
func isControl(server *nginxlex.Node) bool {
	return !slices.ContainsFunc(server.Block, func(n *nginxlex.Node) bool {
		return n.Name() == "listen" && !strings.HasPrefix(strings.Join(n.Args(), " "), "unix:")
	})
}

// countsAll reports whether a location shows what nginx counts.
func countsAll(location *nginxlex.Node) bool {
	return slices.ContainsFunc(location.Block, func(n *nginxlex.Node) bool { return n.Name() == "stub_status" })
}

// checkMap refuses what has a meaning in a map, but for the maps with
// expressions of ours.
func checkMap(n *nginxlex.Node) (errs []error) {
	args := strings.Join(n.Args(), " ")
	ours := args == "$host $host_parent" || args == "$host $logged_host" || args == "$host $host_label" || args == "$host:$http_host $asked_host" || strings.HasPrefix(args, "$uri $segment_") || args == "$request_uri $logged_path" || strings.HasPrefix(args, "$request_uri $path_after_")
	for _, row := range n.Block {
		switch key := row.Name(); {
		case strings.HasPrefix(key, "~") && !ours, key == "include", key == "hostnames", key == "volatile", row.IsBlock:
			errs = append(errs, fmt.Errorf("line %d: %q stands in the map %q", row.Line, row, args))
		}
	}
	return errs
}

// checkSplit refuses rows that are no share of the keys and a Pod of ours.
func checkSplit(n *nginxlex.Node) (errs []error) {
	row := regexp.MustCompile(`^(\*|\d{1,3}(\.\d\d)?%) (pods-[0-9a-f]{32}|none)$`)
	for _, r := range n.Block {
		if text := strings.Join(append([]string{r.Name()}, r.Args()...), " "); !row.MatchString(text) {
			errs = append(errs, fmt.Errorf("line %d: %q stands in %q", r.Line, text, n))
		}
	}
	return errs
}
