package table

import (
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/value"
)

func host(t *testing.T, name string) *VirtualHost {
	t.Helper()
	if name == "" {
		return &VirtualHost{Locations: []*Location{{}}}
	}
	h, err := value.ParseHost(name)
	if err != nil {
		t.Fatal(err)
	}
	return &VirtualHost{Name: h}
}

// DX30, DF3: an exact name comes before the longest wildcard, and a wildcard stands for
// one label. Over TLS only hosts that have it are looked among.
func TestHost(t *testing.T) {
	secure, shadowed, deep := host(t, "secure.example"), host(t, "www.secure.example"), host(t, "*.secure.example")
	secure.TLS, deep.TLS, shadowed.Shadowed = &TLS{}, &TLS{}, true
	table := &Table{Hosts: []*VirtualHost{host(t, "*.a.example"), host(t, "*.b.a.example"), deep, host(t, "a.example"), secure, host(t, "w.a.example"), shadowed}}
	for _, c := range []struct {
		name   string
		secure bool
		want   string // name and match
	}{
		{"a.example", false, "a.example exact"}, {"w.a.example", false, "w.a.example exact"}, {"x.a.example", false, "*.a.example wildcard"},
		{"x.b.a.example", false, "*.b.a.example wildcard"}, {"b.a.example", false, "*.a.example wildcard"}, {"x.c.a.example", false, "*.a.example too deep"},
		{"x.y.b.a.example", false, "*.b.a.example too deep"}, {".a.example", false, "*.a.example too deep"},
		{"*.a.example", false, "*.a.example too deep"}, {"a+b.a.example", false, "*.a.example too deep"}, {"a_b.a.example", false, "*.a.example wildcard"},
		{"example", false, " none"}, {"other.example", false, " none"}, {"aa.example", false, " none"}, {"", false, " none"}, {"xa.example", false, " none"},
		{"secure.example", true, "secure.example exact"}, {"x.secure.example", true, "*.secure.example wildcard"}, {"www.secure.example", true, "www.secure.example exact"},
		{"a.example", true, " none"}, {"x.a.example", true, " none"},
	} {
		v, match := table.Host(c.name, c.secure)
		got := " " + string(match)
		if v != nil {
			got = v.Name.String() + got
		}
		if got != c.want {
			t.Errorf("%q over TLS %v: %s, want %s", c.name, c.secure, got, c.want)
		}
	}
	// A catch-all host answers for the rest, over TLS too, but for no host that is declared.
	table.Hosts = append([]*VirtualHost{host(t, "")}, table.Hosts...)
	for name, want := range map[string]HostMatch{"other.example": HostCatchAll, "a.example": HostExact, "x.a.example": HostWildcard, "x.c.a.example": HostTooDeep} {
		for _, secure := range []bool{false, true} {
			if _, got := table.Host(name, secure); got != want {
				t.Errorf("%s beside a catch-all host: %s, want %s", name, got, want)
			}
		}
	}
	table.Hosts[0].Locations = nil
	if v, got := table.Host("other.example", false); v != nil || got != HostNone {
		t.Errorf("a catch-all host that serves nothing: %v, %s", v, got)
	}
}

// DX26: the exact path, then the longest prefix, on segment boundaries.
func TestMatch(t *testing.T) {
	v := host(t, "a.example")
	for _, p := range []string{"/ prefix", "/a prefix", "/a/b exact", "/a/b prefix", "/a/b/c/ exact"} {
		path, match, _ := strings.Cut(p, " ")
		parsed, err := value.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		v.Locations = append(v.Locations, &Location{Path: parsed, Match: value.Match(match), From: cluster.Ref{Name: p}})
	}
	for path, want := range map[string]string{
		"/": "/ prefix", "/x": "/ prefix", "/ab": "/ prefix", "/a": "/a prefix, / prefix", "/a/": "/a prefix, / prefix", "/a/bc": "/a prefix, / prefix",
		"/a/b": "/a/b exact, /a/b prefix, /a prefix, / prefix", "/a/b/": "/a/b prefix, /a prefix, / prefix",
		"/a/b/c": "/a/b prefix, /a prefix, / prefix", "/a/b/c/": "/a/b/c/ exact, /a/b prefix, /a prefix, / prefix",
	} {
		var all []string
		for _, l := range v.Covering(path) {
			all = append(all, l.From.Name)
		}
		if got := strings.Join(all, ", "); got != want || v.Match(path) != v.Covering(path)[0] {
			t.Errorf("%s: %s (first %v), want %s", path, got, v.Match(path).From.Name, want)
		}
	}
	v.Locations = v.Locations[1:]
	if l := v.Match("/x"); l != nil || len(v.Covering("/x")) > 0 {
		t.Errorf("/x is covered by %v", l.From)
	}
}
