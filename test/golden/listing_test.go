package golden

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	crossplane "github.com/nginxinc/nginx-go-crossplane"
)

// parse reads a configuration with a parser that is not ours.
func parse(conf []byte) (crossplane.Directives, error) {
	payload, err := crossplane.Parse("nginx.conf", &crossplane.ParseOptions{
		SingleFile:         true,
		StopParsingOnError: true,
		Open:               func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(conf)), nil },
	})
	if err != nil {
		return nil, err
	}
	if payload.Status != "ok" || len(payload.Config) != 1 {
		return nil, fmt.Errorf("%d files, status %s: %v", len(payload.Config), payload.Status, payload.Errors)
	}
	return payload.Config[0].Parsed, nil
}

// listing says what a configuration does, one line a location, in the order of
// the configuration. Servers that are the same in all of them are left out, and
// an error tells of every directive that it does not know how to show.
func listing(conf []byte) ([]string, error) {
	top, err := parse(conf)
	if err != nil {
		return nil, err
	}
	l := &lister{upstreams: map[string]string{}, used: map[string]bool{}, keys: keys{}, source: map[string]string{}}
	for _, d := range top {
		if d.Directive != "http" {
			continue
		}
		for _, d := range d.Block {
			switch {
			case d.Directive == "upstream":
				l.upstream(d)
			case d.Directive == "split_clients", d.Directive == "map":
				l.where(d)
			case d.Directive == "server" && !strings.HasPrefix(d.Block[0].Args[0], "unix:"): // that is the control server
				l.server(d)
			}
		}
	}
	for name := range l.upstreams {
		if !l.used[name] {
			l.fail("upstream %s is not used", name)
		}
	}
	return l.lines, errors.Join(l.errs...)
}

type lister struct {
	upstreams map[string]string // what each does, by name
	used      map[string]bool
	keys      keys
	source    map[string]string // where the key is, by the same names
	lines     []string
	errs      []error
}

func (l *lister) fail(format string, args ...any) {
	l.errs = append(l.errs, fmt.Errorf(format, args...))
}

func (l *lister) upstream(d *crossplane.Directive) {
	name := d.Args[0]
	if _, ok := l.upstreams[name]; ok {
		l.fail("upstream %s stands there twice", name)
	}
	var servers, rest []string
	for _, d := range d.Block {
		switch text := d.Directive + " " + strings.Join(d.Args, " "); {
		case d.Directive == "server":
			servers = append(servers, strings.Join(d.Args, " "))
		case strings.HasPrefix(d.Directive, "check"):
			rest = append(rest, "; "+text)
		case d.Directive == "least_conn", d.Directive == "random", d.Directive == "sticky":
			rest = append(rest, "; "+strings.TrimSpace(text))
		case text != "keepalive 32" && text != "keepalive_timeout 4s" && text != "zone endpoints 4096k":
			l.fail("upstream %s: %s", name, text)
		}
	}
	l.upstreams[name] = strings.Join(servers, ", ") + strings.Join(rest, "")
}

func (l *lister) server(d *crossplane.Directive) {
	var head, listens, rows []string
	host := "(no host: for upstreams without endpoints)"
	for _, d := range d.Block {
		switch text := strings.Join(d.Args, " "); d.Directive {
		case "server_name":
			host = text
			if host == "" {
				host = "(any other host)"
			}
		case "listen":
			listens = append(listens, text)
		case "if":
			head = append(head, "  "+condition(d))
		case "return", "ssl_certificate", "ssl_certificate_key", "ssl_client_certificate", "ssl_verify_client", "ssl_reject_handshake", "error_page", "add_header":
			head = append(head, "  "+d.Directive+" "+text)
		case "http2", "ssl_verify_depth", "proxy_hide_header", "access_log": // the same everywhere
		case "set":
			if text != "$again_upstream " && text != "$again_uri " && text != "$outside " && text != "$backend_host " {
				l.fail("server %s: set %s", host, text)
			}
		case "location":
			if strings.HasPrefix(d.Args[0], "@again") {
				l.again(d)
				continue
			}
			rows = append(rows, l.location(d))
		default:
			l.fail("server %s: %s %s", host, d.Directive, text)
		}
	}
	listen := strings.TrimSuffix(strings.Join(listens, ", "), " default_server")
	switch {
	case host == "(any other host)" && slices.Equal(rows, []string{"= /dispatcher/status\treturn 200", "/\treturn 444"}) && listen == "0.0.0.0:80":
		return // as it is without settings
	case listen != "0.0.0.0:80":
		host += " at " + listen
	}
	l.lines = append(l.lines, host)
	l.lines = append(append(l.lines, head...), align(rows)...)
}

