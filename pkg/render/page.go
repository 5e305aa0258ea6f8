package render

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Page is what the templates see. Its fields and methods, and those of what it
// holds, are the contract with an operator's own templates.
type Page struct {
	Params
	Generation  string
	Servers     []Server
	PathDepths  []int // numbers of segments that target paths replace: one map each
	HasWildcard bool
	// Sizes for server_names_hash_bucket_size and …_max_size, from the names.
	NamesHashBucketSize, NamesHashMaxSize int
}

// Server is one host.
type Server struct {
	*route.VirtualHost
	Page  *Page
	Rules []Rule
	// Unclaimed are the arguments of locations for paths that no Pod serves.
	Unclaimed []string
}

// Rule is one location block of nginx. A prefix location becomes two: the path
// itself and all below it, because nginx's own prefixes end inside a segment.
type Rule struct {
	*route.Location
	Host  value.Host
	Exact bool
	// Pattern is the location's argument.
	Pattern string
	// URI follows the upstream's name in proxy_pass; empty: the client's bytes go
	// to the Pod untouched.
	URI string
	// Require is a variable without which the request is refused; may be empty.
	Require string
	// First marks the first rule of its Location.
	First bool
}

func newPage(t *route.Table, p Params) *Page {
	page := &Page{Params: p, Generation: placeholder, Servers: make([]Server, len(t.Hosts))}
	longest := 0
	for i, h := range t.Hosts {
		page.Servers[i] = newServer(page, h)
		page.HasWildcard = page.HasWildcard || h.Name.Wildcard()
		longest = max(longest, len(h.Name.String()))
		for _, l := range h.Locations {
			if depth := l.Path.Segments(); l.Match == route.Prefix && !l.Target.IsZero() && !slices.Contains(page.PathDepths, depth) {
				page.PathDepths = append(page.PathDepths, depth)
			}
		}
	}
	slices.Sort(page.PathDepths)
	page.NamesHashBucketSize, page.NamesHashMaxSize = hashSizes(len(t.Hosts), longest)
	return page
}

func newServer(page *Page, h *route.VirtualHost) Server {
	s := Server{VirtualHost: h, Page: page, Rules: make([]Rule, 0, 2*len(h.Locations))}
	for _, l := range h.Locations {
		first := len(s.Rules)
		path := l.Path.String()
		if l.Match == route.Exact || !l.Path.IsRoot() && h.Find(path, route.Exact) == nil {
			s.Rules = append(s.Rules, Rule{Location: l, Host: h.Name, Exact: true, Pattern: path, URI: l.Target.Encoded()})
		}
		if l.Match == route.Prefix {
			s.Rules = append(s.Rules, prefixRule(h.Name, l))
		}
		s.Rules[first].First = true
		if bare := l.Path.WithoutSlash().String(); bare != path && l.Match == route.Exact {
			s.addBare(h, bare)
		}
	}
	if h.Find("/", route.Prefix) == nil {
		s.Unclaimed = append(s.Unclaimed, "/")
	}
	return s
}

// addBare says what serves the path below an exact path with a slash at its end.
// It is what would serve it anyway, but nginx, if not told, redirects there.
func (s *Server) addBare(h *route.VirtualHost, path string) {
	if h.Find(path, route.Exact) != nil || h.Find(path, route.Prefix) != nil {
		return // it has a rule of its own
	}
	for parent := path; parent != "/"; {
		parent = parent[:max(strings.LastIndexByte(parent, '/'), 1)]
		if l := h.Find(parent, route.Prefix); l != nil {
			r := prefixRule(h.Name, l)
			r.Exact, r.Pattern = true, path
			s.Rules = append(s.Rules, r)
			return
		}
	}
	s.Unclaimed = append(s.Unclaimed, "= "+path)
}

// prefixRule answers all below a path. With a target path, what follows the
// path in the client's own bytes follows the target: nginx's replacement would
// decode it, and join "/sl/" and "/bar" to "/bar1".
func prefixRule(host value.Host, l *route.Location) Rule {
	path := l.Path.String()
	if !l.Path.IsRoot() {
		path += "/"
	}
	r := Rule{Location: l, Host: host, Pattern: path}
	if !l.Target.IsZero() {
		r.Require = fmt.Sprintf("$path_after_%d", l.Path.Segments())
		target := l.Target.WithoutSlash()
		if !target.IsRoot() {
			r.URI = target.Encoded()
		}
		r.URI += r.Require + "$is_args$args"
	}
	return r
}

// hashSizes follows ngx_hash.c: a bucket must hold a pointer, the name with its
// length aligned to a pointer, and a closing pointer; nginx refuses the whole
// configuration otherwise. The number of buckets leaves it room to choose.
func hashSizes(names, longest int) (bucket, size int) {
	const pointer, cacheLine = 8, 64
	need := pointer + (longest+2+pointer-1)/pointer*pointer + pointer
	bucket = (need + cacheLine - 1) / cacheLine * cacheLine
	if names > 1000 {
		bucket *= 2 // fewer sizes to try when nginx builds the table
	}
	return bucket, max(512, 1<<bits.Len(uint(2*names)))
}
