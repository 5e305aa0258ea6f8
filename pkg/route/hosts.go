package route

import (
	"cmp"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// hostState is a host while its Namespaces are gone through.
type hostState struct {
	vhost   *VirtualHost
	refused bool
	claimed map[value.Path]cluster.Ref // path without trailing slash → its Namespace
}

// hostClaim is a host that a Namespace declares.
type hostClaim struct {
	name    value.Host
	place   string // in the Namespace, for Problems
	refused bool   // it asks for what can't be given, which has been told
	tls     *TLS   // nil: plain HTTP
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
	size := 0
	for i, h := range hosts {
		c := hostClaim{name: h.Name, place: b.opts.HostsAnnotation + h.Place, refused: h.Refused}
		if h.TLS != nil && !h.Refused {
			c.tls = b.tls(ns, h.Name, c.place, h.TLS)
			if c.tls != nil {
				if size += c.tls.Size(); size > maxTLS {
					b.problem(ns.Ref, c.place+".ssl", "%sthe certificates of the Namespace's hosts, up to this one, take up more than %d bytes together; shorten them, or spread the hosts over Namespaces", annotation.NotServed, maxTLS)
					c.tls = nil
				}
			}
			c.refused = c.tls == nil
		}
		claims[i] = c
	}
	return claims
}

// addHost gives a Namespace's locations to one of its hosts, as far as no
// older Namespace has the host's path.
func (b *builder) addHost(ns *cluster.Namespace, claim hostClaim, locations []*Location) {
	state := b.hosts[claim.name]
	if state == nil {
		state = &hostState{
			vhost:   &VirtualHost{Name: claim.name, Owner: ns.Ref, TLS: claim.tls},
			refused: claim.refused,
			claimed: make(map[value.Path]cluster.Ref, len(locations)),
		}
		b.hosts[claim.name] = state
	}
	if claim.refused {
		return // its Problem has been told
	}
	if state.refused {
		b.problem(ns.Ref, claim.place, "the host is not served: Namespace %s owns it (it was created first) and its options for the host can't be met", state.vhost.Owner.Name)
		return
	}
	if lack := state.vhost.TLS.Lacks(claim.tls); lack != "" {
		b.problem(ns.Ref, claim.place+".ssl", "none of its paths is served there: Namespace %s owns the host (it was created first), and %s", state.vhost.Owner.Name, lack)
		return
	}
	state.vhost.From = append(state.vhost.From, ns.Ref)
	for _, l := range locations {
		// Both kinds of match count as one path here: or an exact path would be a
		// way to take over another Namespace's prefix.
		path := l.Path.WithoutSlash()
		if owner, taken := state.claimed[path]; taken && owner != ns.Ref {
			b.problem(ns.Ref, claim.place, "the path %s is not served there: Namespace %s, created first, serves it", cluster.Quote(l.Path.String()), owner.Name)
			continue
		}
		state.claimed[path] = ns.Ref
		own := *l
		upstream := *l.Upstream
		upstream.Name = table.UpstreamName(claim.name.String(), l.Path.String(), string(l.Match))
		own.Upstream = &upstream
		state.vhost.Locations = append(state.vhost.Locations, &own)
	}
}

// table puts the hosts in order.
func (b *builder) table() *Table {
	t := &Table{}
	for host, state := range b.hosts {
		// A wildcard that covers the host must not serve it instead.
		cover := b.cover(host)
		state.vhost.Shadowed = cover != nil && cover.TLS != nil && (state.refused || state.vhost.TLS == nil)
		if state.refused {
			if cover == nil {
				continue
			}
			state.vhost.From, state.vhost.Refused, state.vhost.TLS, state.vhost.Locations = nil, true, nil, nil
		}
		slices.SortFunc(state.vhost.Locations, compareLocations)
		if !b.opts.Dynamic {
			state.vhost.DropClaims()
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
