package route

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/healthcheck"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Table is everything that should be served, in a fixed order. It and all it
// points to are never changed after Build made it.
type Table struct {
	Hosts []*VirtualHost // by name
}

// VirtualHost is one host and what it serves.
type VirtualHost struct {
	Name      value.Host
	Owner     cluster.Ref   // the Namespace that was created first of those that declare it
	From      []cluster.Ref // all Namespaces that declare it, oldest first
	Locations []*Location   // by path, exact before prefix
	TLS       *TLS          // nil: plain HTTP
	Refused   bool          // requests for it are turned away as if nobody had declared it
	// Shadowed: it is not served over TLS, but a wildcard host that is covers its
	// name. HTTPS requests for it must be turned away.
	Shadowed bool
}

// Find returns the location of a path, nil if there is none.
func (v *VirtualHost) Find(path string, m value.Match) *Location {
	i, found := slices.BinarySearchFunc(v.Locations, pathKey{path, m}, func(l *Location, k pathKey) int {
		return l.key().compare(k)
	})
	if !found {
		return nil
	}
	return v.Locations[i]
}

// Cover returns the prefix location that answers a path, its own or the nearest
// above it; nil if there is none.
func (v *VirtualHost) Cover(path string) *Location {
	for {
		if l := v.Find(path, value.Prefix); l != nil || path == "/" {
			return l
		}
		path = path[:max(strings.LastIndexByte(path, '/'), 1)]
	}
}

// Location is one path of a host and where its requests go.
type Location struct {
	Path     value.Path
	Match    value.Match
	Target   value.Path // replaces Path on the way to the Pod; zero: the URI stays untouched
	Upstream *Upstream
	Auth     Auth
	From     cluster.Ref // the Namespace whose Pods serve it
	Org, Env value.Label
}

// pathKey tells one location of a host from another.
type pathKey struct {
	path  string
	match value.Match
}

func (l *Location) key() pathKey { return pathKey{l.Path.String(), l.Match} }

func keyOf(e annotation.Path) pathKey { return pathKey{e.Base.String(), e.Match} }

func (k pathKey) compare(o pathKey) int {
	return cmp.Or(cmp.Compare(k.path, o.path), cmp.Compare(k.match, o.match))
}

// Upstream is the set of endpoints that serve one location.
type Upstream struct {
	Name        string             // unique, stable, safe in a configuration
	Endpoints   []Endpoint         // none: a claim, whose requests are answered with 503
	HealthCheck *healthcheck.Check // nil: none
	Balance     value.Balance      // "": not set, which is round robin
	Sticky      value.Cookie       // keeps a client at a Pod; zero: none
	SlowStart   int                // seconds in which a new Pod comes to its full share; 0: at once
}

// Endpoint is one Pod's address.
type Endpoint struct {
	Addr            netip.AddrPort
	Weight          int // 0: not set, which counts as 1
	Pod             cluster.Ref
	ReadySince      int64 // Unix seconds; 0 if that is not known
	AppName, AppRev value.Label
}

// Counts sums up a Table.
type Counts struct {
	Hosts, Locations, Endpoints int
	Upstreams                   int // locations with endpoints
}

// Counts returns the numbers of what is served.
func (t *Table) Counts() Counts {
	var c Counts
	for _, h := range t.Hosts {
		if !h.Refused {
			c.Hosts++
		}
		c.Locations += len(h.Locations)
		for _, l := range h.Locations {
			c.Endpoints += len(l.Upstream.Endpoints)
			if len(l.Upstream.Endpoints) > 0 {
				c.Upstreams++
			}
		}
	}
	return c
}

// upstreamName makes a name of the fields that tell one upstream from another.
func upstreamName(fields ...string) string { return "pods-" + value.Hash(fields...) }
