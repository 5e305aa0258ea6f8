package route

import (
	"cmp"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/challenge"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// hostState is a host while its Namespaces are gone through.
type hostState struct {
	vhost   *VirtualHost
	refused bool
	claimed map[value.Path]cluster.Ref // path without trailing slash → its Namespace
	served  map[table.Key]bool
	open    map[table.Key]bool // those that anybody may ask
	// exclusive: no other Namespace may have any path of it.
	exclusive bool
}

// hostClaim is a host that an object declares.
type hostClaim struct {
	name      value.Host
	ref       cluster.Ref // the object
	place     string      // in the object, for Problems
	refused   bool        // it asks for what can't be given, which has been told
	tls       *TLS        // nil: plain HTTP
	exclusive bool        // the host is for one Namespace alone
}

// hostClaims reads a Namespace's hosts and what they ask for.
func (b *builder) hostClaims(ns *cluster.Namespace) []hostClaim {
	text, ok := ns.Annotations[b.opts.HostsAnnotation]
	if !ok {
		return nil
	}
	hosts, notes := annotation.Hosts(text, b.opts.SecretName)
	for _, n := range notes {
		b.problem(ns.Ref, b.opts.HostsAnnotation+n.Place, "%s", n.Reason)
	}
	claims := make([]hostClaim, len(hosts))
	for i, h := range hosts {
		c := hostClaim{name: h.Name, ref: ns.Ref, place: b.opts.HostsAnnotation + h.Place, refused: h.Refused}
		if h.TLS != nil && !h.Refused {
			c.tls = b.tls(ns, h.Name, c.place, h.TLS)
			c.refused = c.tls == nil
		}
		claims[i] = c
	}
	return claims
}

// limitTLS refuses the hosts of a Namespace whose certificates are too much.
func (b *builder) limitTLS(ns *cluster.Namespace, offers []offer) {
	counted, size := map[value.Host]bool{}, 0
	for i := range offers {
		o := &offers[i]
		if o.tls == nil || counted[o.name] {
			continue
		}
		counted[o.name] = true
		if size += o.tls.Size(); size > maxTLS {
			b.problem(o.ref, o.tls.Place, "%sthe certificates of the hosts of Namespace %s, up to %s, take up more than %d bytes together; shorten them, or spread the hosts over Namespaces",
				annotation.NotServed, ns.Name, o.name, maxTLS)
			o.tls, o.refused = nil, true
		}
	}
}

// addHost gives a Namespace's locations to one of its hosts, as far as no
// older Namespace has the host's path.
func (b *builder) addHost(ns *cluster.Namespace, o offer) {
	state := b.hosts[o.name]
	if state == nil {
		state = &hostState{
			vhost:     &VirtualHost{Name: o.name, Owner: ns.Ref, TLS: o.tls},
			refused:   o.refused,
			claimed:   make(map[value.Path]cluster.Ref, len(o.locations)),
			served:    make(map[table.Key]bool, len(o.locations)),
			open:      map[table.Key]bool{},
			exclusive: o.exclusive,
		}
		b.hosts[o.name] = state
	}
	if state.vhost.Owner == ns.Ref { // several of its objects may declare the host
		state.refused = state.refused || o.refused
		if state.vhost.TLS == nil {
			state.vhost.TLS = o.tls
		}
	}
	owner := state.vhost.Owner
	switch {
	case o.refused && owner != ns.Ref:
		return // its Problem has been told
	case state.refused && owner != ns.Ref:
		b.problem(o.ref, o.place, "the host is not served: Namespace %s owns it (it was created first) and its options for the host can't be met", owner.Name)
		return
	case (state.exclusive || o.exclusive) && owner != ns.Ref:
		b.problem(o.ref, o.place, "the host %s is not served for it: Namespace %s owns it (it was created first), and does not share it", o.name, owner.Name)
		return
	}
	if lack := state.vhost.TLS.Lacks(o.tls); lack != "" && owner != ns.Ref {
		place := o.place
		if o.ref == ns.Ref {
			place += ".ssl"
		}
		b.problem(o.ref, place, "none of its paths is served there: Namespace %s owns the host (it was created first), and %s", owner.Name, lack)
		return
	}
	if !slices.Contains(state.vhost.From, ns.Ref) {
		state.vhost.From = append(state.vhost.From, ns.Ref)
	}
	for _, l := range o.locations {
		b.addLocation(ns, state, o, l)
	}
}

// dropProtected leaves of a refused host only what anybody may ask without TLS: the
// answers by which an authority makes sure that a certificate may be given for it.
func (s *hostState) dropProtected() {
	s.vhost.Locations = slices.DeleteFunc(s.vhost.Locations, func(l *Location) bool { return !s.open[l.Key()] })
	if len(s.vhost.Locations) == 0 {
		s.vhost.From = nil
	}
}

// addLocation gives a location to a host, if nobody has it yet.
func (b *builder) addLocation(ns *cluster.Namespace, state *hostState, o offer, l *Location) {
	// Both kinds of match count as one path here: or an exact path would be a
	// way to take over another Namespace's prefix.
	path := l.Path.WithoutSlash()
	switch owner, taken := state.claimed[path]; {
	case state.vhost.Owner != ns.Ref && challenge.Reserved(l.Key()):
		b.pathProblem(l, o.ref, o.place, "the path %s is not served there: who answers below %s gets certificates for the host, which Namespace %s owns (it was created first); take another path, or another host",
			cluster.Quote(l.Path.String()), challenge.Folder, state.vhost.Owner.Name)
		return
	case taken && owner != ns.Ref:
		b.pathProblem(l, o.ref, o.place, "the path %s is not served there: Namespace %s, created first, serves it", cluster.Quote(l.Path.String()), owner.Name)
		return
	case state.served[l.Key()]:
		b.pathProblem(l, o.ref, o.place, "the path %s of host %s is not served by it: another object of Namespace %s serves it already; remove one of the two", cluster.Quote(l.Path.String()), o.name, ns.Name)
		return
	}
	state.claimed[path], state.served[l.Key()] = ns.Ref, true
	if o.open[l] {
		state.open[l.Key()] = true
	}
	own, up := *l, *l.Upstream
	if why := cmp.Or(b.unverifiable(&own, o.name), b.budget.Spend(ns.Name, &up)); why != "" {
		b.pathProblem(l, o.ref, o.place, "all requests for the path %s are answered with 503: %s", cluster.Quote(l.Path.String()), why)
		own.Backend, own.Stays, up = Backend{}, true, Upstream{}
	}
	policy.Name(&up, o.name.String(), l.Path.String(), string(l.Match))
	own.Upstream = &up
	state.vhost.Locations = append(state.vhost.Locations, &own)
}

// unverifiable says why those who serve a location can't be verified although it asks
// for that; "" if they can.
func (b *builder) unverifiable(l *Location, host value.Host) string {
	switch {
	case !l.Backend.HTTPS:
	case !b.opts.BackendTLS:
		return "it asks for https, and nothing is known by which a certificate could be verified; have the operator set BACKEND_CA"
	case l.Backend.Name(host) == value.Host{}:
		return "it asks for https, and no certificate can be verified against the host; write the name of whoever serves it in the option backendHost"
	}
	return ""
}

// table puts the hosts in order.
func (b *builder) table() *Table {
	t := &Table{Until: b.until, Ingresses: b.ours}
	for host, state := range b.hosts {
		// A wildcard that covers the host must not serve it instead.
		cover := b.cover(host)
		state.vhost.Shadowed = cover != nil && cover.TLS != nil && (state.refused || state.vhost.TLS == nil)
		if state.refused {
			state.dropProtected()
			if cover == nil && len(state.vhost.Locations) == 0 {
				continue
			}
			state.vhost.Refused, state.vhost.TLS = true, nil
		}
		slices.SortFunc(state.vhost.Locations, table.ByKey)
		if !b.opts.Dynamic {
			state.vhost.DropClaims()
		}
		if l := challenge.Claim(state.vhost); l != nil {
			state.vhost.Locations = append(state.vhost.Locations, l)
			slices.SortFunc(state.vhost.Locations, table.ByKey)
		}
		t.Hosts = append(t.Hosts, state.vhost)
	}
	slices.SortFunc(t.Hosts, func(x, y *VirtualHost) int { return cmp.Compare(x.Name.String(), y.Name.String()) })
	return t
}

// cover is the wildcard host that requests for a host would go to if it had no
// server of its own; nil if there is none.
func (b *builder) cover(host value.Host) *VirtualHost {
	wildcard, err := value.ParseHost("*" + host.Parent())
	if err != nil || host.Wildcard() {
		return nil
	}
	if state := b.hosts[wildcard]; state != nil && !state.refused {
		return state.vhost
	}
	return nil
}
