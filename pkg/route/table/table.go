// Package table holds what route decides: hosts, their locations, and where the
// requests go. Translators make Locations from what each of them reads; a Table
// leaves. It decides nothing itself and never knows which kind of object said what.
package table

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/healthcheck"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Table is everything that should be served, in a fixed order. It and all it
// points to are never changed after they were made.
type Table struct {
	// Hosts are by name. The one without a name, which is the first if it is there,
	// serves requests of all hosts that nobody declares.
	Hosts []*VirtualHost
	// Until is when the clock alone would make another Table, Unix seconds; 0: never.
	Until int64
	// Ingresses are those that are of our class, by namespace and name.
	Ingresses []cluster.Ref
}

// VirtualHost is one host and what it serves.
type VirtualHost struct {
	Name      value.Host
	Owner     cluster.Ref   // the Namespace that was created first of those that declare it
	From      []cluster.Ref // all Namespaces that declare it, oldest first
	Locations []*Location   // by path, exact before prefix
	TLS       *TLS          // nil: plain HTTP
	// Refused: requests for it are turned away as if nobody had declared it, but for
	// those of its Locations, which are few and of no worth to others.
	Refused bool
	// Shadowed: it is not served over TLS, but a wildcard host that is covers its
	// name. HTTPS requests for it must be turned away.
	Shadowed bool
}

// Find returns the location of a path, nil if there is none.
func (v *VirtualHost) Find(path string, m value.Match) *Location {
	i, found := slices.BinarySearchFunc(v.Locations, Key{path, m}, func(l *Location, k Key) int {
		return l.Key().Compare(k)
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
	Stays    bool        // without endpoints it answers 503, even if they are in the text
	From     cluster.Ref // the Namespace whose Pods serve it
	Org, Env value.Label
	// Sources are the clients that are let in; none: all.
	Sources []netip.Prefix
	Limits  Limits
	Backend Backend
}

// Backend is how those who serve a location are asked.
type Backend struct {
	HTTPS bool       // by TLS; what is served has a Name, which their certificate must have
	Host  value.Host // that they are asked for; zero: the one that the client asks for
}

// Name is the name of those who serve, where the location is one of a host: with HTTPS,
// whoever can't show a certificate for it gets no request. Zero: there is none.
func (b Backend) Name(host value.Host) value.Host {
	switch {
	case b.Host != value.Host{}:
		return b.Host
	case host.Nameable():
		return host
	}
	return value.Host{}
}

// Limits are what a location asks of nginx beside the defaults. Zero is the default.
type Limits struct {
	MaxBody        value.Size // largest request body
	ConnectTimeout int        // seconds for a connection to a Pod
	ReadTimeout    int        // seconds that a Pod may be silent
	SendTimeout    int        // seconds that a Pod may take no bytes
}

// Key tells one location of a host from another.
type Key struct {
	Path  string
	Match value.Match
}

// Key is the location's.
func (l *Location) Key() Key { return Key{l.Path.String(), l.Match} }

// ByKey orders Locations.
func ByKey(a, b *Location) int { return a.Key().Compare(b.Key()) }

// Compare orders keys by path, exact before prefix.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Path, o.Path), cmp.Compare(k.Match, o.Match))
}

// Upstream is the set of endpoints that serve one location.
type Upstream struct {
	Name        string             // unique, stable, safe in a configuration
	Endpoints   []Endpoint         // none: a claim, whose requests are answered with 503
	HealthCheck *healthcheck.Check // nil: none
	Balance     value.Balance      // "": not set, which is round robin
	Sticky      value.Cookie       // keeps a client at a Pod; zero: none
	SlowStart   int                // seconds in which a new Pod comes to its full share; 0: at once
	// Policy is "" for balancing. With value.PolicyOne, Endpoints is the one that all
	// requests go to; with value.PolicyHash, Keyed says which goes where, and Endpoints
	// are those that serve.
	Policy value.Policy
	Keyed  *Keyed // nil: not by a key
}

// Keyed sends each request to the Pod of its key.
type Keyed struct {
	Key       value.KeySource
	WhenDown  value.WhenDown
	Members   []Member   // by identity
	Slots     []Slot     // of all keys; together they are SlotUnits
	Overrides []Override // by key; each beats the slots
}

// Member is a Pod by its identity, which outlives its address.
type Member struct {
	Upstream string    // name of an upstream of its own; unique, stable, safe in a configuration
	Identity string    // the Pod's name
	Endpoint *Endpoint // nil: it does not serve just now
}

// SlotUnits is how many units all keys are divided into. nginx's split_clients knows
// hundredths of a percent.
const SlotUnits = 10000

// Slot is a run of units of the key space, in order, and the Member that serves it.
type Slot struct {
	Units  int
	Member int // index in Keyed.Members
}

// Override is one key that goes to a Member whatever its slot.
type Override struct {
	Key    value.OverrideKey
	Member int // index in Keyed.Members
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
	Members                     int // Pods that have keys, each for one location
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
			if k := l.Upstream.Keyed; k != nil {
				c.Members += len(k.Members)
			}
		}
	}
	return c
}

// UpstreamName makes a name of the fields that tell one upstream from another.
func UpstreamName(fields ...string) string { return "pods-" + value.Hash(fields...) }
