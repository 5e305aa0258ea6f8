package fuzz

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/30x/dispatcher/internal/nginxlex"
	"github.com/30x/dispatcher/pkg/route/policy/slots"
)

// simulated is an nginx with a configuration, as far as that says who answers. It
// knows the directives that are rendered, and reads them for itself.
type simulated struct{ http []*nginxlex.Node }

// asked is a request: what it is after nginx has parsed it.
type asked struct {
	secure     bool
	host, path string // as nginx compares them
	uri, args  string
	headers    map[string]string // by the name in their variable
	client     netip.Addr
}

// outcome is what nginx does with a request.
type outcome struct {
	closed   bool
	status   int    // nginx's own
	to       string // of a redirect, or the URL of a default location
	upstream string // that it is passed on to
	uri      string // with which
}

func simulate(nodes []*nginxlex.Node) *simulated {
	for _, n := range nodes {
		if n.Name() == "http" {
			return &simulated{n.Block}
		}
	}
	return &simulated{}
}

// simulation is the state of one request.
type simulation struct {
	*simulated
	asked
	vars map[string]string
	out  *outcome // nil: not yet decided
}

func (s *simulated) answer(a asked) outcome {
	server := s.server(a)
	if server == nil || has(server, "ssl_reject_handshake") {
		return outcome{closed: true}
	}
	r := &simulation{simulated: s, asked: a, vars: map[string]string{}}
	if r.rewrite(server.Block); r.out == nil {
		l := r.location(server)
		if l == nil {
			return outcome{status: 404}
		}
		r.enter(l)
	}
	if r.out.status == 444 {
		return outcome{closed: true}
	}
	return *r.out
}

func has(n *nginxlex.Node, name string) bool {
	return slices.ContainsFunc(n.Block, func(n *nginxlex.Node) bool { return n.Name() == name })
}

// server finds the server of a request: by name, by the longest wildcard, else the
// default one.
func (s *simulated) server(a asked) *nginxlex.Node {
	var found, def *nginxlex.Node
	longest := 0
	for _, n := range s.http {
		if n.Name() != "server" {
			continue
		}
		name, listens, isDefault := "", false, false
		for _, d := range n.Block {
			words := d.Args()
			switch {
			case d.Name() == "server_name":
				name = words[0]
			case d.Name() == "listen" && strings.HasPrefix(words[0], "0.0.0.0:"):
				listens = listens || slices.Contains(words, "ssl") == a.secure
				isDefault = isDefault || slices.Contains(words, "default_server")
			}
		}
		if !listens {
			continue
		}
		if isDefault {
			def = n
		}
		suffix, wildcard := strings.CutPrefix(name, "*")
		switch {
		case name != "" && name == a.host:
			return n
		case wildcard && strings.HasSuffix(a.host, suffix) && len(suffix) > longest:
			found, longest = n, len(suffix)
		}
	}
	if found != nil {
		return found
	}
	return def
}

// location finds the location of a path.
func (r *simulation) location(server *nginxlex.Node) (found *nginxlex.Node) {
	longest := 0
	for _, n := range server.Block {
		if n.Name() != "location" {
			continue
		}
		switch args := n.Args(); {
		case args[0] == "=" && args[1] == r.path:
			return n
		case args[0] != "=" && args[0][0] == '/' && strings.HasPrefix(r.path, args[0]) && len(args[0]) > longest:
			found, longest = n, len(args[0])
		}
	}
	return found
}

// rewrite does what nginx does first, in the order of the text.
func (r *simulation) rewrite(block []*nginxlex.Node) {
	for _, n := range block {
		if r.out != nil {
			return
		}
		switch args := n.Args(); n.Name() {
		case "set":
			r.vars[args[0]] = r.expand(args[1])
		case "if":
			if r.holds(args) {
				r.rewrite(n.Block)
			}
		case "return":
			o := outcome{}
			o.status, _ = strconv.Atoi(args[0])
			if len(args) > 1 {
				o.to = r.expand(args[1])
			}
			r.out = &o
		}
	}
}

// enter goes the way of a request through a location.
func (r *simulation) enter(l *nginxlex.Node) {
	r.rewrite(l.Block)
	allowed, limited := false, false
	for _, n := range l.Block {
		switch {
		case r.out != nil:
			return
		case n.Name() == "allow":
			limited = true
			allowed = allowed || netip.MustParsePrefix(n.Args()[0]).Contains(r.client)
		case n.Name() == "proxy_pass":
			if limited && !allowed {
				r.out = &outcome{status: 403}
				return
			}
			r.pass(n.Args()[0])
		}
	}
}

