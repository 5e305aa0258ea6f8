package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Server is one host.
type Server struct {
	Page       *Page
	Listen     []string // arguments of the listen directives
	TLS        *TLS     // nil: plain HTTP
	Shadowed   bool     // HTTPS requests for it must be turned away, or another server would answer them
	Name       string   // "" for hosts that nobody declares
	Wildcard   bool     // Name begins with "*."
	Parent     string   // what follows the left-most label of Name, with its dot
	Refused    bool     // no request for it is answered
	Silent     bool     // what its Rules don't answer gets no answer
	Namespaces []string // that declare it, oldest first; empty if it is refused
	Rules      []Rule
	Unclaimed  []Unclaimed
	Again      []Again // where requests of Rules begin anew
}

// Unclaimed is a location for paths that no Pod serves.
type Unclaimed struct {
	Pattern string // the location's arguments
	// Rest follows the path of a DefaultReturn that is a URL with one: nginx
	// replaces all of the location's path by it.
	Rest string
}

// Again is the named location for requests that begin anew, one for each set of
// timeouts and each name to Verify.
type Again struct {
	Name string
	Timeouts
	Scheme, Verify string
	HSTS           int
}

// Timeouts are those of a location in seconds; 0: as elsewhere.
type Timeouts struct{ Connect, Read, Send int }

func isCatchAll(h *route.VirtualHost) bool { return h.Name == value.Host{} }

// addCatchAll adds what answers requests of hosts that nobody declares.
func (page *Page) addCatchAll(h *route.VirtualHost) {
	if len(h.Locations) > 0 {
		s := page.server(h)
		page.CatchAll = &s
	}
}

func (page *Page) server(h *route.VirtualHost) Server {
	s := Server{
		Page:   page,
		Listen: page.ListenHTTP,
		TLS:    page.addTLS(h.Name.String(), h.TLS),
		// Without a server of its own for TLS, the catch-all would answer for it.
		Shadowed:   h.Shadowed || page.CatchAll != nil && h.TLS == nil && page.DefaultTLS != nil,
		Name:       h.Name.String(),
		Wildcard:   h.Name.Wildcard(),
		Parent:     h.Name.Parent(),
		Silent:     h.Refused || isCatchAll(h),
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
		s.addLocation(h, l)
	}
	s.Refused = s.Silent && len(s.Rules) == 0
	if h.Find("/", value.Prefix) == nil && !s.Refused {
		s.Unclaimed = append(s.Unclaimed, Unclaimed{Pattern: "/"})
	}
	s.addAgain()
	return s
}

// addLocation adds the rules of a location.
func (s *Server) addLocation(h *route.VirtualHost, l *route.Location) {
	if l.Match == value.Prefix && !l.Target.IsZero() {
		addNumber(&s.Page.PathDepths, l.Path.Segments())
	}
	first := len(s.Rules)
	rule := s.Page.rule(h, l)
	if l.Match == value.Exact || !l.Path.IsRoot() && h.Find(rule.Path, value.Exact) == nil {
		s.add(rule.exact(l))
	}
	if l.Match == value.Prefix {
		s.add(rule.below(l))
	}
	s.Rules[first].First = true
	if bare := l.Path.WithoutSlash(); bare != l.Path && l.Match == value.Exact {
		s.addBare(h, bare)
	}
}

// add adds a rule. On the default server the status path is taken.
func (s *Server) add(r Rule) {
	r.Taken = s.Name == "" && r.Modifier == "=" && r.Pattern == s.Page.StatusPath
	s.Rules = append(s.Rules, r)
}

// addBare says what serves the path below an exact path with a slash at its end.
// It is what would serve it anyway, but nginx, if not told, redirects there.
func (s *Server) addBare(h *route.VirtualHost, encoded value.Path) {
	path := encoded.String()
	if h.Find(path, value.Exact) != nil || h.Find(path, value.Prefix) != nil || s.Name == "" && path == s.Page.StatusPath {
		return // it has a rule of its own
	}
	if l := h.Cover(path); l != nil {
		r := s.Page.rule(h, l).below(l)
		r.Modifier, r.Pattern = "=", path
		s.add(r)
		return
	}
	u := Unclaimed{Pattern: "= " + path}
	if strings.HasSuffix(s.Page.DefaultReturn, "/") {
		u.Rest = encoded.Encoded()[1:]
	}
	s.Unclaimed = append(s.Unclaimed, u)
}

// addAgain gives each rule the place where its requests begin anew. nginx does not
// keep the timeouts of a location on the way there.
func (s *Server) addAgain() {
	if s.Page.Dynamic == nil {
		return
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		r.Again = "@again"
		if t := r.Timeouts; t != (Timeouts{}) || r.Verify != "" {
			r.Again = fmt.Sprintf("@again_%d_%d_%d", t.Connect, t.Read, t.Send)
		}
		if r.Verify != "" {
			r.Again += "_" + r.Verify // a host name has no underscore
		}
		if a := (Again{r.Again, r.Timeouts, r.Scheme, r.Verify, r.HSTS}); !slices.Contains(s.Again, a) {
			s.Again = append(s.Again, a)
		}
	}
}