// again checks the location that begins a request anew. It is the same everywhere.
func (l *lister) again(d *crossplane.Directive) {
	var does []string
	want := "if $repeatable = 0: return 502; proxy_pass http://$again_upstream$again_uri"
	for _, o := range d.Block {
		text := o.Directive + " " + strings.Join(o.Args, " ")
		switch {
		case o.Directive == "if":
			text = condition(o)
		case strings.HasSuffix(o.Directive, "_timeout"):
			continue
		case o.Directive == "proxy_ssl_name" && strings.HasSuffix(d.Args[0], "_"+o.Args[0]):
			want = "if $upstream_addr = 127.0.0.1:9253: add_header Retry-After 5 always; return 503; " + strings.ReplaceAll(want, "http:", "https:")
			continue
		}
		does = append(does, text)
	}
	if got := strings.Join(does, "; "); got != want {
		l.fail("location %s: %s", d.Args[0], got)
	}
}

// align sets the second column of the rows under one another.
func align(rows []string) []string {
	width := 0
	for _, r := range rows {
		width = max(width, strings.IndexByte(r, '\t'))
	}
	var out []string
	for _, r := range rows {
		path, does, _ := strings.Cut(r, "\t")
		out = append(out, fmt.Sprintf("  %-*s  %s", width, path, does))
	}
	return out
}

// location gives the argument and, after a tab, what is done.
func (l *lister) location(d *crossplane.Directive) string {
	path := cut(strings.Join(d.Args, " "))
	var does []string
	// A request that begins anew must go where it went at first.
	where, again, name := "", map[string]string{}, ""
	var chosen []string
	for _, d := range d.Block {
		if name := chooses(d); name != "" {
			chosen = append(chosen, name)
			continue
		}
		switch d.Directive {
		case "proxy_pass":
			if chosen != nil {
				does = append(does, l.member(chosen))
			}
			does = append(does, l.proxy(d.Args[0], name))
			where = d.Args[0]
		case "return":
			does = append(does, "return "+strings.Join(d.Args, " "))
		case "if":
			does = append(does, condition(d))
		case "set":
			if strings.HasPrefix(d.Args[0], "$again_") {
				again[d.Args[0]] = d.Args[1]
				continue
			}
			does = append(does, "set "+strings.Join(d.Args, " "))
		case "error_page":
			again["error_page"] = strings.Join(d.Args, " ")
		case "access_log":
		case "proxy_ssl_name":
			name = d.Args[0]
		case "proxy_ssl_verify", "proxy_ssl_server_name": // of the operator's own URL
			does = append(does, d.Directive+" "+d.Args[0])
		case "allow", "deny", "add_header", "client_max_body_size", "proxy_connect_timeout", "proxy_read_timeout", "proxy_send_timeout":
			does = append(does, d.Directive+" "+strings.Join(d.Args, " "))
		default:
			l.fail("location %s: %s", path, d.Directive)
		}
	}
	if len(again) > 0 {
		if name != "" && !strings.HasSuffix(again["error_page"], "_"+name) {
			l.fail("location %s: %s is verified, but not again", path, name)
		}
		l.sameAgain(path, where, again)
	}
	return path + "\t" + strings.Join(does, "; ")
}

// sameAgain checks that a request that begins anew goes where it went at first. In a
// variable nginx doesn't add the query by itself.
func (l *lister) sameAgain(path, where string, again map[string]string) {
	const query = "$is_args$args"
	uri := again["$again_uri"]
	if !strings.Contains(where, query) {
		uri = strings.TrimSuffix(uri, query)
	}
	scheme, _, _ := strings.Cut(where, "://")
	if !strings.HasPrefix(again["error_page"], "502 = @again") || scheme+"://"+again["$again_upstream"]+uri != where {
		l.fail("location %s: proxy_pass %s, but again %v", path, where, again)
	}
}

// proxy says where requests go, and whom that must be by its certificate.
func (l *lister) proxy(url, verified string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	name, uri := rest, ""
	if i := strings.IndexAny(rest, "/$"); i >= 0 {
		name, uri = rest[:i], rest[i:]
	}
	does, ok := l.upstreams[name]
	switch {
	case strings.HasPrefix(uri, "$member"):
		does, uri = "to it", strings.TrimPrefix(uri, "$member")
	case !ok && strings.HasPrefix(name, "pods-"):
		l.fail("proxy_pass to %s, which does not exist", name)
	case !ok:
		return "proxy to " + url
	}
	l.used[name] = true
	if uri != "" {
		does += " as " + cut(uri)
	}
	if scheme == "https" || verified != "" {
		does = scheme + " verified as " + verified + ": " + does
	}
	return does
}

// condition is an if block.
func condition(d *crossplane.Directive) string {
	args := slices.Clone(d.Args)
	for i, a := range args {
		if a == "" {
			args[i] = `""`
		}
	}
	var does []string
	for _, d := range d.Block {
		does = append(does, d.Directive+" "+strings.Join(d.Args, " "))
	}
	return fmt.Sprintf("if %s: %s", strings.Join(args, " "), strings.Join(does, "; "))
}

// cut shortens a long text and says how long it is.
func cut(s string) string {
	if len(s) <= 100 {
		return s
	}
	return fmt.Sprintf("%s...(%d bytes)", s[:40], len(s))
}
