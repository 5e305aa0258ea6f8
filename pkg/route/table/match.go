package table

import (
	"cmp"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/route/value"
)

// HostMatch says how the host of a request finds its VirtualHost.
type HostMatch string

// The ways, in the order in which nginx tries them.
const (
	HostExact    HostMatch = "exact"
	HostWildcard HostMatch = "wildcard"
	// HostTooDeep: only a wildcard's name ends like it, but a wildcard stands for one
	// label, of letters, digits, hyphens and underscores. nginx finds that host all the
	// same, and its server closes the connection.
	HostTooDeep  HostMatch = "too deep"
	HostCatchAll HostMatch = "catch-all"
	HostNone     HostMatch = "none"
)

// Host gives the VirtualHost that a request for a name gets to, as nginx finds it, and
// nil with HostNone. The name is lower-case, without port and trailing dot. secure is
// whether the request comes over TLS, where of the hosts with a name only those with TLS
// are looked among, and those that are shadowed.
func (t *Table) Host(name string, secure bool) (*VirtualHost, HostMatch) {
	if v := t.named(name, secure); v != nil && !v.Name.Wildcard() {
		return v, HostExact
	}
	for at := strings.IndexByte(name, '.'); at >= 0; {
		if v := t.named("*"+name[at:], secure); v != nil { // the longest name is found first
			if !isLabel(name[:at]) {
				return v, HostTooDeep
			}
			return v, HostWildcard
		}
		next := strings.IndexByte(name[at+1:], '.')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	if v := t.catchAll(); v != nil {
		return v, HostCatchAll
	}
	return nil, HostNone
}

// isLabel reports whether a wildcard stands for a text.
func isLabel(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// Named gives the VirtualHost of a name itself, nil if there is none.
func (t *Table) Named(name string) *VirtualHost {
	i, found := slices.BinarySearchFunc(t.Hosts, name, func(v *VirtualHost, name string) int { return cmp.Compare(v.Name.String(), name) })
	if !found {
		return nil
	}
	return t.Hosts[i]
}

// named is Named for requests over TLS, too. If there is a catch-all host, which
// answers over TLS, every other host without TLS is kept from it by a server that
// refuses the handshake.
func (t *Table) named(name string, secure bool) *VirtualHost {
	v := t.Named(name)
	if v != nil && secure && v.TLS == nil && !v.Shadowed && t.catchAll() == nil {
		return nil
	}
	return v
}

func (t *Table) catchAll() *VirtualHost {
	if v := t.Named(""); v != nil && len(v.Locations) > 0 {
		return v
	}
	return nil
}

// Match gives the location that answers a path, as nginx chooses it: the exact one of
// the path, else the longest prefix; nil if there is none. The path is decoded and
// normalised.
func (v *VirtualHost) Match(path string) *Location {
	if l := v.Find(path, value.Exact); l != nil {
		return l
	}
	return v.Cover(path)
}

// Covering gives all locations that cover a path, in the order in which they would
// answer it: the first is that of Match.
func (v *VirtualHost) Covering(path string) (all []*Location) {
	if l := v.Find(path, value.Exact); l != nil {
		all = append(all, l)
	}
	for l := v.Cover(path); l != nil; {
		all = append(all, l)
		if l.Path.IsRoot() {
			break
		}
		above := l.Path.String()
		l = v.Cover(above[:max(strings.LastIndexByte(above, '/'), 1)])
	}
	return all
}
