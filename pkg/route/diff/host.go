package diff

import (
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// host compares two hosts without their paths; one of them may be missing.
func (d *differ) host(name value.Host, was, is *table.VirtualHost) {
	n := &notes{}
	switch {
	case was == nil:
		n.of(owners(is)...)
		n.addedHost(is)
	case is == nil:
		n.of(owners(was)...)
		n.note(Structural, "removed")
	default:
		d.refusal(n, was, is)
		d.owners(n, was, is)
		differentTLS(n, was, is)
		if was.Shadowed != is.Shadowed {
			n.of(d.shadows(name, was, is)...)
			toggled(n, was.Shadowed, is.Shadowed, "HTTPS requests for it are turned away, or a wildcard host would answer them", "HTTPS requests for it are no longer turned away")
		}
	}
	d.add(Change{Host: name}, n)
}

// owners are whose objects a host comes from.
func owners(h *table.VirtualHost) (names []string) {
	for _, ns := range h.From {
		names = append(names, ns.Name)
	}
	return append(names, h.Owner.Name)
}

func (n *notes) addedHost(h *table.VirtualHost) {
	words := "added, of Namespace " + h.Owner.Name
	if h.TLS != nil {
		words += ", with TLS"
		if h.TLS.Clients != nil {
			words += " and clients' certificates demanded"
		}
	}
	if h.Refused {
		words = "turned away, since its options can't be met"
	}
	var pods []cluster.Ref
	for _, l := range h.Locations {
		for _, e := range l.Upstream.Endpoints {
			pods = append(pods, e.Pod)
		}
	}
	if len(pods) == 0 {
		n.note(Structural, "%s", words)
		return
	}
	n.come(Structural, words, pods)
}

func (d *differ) refusal(n *notes, was, is *table.VirtualHost) {
	if was.Refused != is.Refused {
		n.of(was.Owner.Name, is.Owner.Name)
		toggled(n, was.Refused, is.Refused, "turned away, since its options can't be met", "no longer turned away")
	}
}

// owners compares who declares a host.
func (d *differ) owners(n *notes, was, is *table.VirtualHost) {
	if was.Owner.Name != is.Owner.Name {
		n.of(was.Owner.Name, is.Owner.Name)
		effect := Structural
		if slices.Equal(was.From, is.From) {
			effect = Silent // it is of nobody
		}
		n.note(effect, "owner %s→%s", was.Owner.Name, is.Owner.Name)
	}
	var words []string
	for _, ns := range is.From {
		if !slices.Contains(was.From, ns) && ns.Name != is.Owner.Name {
			words = append(words, "also of Namespace "+ns.Name)
			n.of(ns.Name)
		}
	}
	for _, ns := range was.From {
		if !slices.Contains(is.From, ns) && ns.Name != was.Owner.Name {
			words = append(words, "no longer of Namespace "+ns.Name)
			n.of(ns.Name)
		}
	}
	if len(words) > 0 {
		n.note(Structural, "%s", strings.Join(words, ", "))
	} else if was.Owner.Name == is.Owner.Name && was.Refused == is.Refused && !slices.Equal(was.From, is.From) {
		n.of(owners(is)...)
		n.note(Structural, "its Namespaces come in another order")
	}
}

// differentTLS compares how two hosts are served over TLS.
func differentTLS(n *notes, before, after *table.VirtualHost) {
	was, is := before.TLS, after.TLS
	words := len(n.words)
	switch {
	case was == nil && is == nil:
	case was == nil || is == nil:
		toggled(n, was != nil, is != nil, "TLS on", "TLS off")
		toggled(n, was != nil && was.Clients != nil, is != nil && is.Clients != nil, "clients' certificates demanded", "clients' certificates no longer demanded")
	default:
		if was.Pair.ID() != is.Pair.ID() {
			n.note(Structural, "another certificate, valid until %s", is.Pair.Validity().Until())
		}
		toggled(n, was.Redirect, is.Redirect, "plain HTTP redirected", "plain HTTP no longer redirected")
		switch {
		case (was.Clients == nil) != (is.Clients == nil):
			toggled(n, was.Clients != nil, is.Clients != nil, "clients' certificates demanded", "clients' certificates no longer demanded")
		case was.Clients != nil && was.Clients.ID() != is.Clients.ID():
			n.note(Structural, "clients' certificates by other authorities")
		}
	}
	if len(n.words) > words {
		n.of(before.Owner.Name, after.Owner.Name)
	}
}

// shadows gives whose objects it comes from that a host is kept from a wildcard host, or
// no longer: those of whoever owns the wildcard, as far as that differs.
func (d *differ) shadows(name value.Host, was, is *table.VirtualHost) (names []string) {
	if (was.TLS == nil) != (is.TLS == nil) || was.Refused != is.Refused {
		return []string{was.Owner.Name, is.Owner.Name}
	}
	for _, hosts := range []map[value.Host]*table.VirtualHost{d.before, d.after} {
		for cover, h := range hosts {
			if cover.Wildcard() && cover.Parent() == name.Parent() {
				names = append(names, h.Owner.Name)
			}
		}
	}
	if len(names) == 0 {
		return []string{is.Owner.Name}
	}
	return names
}
