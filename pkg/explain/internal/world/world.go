// Package world holds what is known when somebody asks, and what several questions have
// in common: words for the state of a Pod, for what has become of a path, and which
// Problems have a say. It never answers a question by itself.
package world

import (
	"net/netip"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
)

// World is what is known: the Table and Problems that route.Build gave for a Snapshot.
type World struct {
	Table    *route.Table
	Snapshot *cluster.Snapshot
	Problems []route.Problem
	// Note is what whoever asks should know beforehand; "" if nothing.
	Note string
	Settings
}

// Settings are those of an operator that have a say in what becomes of a request.
type Settings struct {
	Options        route.Options // with which the Table was built
	Selector       string        // labels of what is routed, for advice
	DefaultReturn  string        // a status, or a URL that is proxied to
	StatusPath     string        // answers 200 where no host matches
	SSLPort        int           // of redirects
	APIKeyHeader   string
	TrustedProxies []netip.Prefix
	ProxyProtocol  bool                    // the PROXY protocol tells the client's address, not X-Forwarded-For
	Time           func(unix int64) string // a time in words
}
