package render

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/healthcheck"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Page is what the templates see. Its fields and methods, and those of what it
// holds, are the contract with an operator's own templates. What stands there
// for every host, location or Pod is flat and of plain types, because looking
// up methods and embedded fields is most of a template's work.
type Page struct {
	Params
	Generation  string
	Servers     []Server
	PathDepths  []int // numbers of segments that target paths replace: one map each
	HasWildcard bool
	// Sizes for server_names_hash_bucket_size and …_max_size, from the names.
	NamesHashBucketSize, NamesHashMaxSize int
	// CheckZone is the size of the memory for health checks in kilobytes, with
	// room for each server; 0 if there are no checks.
	CheckZone int
	// DefaultTLS is for the default TLS server; nil: no host is served over TLS.
	DefaultTLS *TLS
	// ListenHTTP and ListenTLS are arguments of listen directives.
	ListenHTTP, ListenTLS []string

	zone    int // of the memory for endpoints, in kilobytes
	files   []CertificateFile
	header  string      // nginx's variable for the header with the API key
	keys    []value.Key // by the number in their placeholder
	numbers map[value.Key]int
}

// Server is one host.
type Server struct {
	Page       *Page
	Listen     []string // arguments of the listen directives
	TLS        *TLS     // nil: plain HTTP
	Shadowed   bool     // HTTPS requests for it must be turned away, or a wildcard host would serve them
	Name       string
	Wildcard   bool     // Name begins with "*."
	Parent     string   // what follows the left-most label of Name, with its dot
	Refused    bool     // no request for it is answered
	Namespaces []string // that declare it, oldest first; empty if it is refused
	Rules      []Rule
	Unclaimed  []Unclaimed
}

// Unclaimed is a location for paths that no Pod serves.
type Unclaimed struct {
	Pattern string // the location's arguments
	// Rest follows the path of a DefaultReturn that is a URL with one: nginx
	// replaces all of the location's path by it.
	Rest string
}

// Rule is one location block of nginx. A prefix location becomes two: the path
// itself and all below it, because nginx's own prefixes end inside a segment.
type Rule struct {
	Host      string
	Path      string // as declared
	IsExact   bool   // the Path is declared to match exactly
	Namespace string
	Org, Env  string // labels of the Namespace; may be empty
	Upstream  Upstream
	NoPods    bool     // none of its Pods serves, and another Namespace must not either
	Closed    bool     // nobody is let in: an API key is demanded, and there is none
	Header    string   // nginx's variable for the header with the API key
	Keys      []string // placeholders of API keys; one of them must come with a request, if there are any
	// Modifier and Pattern are the location's arguments.
	Modifier, Pattern string
	// URI follows the upstream's name in proxy_pass; empty: the client's bytes go
	// to the Pod untouched.
	URI string
	// AgainURI is the same for a request that begins anew: in the place of URI it
	// stands in a variable, to which nginx doesn't add the query by itself.
	AgainURI string
	// Require is a variable without which the request is refused; may be empty.
	Require string
	// First marks the first rule of its Path.
	First bool
}

// Upstream is the Pods of a rule.
type Upstream struct {
	Name      string
	Endpoints []Endpoint
	// Service is the name by which nginx asks for the endpoints; "": they are all
	// that is said. Zone is then the size of nginx's memory for them in kilobytes.
	Service     string
	Zone        int
	HealthCheck *healthcheck.Check // nil: none
	Balance     string             // directive; "": round robin
	Sticky      *Sticky            // nil: none
}

// Sticky is a cookie that keeps a client at a Pod.
type Sticky struct {
	Cookie string
	Path   string // of the requests that it is for, as a client writes it
	Secure bool   // clients may send it over TLS only
}

// Endpoint is one Pod's address.
type Endpoint struct {
	Addr            string
	Weight          int // 0: not set
	Pod             string
	AppName, AppRev string // labels of the Pod; may be empty
}

func newPage(t *route.Table, p Params) *Page {
	page := &Page{Params: p, Generation: placeholder, header: p.APIKeyVariable(), numbers: map[value.Key]int{}, Servers: make([]Server, len(t.Hosts)), ListenHTTP: p.ListenAddresses()}
	if p.Default != nil {
		tls := page.addPair(defaultFolder, p.Default)
		page.DefaultTLS, page.ListenTLS = &tls, p.SSLListenAddresses()
	}
	if p.Dynamic != nil {
		page.zone = p.Dynamic.ZoneSize()
	}
	longest := 0
	for i, h := range t.Hosts {
		page.Servers[i] = page.server(h)
		page.HasWildcard = page.HasWildcard || h.Name.Wildcard()
		longest = max(longest, len(h.Name.String()))
		for _, l := range h.Locations {
			if depth := l.Path.Segments(); l.Match == value.Prefix && !l.Target.IsZero() && !slices.Contains(page.PathDepths, depth) {
				page.PathDepths = append(page.PathDepths, depth)
			}
		}
	}
	slices.Sort(page.PathDepths)
	page.NamesHashBucketSize, page.NamesHashMaxSize = hashSizes(len(t.Hosts), longest)
	return page
}

