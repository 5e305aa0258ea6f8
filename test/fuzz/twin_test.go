package fuzz

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/nginxlex"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/healthcheck"
	"github.com/30x/dispatcher/pkg/route/value"
)

// twin gives harmless names to what a tenant has written, the same ones for the
// same texts. With them it makes a table of the same structure, and translates
// the words of a configuration.
type twin struct {
	tb       testing.TB
	segments map[string]string
	hosts    map[string]string
	request  healthcheck.Request // of a harmless probe
}

func newTwin(tb testing.TB, request healthcheck.Request) *twin {
	return &twin{tb: tb, segments: map[string]string{"": ""}, hosts: map[string]string{"": ""}, request: request}
}

// path renames the segments of a decoded path.
func (w *twin) path(text string) string {
	parts := strings.Split(text, "/")
	for i, s := range parts {
		if _, ok := w.segments[s]; !ok {
			w.segments[s] = fmt.Sprintf("s%d", len(w.segments))
		}
		parts[i] = w.segments[s]
	}
	return strings.Join(parts, "/")
}

func (w *twin) host(name string) string {
	if _, ok := w.hosts[name]; !ok {
		renamed := fmt.Sprintf("h%d.example", len(w.hosts))
		if strings.HasPrefix(name, "*.") {
			renamed = "*." + renamed
		}
		w.hosts[name] = renamed
	}
	return w.hosts[name]
}

func (w *twin) addr(a netip.AddrPort) netip.AddrPort {
	ip := netip.MustParseAddr("192.0.2.1")
	if a.Addr().Is6() {
		ip = netip.MustParseAddr("2001:db8::1")
	}
	return netip.AddrPortFrom(ip, a.Port())
}

// table makes the twin of a table.
func (w *twin) table(t *route.Table) *route.Table {
	out := &route.Table{}
	for _, h := range t.Hosts {
		name := must(value.ParseHost(w.host(h.Name.String())))
		v := &route.VirtualHost{Name: name, Owner: ref, From: slices.Repeat([]cluster.Ref{ref}, len(h.From))}
		for _, l := range h.Locations {
			v.Locations = append(v.Locations, w.location(l))
		}
		slices.SortFunc(v.Locations, func(a, b *route.Location) int {
			if c := strings.Compare(a.Path.String(), b.Path.String()); c != 0 {
				return c
			}
			return strings.Compare(string(a.Match), string(b.Match))
		})
		out.Hosts = append(out.Hosts, v)
	}
	return out
}

var ref = cluster.Ref{Kind: "Namespace", Name: "n"}

func (w *twin) location(l *route.Location) *route.Location {
	out := &route.Location{Path: must(value.ParsePath(w.path(l.Path.String()))), Match: l.Match, From: ref, Auth: l.Auth}
	if !l.Target.IsZero() {
		out.Target = must(value.ParsePath(w.path(l.Target.String())))
	}
	up := &route.Upstream{Name: l.Upstream.Name}
	for _, e := range l.Upstream.Endpoints {
		up.Endpoints = append(up.Endpoints, route.Endpoint{Addr: w.addr(e.Addr), Weight: e.Weight, Pod: ref})
	}
	if c := l.Upstream.HealthCheck; c != nil {
		check := *c
		if c.Type == healthcheck.HTTP {
			check.Request = w.request
		}
		up.HealthCheck = &check
	}
	out.Upstream = up
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// shape writes a block of a configuration in the twin's words: one line a
// directive, sorted, since the twin's names have another order. With rename
// unset the words stay.
func (w *twin) shape(block string, nodes []*nginxlex.Node, rename bool) string {
	var lines []string
	for _, n := range nodes {
		words := append([]string{n.Name()}, n.Args()...)
		switch name := block + " " + n.Name(); {
		case name == "http server_names_hash_bucket_size" || name == "http server_names_hash_max_size":
			words = words[:1] // they follow the lengths of names
		case name == "location return" && len(words) == 3: // the control server's
			words = words[:2]
		case rename:
			w.rename(name, words)
		}
		for i := range words {
			quoted := i < len(n.Words) && n.Words[i].Quoted
			words[i] = fmt.Sprintf("%q:%v", words[i], quoted)
		}
		line := strings.Join(words, " ")
		if n.IsBlock {
			line += " {\n" + w.shape(n.Name(), n.Block, rename && !isOurs(n)) + "}"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// isOurs reports whether a server is the default or the control server.
func isOurs(n *nginxlex.Node) bool {
	return slices.ContainsFunc(n.Block, func(n *nginxlex.Node) bool {
		return n.Name() == "listen" && (strings.HasPrefix(n.Words[1].Text, "unix:") || len(n.Words) == 3)
	})
}

// rename translates the words of a directive that hold a tenant's values.
func (w *twin) rename(directive string, words []string) {
	switch directive {
	case "server server_name":
		words[1] = w.host(words[1])
	case "server if":
		words[3] = strings.TrimPrefix(w.host("*"+words[3]), "*")
	case "server location":
		words[len(words)-1] = w.path(words[len(words)-1])
	case "location proxy_pass":
		words[1] = w.url(words[1])
	case "upstream server":
		a, err := netip.ParseAddrPort(words[1])
		if err != nil || a.Addr().Zone() != "" {
			w.tb.Errorf("%q is no address", words[1])
			return
		}
		words[1] = w.addr(a).String()
	case "upstream check_http_send":
		words[1] = strings.Join(w.request.Lines(), "\r\n") + "\r\n\r\n"
	}
}

func (w *twin) url(text string) string {
	rest, ok := strings.CutPrefix(text, "http://")
	i := strings.IndexAny(rest, "/$")
	if !ok || i < 0 {
		return text
	}
	uri, variables := rest[i:], ""
	if v := strings.IndexByte(uri, '$'); v >= 0 {
		uri, variables = uri[:v], uri[v:]
	}
	decoded, err := url.PathUnescape(uri)
	if err != nil {
		w.tb.Errorf("%q is no URL: %v", text, err)
	}
	return "http://" + rest[:i] + w.path(decoded) + variables
}
