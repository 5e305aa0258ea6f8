// Package challenge keeps for the owner of a host the paths at which an authority asks
// whether somebody may have certificates for it (ACME's HTTP-01: RFC 8555, 8.3). Paths and
// hosts enter; whether a path is one of these leaves, and a location that keeps them.
// It never answers a challenge.
package challenge

import (
	"strings"

	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Folder is below which all challenges are.
const Folder = "/.well-known/acme-challenge"

// Is reports whether a path is the folder of challenges, or below it.
func Is(path string) bool {
	rest, ok := strings.CutPrefix(path, Folder)
	return ok && (rest == "" || rest[0] == '/')
}

// Reserved reports whether a path of a host is for its owner alone: where challenges are,
// and what is made to hold them. Of "/" the rest is anybody's.
func Reserved(k table.Key) bool {
	return Is(k.Path) || k.Match == value.Prefix && k.Path != "/" && strings.HasPrefix(Folder, strings.TrimSuffix(k.Path, "/")+"/")
}

// Claim is a location that keeps challenges from a Namespace that has all other paths of
// another one's host: it answers 503. nil where the owner answers itself, or nobody does.
// The locations must be in order.
func Claim(v *table.VirtualHost) *table.Location {
	cover := v.Cover(Folder)
	if cover == nil || cover.From == v.Owner {
		return nil
	}
	path, err := value.ParsePath(Folder)
	if err != nil {
		panic(err) // it is a path
	}
	l := &table.Location{Path: path, Match: value.Prefix, Upstream: &table.Upstream{}, From: v.Owner, Stays: true}
	policy.Name(l.Upstream, v.Name.String(), Folder, string(l.Match))
	return l
}