func (page *Page) server(h *route.VirtualHost) Server {
	s := Server{
		Page:       page,
		Listen:     page.ListenHTTP,
		TLS:        page.addTLS(h.Name.String(), h.TLS),
		Shadowed:   h.Shadowed,
		Name:       h.Name.String(),
		Wildcard:   h.Name.Wildcard(),
		Parent:     h.Name.Parent(),
		Refused:    h.Refused,
		Namespaces: make([]string, len(h.From)),
		Rules:      make([]Rule, 0, 2*len(h.Locations)),
	}
	if s.TLS != nil {
		s.Listen = page.ListenTLS
	}
	for i, ns := range h.From {
		s.Namespaces[i] = ns.Name
	}
	for _, l := range h.Locations {
		first := len(s.Rules)
		rule := page.rule(h, l)
		if l.Match == value.Exact || !l.Path.IsRoot() && h.Find(rule.Path, value.Exact) == nil {
			s.Rules = append(s.Rules, rule.exact(l))
		}
		if l.Match == value.Prefix {
			s.Rules = append(s.Rules, rule.below(l))
		}
		s.Rules[first].First = true
		if bare := l.Path.WithoutSlash(); bare != l.Path && l.Match == value.Exact {
			s.addBare(h, bare)
		}
	}
	if h.Find("/", value.Prefix) == nil && !h.Refused {
		s.Unclaimed = append(s.Unclaimed, Unclaimed{Pattern: "/"})
	}
	return s
}

// addBare says what serves the path below an exact path with a slash at its end.
// It is what would serve it anyway, but nginx, if not told, redirects there.
func (s *Server) addBare(h *route.VirtualHost, encoded value.Path) {
	path := encoded.String()
	if h.Find(path, value.Exact) != nil || h.Find(path, value.Prefix) != nil {
		return // it has a rule of its own
	}
	if l := h.Cover(path); l != nil {
		r := s.Page.rule(h, l).below(l)
		r.Modifier, r.Pattern = "=", path
		s.Rules = append(s.Rules, r)
		return
	}
	u := Unclaimed{Pattern: "= " + path}
	if strings.HasSuffix(s.Page.DefaultReturn, "/") {
		u.Rest = encoded.Encoded()[1:]
	}
	s.Unclaimed = append(s.Unclaimed, u)
}

func (page *Page) rule(h *route.VirtualHost, l *route.Location) Rule {
	if l.Upstream.HealthCheck != nil {
		page.CheckZone = max(page.CheckZone, 1024) + len(l.Upstream.Endpoints) // 1 kB a server is ample
	}
	up := Upstream{Name: l.Upstream.Name, HealthCheck: l.Upstream.HealthCheck, Endpoints: make([]Endpoint, len(l.Upstream.Endpoints))}
	if l.Upstream.Balance != value.RoundRobin {
		up.Balance = string(l.Upstream.Balance)
	}
	if page.Dynamic != nil {
		up.Service, up.Zone = l.Upstream.Name+"."+Domain, page.zone
	}
	if l.Upstream.Sticky != (value.Cookie{}) {
		up.Sticky = &Sticky{Cookie: l.Upstream.Sticky.String(), Path: l.Path.Encoded(), Secure: h.TLS != nil}
	}
	for i, e := range l.Upstream.Endpoints {
		up.Endpoints[i] = Endpoint{
			Addr: e.Addr.String(), Weight: e.Weight, Pod: e.Pod.Name, AppName: e.AppName.String(), AppRev: e.AppRev.String(),
		}
	}
	return Rule{
		Host:      h.Name.String(),
		Path:      l.Path.String(),
		IsExact:   l.Match == value.Exact,
		Namespace: l.From.Name,
		Org:       l.Org.String(),
		Env:       l.Env.String(),
		Upstream:  up,
		NoPods:    len(l.Upstream.Endpoints) == 0 && page.Dynamic == nil,
		Closed:    l.Auth.Closed,
		Header:    page.header,
		Keys:      page.placeholders(l.Auth.Keys),
	}
}

// placeholders gives the texts that stand for API keys in templates.
func (page *Page) placeholders(keys []value.Key) []string {
	var out []string
	for _, k := range keys {
		n, ok := page.numbers[k]
		if !ok {
			n = len(page.keys)
			page.keys, page.numbers[k] = append(page.keys, k), n
		}
		out = append(out, mark+strconv.Itoa(n)+mark)
	}
	return out
}

// exact answers the path itself.
func (r Rule) exact(l *route.Location) Rule {
	r.Modifier, r.Pattern, r.URI = "=", r.Path, l.Target.Encoded()
	if r.URI != "" {
		r.AgainURI = r.URI + "$is_args$args"
	}
	return r
}

// below answers all below a path. With a target path, what follows the path in
// the client's own bytes follows the target: nginx's replacement would decode
// it, and join "/sl/" and "/bar" to "/bar1".
func (r Rule) below(l *route.Location) Rule {
	r.Pattern = r.Path
	if !l.Path.IsRoot() {
		r.Pattern += "/"
	}
	if !l.Target.IsZero() {
		r.Require = fmt.Sprintf("$path_after_%d", l.Path.Segments())
		if target := l.Target.WithoutSlash(); !target.IsRoot() {
			r.URI = target.Encoded()
		}
		r.URI += r.Require + "$is_args$args"
		r.AgainURI = r.URI
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
