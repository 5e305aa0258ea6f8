package challenge

import (
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

func TestReserved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path string
		want map[value.Match]bool
	}{
		{"/", map[value.Match]bool{value.Prefix: false, value.Exact: false}},
		{"/.well-known", map[value.Match]bool{value.Prefix: true, value.Exact: false}},
		{"/.well-known/", map[value.Match]bool{value.Prefix: true, value.Exact: false}},
		{"/.well-known/acme", map[value.Match]bool{value.Prefix: false, value.Exact: false}},
		{"/.well-known/acme-challenge", map[value.Match]bool{value.Prefix: true, value.Exact: true}},
		{"/.well-known/acme-challenge/", map[value.Match]bool{value.Prefix: true, value.Exact: true}},
		{"/.well-known/acme-challenge/t", map[value.Match]bool{value.Prefix: true, value.Exact: true}},
		{"/.well-known/acme-challenges", map[value.Match]bool{value.Prefix: false, value.Exact: false}},
		{"/.well", map[value.Match]bool{value.Prefix: false, value.Exact: false}},
	} {
		for match, want := range c.want {
			if got := Reserved(table.Key{Path: c.path, Match: match}); got != want {
				t.Errorf("%s %s: %v, want %v", c.path, match, got, want)
			}
		}
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	owner, other := cluster.Ref{Kind: "Namespace", Name: "owner"}, cluster.Ref{Kind: "Namespace", Name: "other"}
	at := func(path string, from cluster.Ref) *table.Location {
		p, err := value.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		return &table.Location{Path: p, Match: value.Prefix, From: from}
	}
	for name, c := range map[string]struct {
		locations []*table.Location
		claimed   bool
	}{
		"nobody's":             {[]*table.Location{at("/app", other)}, false},
		"the owner's":          {[]*table.Location{at("/", owner), at("/app", other)}, false},
		"the owner's by name":  {[]*table.Location{at("/", other), at("/.well-known/acme-challenge", owner)}, false},
		"below all of another": {[]*table.Location{at("/", other), at("/app", owner)}, true},
		"deeper ones only":     {[]*table.Location{at("/", other), at("/.well-known/acme-challenge/t", owner)}, true},
	} {
		l := Claim(&table.VirtualHost{Owner: owner, Locations: c.locations})
		if (l != nil) != c.claimed {
			t.Errorf("%s: %+v", name, l)
		}
		if l != nil && (l.From != owner || l.Path.String() != Folder || !l.Stays || l.Upstream.Name == "") {
			t.Errorf("%s: %+v", name, l)
		}
	}
}
