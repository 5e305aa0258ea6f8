package render

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/30x/dispatcher/pkg/render/keyed"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/healthcheck"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Rule is one location block of nginx. A prefix location becomes two: the path
// itself and all below it, because nginx's own prefixes end inside a segment.
type Rule struct {
	Host      string
	Path      string // as declared
	IsExact   bool   // the Path is declared to match exactly
	Namespace string
	Org, Env  string // labels of the Namespace; may be empty
	Upstream  Upstream
	Keyed     *keyed.Keyed // which of Members gets a request; nil: the Upstream does
	Members   []Rule       // the same for each Pod that has keys, and is in the text
	NoPods    bool         // nobody serves it, and nobody else must either
	Taken     bool         // the server itself answers there
	Closed    bool         // nobody is let in: an API key is demanded, and there is none
	Header    string       // nginx's variable for the header with the API key
	Keys      []string     // placeholders of API keys; one of them must come with a request, if there are any
	Limited   bool         // any of the next seven is set
	Guarded   bool         // only clients of Allow are let in
	Allow     []string     // networks
	MaxBody   string       // largest request body; "" as elsewhere
	Timeouts  Timeouts
	Outside   bool // who serves it must not learn who a client is by its certificate
	// Verify is the name that those who serve it must show a certificate for; "": they are
	// asked in the clear. BackendHost is the host that they are asked for; "": the client's.
	Verify, BackendHost string
	HSTS                int // of the Server, 0 if it has none: an add_header hides others
	// To is what requests are passed on to: the Upstream's name, or a variable. Scheme
	// goes before it.
	Scheme, To string
	// Modifier and Pattern are the location's arguments.
	Modifier, Pattern string
	// URI follows To in proxy_pass; empty: the client's bytes go to the Pod untouched.
	URI string
	// AgainURI is the same where a variable stands before it, to which nginx doesn't
	// add the query by itself.
	AgainURI string
	// Again is the location where a request begins anew; "": nowhere.
	Again string
	// Require is a variable without which the request is refused; may be empty.
	Require string
	// First marks the first rule of its Path.
	First bool
}

// Upstream is the Pods of a rule.
type Upstream struct {
	Name      string
	Pods      string // whom it is for, in words
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

func (page *Page) rule(h *route.VirtualHost, l *route.Location) Rule {
	r := Rule{
		Host:      h.Name.String(),
		Path:      l.Path.String(),
		IsExact:   l.Match == value.Exact,
		Namespace: l.From.Name,
		Org:       l.Org.String(),
		Env:       l.Env.String(),
		Upstream:  page.upstream("Pods", l.Upstream.Name, l.Upstream.Endpoints, l.Upstream),
		Scheme:    "http",
		To:        l.Upstream.Name,
		NoPods:    len(l.Upstream.Endpoints) == 0 && page.Dynamic == nil,
		Closed:    l.Auth.Closed,
		Header:    page.header,
		Keys:      page.placeholders(l.Auth.Keys),
		MaxBody:   l.Limits.MaxBody.String(),
		Timeouts:  Timeouts{l.Limits.ConnectTimeout, l.Limits.ReadTimeout, l.Limits.SendTimeout},
		Outside:   h.Outside(l),
		Guarded:   len(l.Sources) > 0,

		BackendHost: l.Backend.Host.String(),
	}
	page.HasOutside, page.HasHosts = page.HasOutside || r.Outside, page.HasHosts || r.BackendHost != ""
	r.Limited = r.Guarded || r.MaxBody != "" || r.Timeouts != Timeouts{} || r.Outside || l.Backend != route.Backend{}
	for _, s := range l.Sources {
		// nginx takes 255.255.255.255, which no client has, for no address at all.
		if s != netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), 32) {
			r.Allow = append(r.Allow, s.String())
		}
	}
	if h.TLS != nil {
		r.HSTS = page.HSTS
	}
	if l.Upstream.Balance != value.RoundRobin {
		r.Upstream.Balance = string(l.Upstream.Balance)
	}
	if l.Upstream.Sticky != (value.Cookie{}) {
		r.Upstream.Sticky = &Sticky{Cookie: l.Upstream.Sticky.String(), Path: l.Path.Encoded(), Secure: h.TLS != nil}
	}
	if k := l.Upstream.Keyed; k != nil {
		r.NoPods = r.NoPods || len(k.Slots) == 0
		if !r.NoPods && !r.Closed {
			page.divide(&r, l)
		}
	}
	if l.Backend.HTTPS && !r.NoPods && !r.Closed {
		r.Scheme, r.Verify, page.HasHTTPS = "https", l.Backend.Name(h.Name).String(), true
	}
	return r
}

// divide gives each Pod that has keys an upstream of its own.
func (page *Page) divide(r *Rule, l *route.Location) {
	r.Keyed, r.To = page.addKeyed(l), "$member"
	for _, m := range l.Upstream.Keyed.Members {
		if m.Endpoint == nil && page.Dynamic == nil {
			continue
		}
		var endpoints []route.Endpoint
		if m.Endpoint != nil {
			endpoints = append(endpoints, *m.Endpoint)
		}
		member := *r
		member.Upstream = page.upstream("Pod "+m.Identity, m.Upstream, endpoints, l.Upstream)
		r.Members = append(r.Members, member)
	}
}

// upstream is an upstream of nginx with these endpoints, as far as it does not depend
// on their number.
func (page *Page) upstream(pods, name string, endpoints []route.Endpoint, of *route.Upstream) Upstream {
	if of.HealthCheck != nil {
		page.CheckZone = max(page.CheckZone, 1024) + len(endpoints) // 1 kB a server is ample
	}
	up := Upstream{Pods: pods, Name: name, HealthCheck: of.HealthCheck, Endpoints: make([]Endpoint, len(endpoints))}
	if page.Dynamic != nil {
		up.Service, up.Zone = name+"."+Domain, page.zone
	}
	for i, e := range endpoints {
		up.Endpoints[i] = Endpoint{
			Addr: e.Addr.String(), Weight: e.Weight, Pod: e.Pod.Name, AppName: e.AppName.String(), AppRev: e.AppRev.String(),
		}
	}
	return up
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
	if r.Keyed != nil {
		r.URI = r.AgainURI
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