// pass passes a request on. Without a URI its own bytes go on; a URI without variables
// gets the query.
func (r *simulation) pass(url string) {
	name, uri := strings.TrimPrefix(url, "http://"), r.uri
	if i := strings.IndexByte(name, '/'); i > 0 {
		name, uri = name[:i], name[i:]
		if !strings.Contains(url, "$") && r.args != "" {
			uri += "?" + r.args
		}
	} else if i := strings.Index(name, "$path_after"); i > 0 {
		name, uri = name[:i], name[i:]
	}
	name = r.expand(name)
	if !strings.HasPrefix(name, "pods-") {
		r.out = &outcome{to: url}
		return
	}
	r.out = &outcome{upstream: name, uri: r.expand(uri)}
}

var variable = regexp.MustCompile(`\$[a-z0-9_]+`)

func (r *simulation) expand(text string) string { return variable.ReplaceAllStringFunc(text, r.value) }

// holds evaluates a condition: "($name", "=" or "!=", and "value)", where the value may
// be quoted.
func (r *simulation) holds(words []string) bool {
	want := strings.TrimSuffix(words[2], ")")
	if len(words) == 4 {
		want = words[2]
	}
	return (r.value(words[0][1:]) == r.expand(want)) == (words[1] == "=")
}

// value is that of a variable.
func (r *simulation) value(name string) string {
	if v, ok := r.vars[name]; ok {
		return v
	}
	switch name {
	case "$host":
		return r.host
	case "$uri":
		return r.path
	case "$request_uri":
		return r.uri
	case "$args":
		return r.args
	case "$is_args":
		if r.args != "" {
			return "?"
		}
		return ""
	case "$ssl_client_verify":
		return "NONE"
	}
	if header, ok := strings.CutPrefix(name, "$http_"); ok {
		return r.headers[header]
	}
	if arg, ok := strings.CutPrefix(name, "$arg_"); ok {
		m := regexp.MustCompile(`(?i)(?:^|&)` + arg + `=([^&]*)`).FindStringSubmatch(r.args)
		return append(m, "", "")[1]
	}
	for _, n := range r.http {
		if args := n.Args(); len(args) == 2 && args[1] == name {
			switch n.Name() {
			case "map":
				return r.lookUp(n.Block, r.value(args[0]))
			case "split_clients":
				return r.split(n.Block, r.value(args[0]))
			}
		}
	}
	return ""
}

// after stands for the expressions that Go's package can't do.
var after = regexp.MustCompile(`^(?:/+[^/?#]+){N}(/[^?#]*)(?:[?]|$)`)

// lookUp finds a row of a map, whose words ignore case.
func (r *simulation) lookUp(rows []*nginxlex.Node, key string) string {
	def := ""
	for _, row := range rows {
		word := row.Name()
		expression, isExpression := strings.CutPrefix(word, "~")
		if isExpression && strings.Contains(expression, "(?!") {
			n := regexp.MustCompile(`\)\{(\d+)\}\(\?<after>`).FindStringSubmatch(expression)[1]
			expression = strings.ReplaceAll(after.String(), "N", n)
		}
		switch {
		case isExpression:
			if m := regexp.MustCompile(expression).FindStringSubmatch(key); m != nil {
				return m[len(m)-1]
			}
		case word == "default":
			def = r.expand(row.Args()[0])
		case strings.EqualFold(strings.TrimPrefix(word, `\`), key):
			return r.expand(row.Args()[0])
		}
	}
	return def
}

// split finds a row of split_clients as nginx does.
func (r *simulation) split(rows []*nginxlex.Node, key string) string {
	hash, end := uint64(slots.Hash(key)), uint64(0)
	for _, row := range rows {
		whole, part := 0, 0
		if n, _ := fmt.Sscanf(row.Name(), "%d.%2d%%", &whole, &part); n < 1 {
			return r.expand(row.Args()[0]) // "*"
		}
		if end += uint64(100*whole+part) * 0xffffffff / 10000; hash < end {
			return r.expand(row.Args()[0])
		}
	}
	return ""
}
