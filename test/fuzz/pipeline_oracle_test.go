package fuzz

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/nginxlex"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

// bystanders are those who share the cluster with a hostile Namespace, and what has become
// of them.
type bystanders struct {
	*stage
	table    *route.Table
	problems []route.Problem
	born     int64           // when the hostile Namespace was created
	lost     map[string]bool // hosts of which somebody has lost something
}

// older reports whether the hostile Namespace is older than another. Of two that are as old,
// the first by name is, and its name is the last.
func (b *bystanders) older(namespace string) bool {
	return b.born < victimsBorn+map[string]int64{"shop": 5, "blog": 7}[namespace]
}

func namespaceOf(r cluster.Ref) string {
	if r.Kind == "Namespace" {
		return r.Name
	}
	return r.Namespace
}

// toldNothing: nobody else is told anything, but that the hostile Namespace was first, or
// wants the same.
func (b *bystanders) toldNothing(tb testing.TB) {
	tb.Helper()
	for _, p := range b.problems {
		if isHostile(p.Ref) || slices.Contains(b.stage.problems, p) {
			continue
		}
		told := "Namespace tenant, created later, declares "
		if b.older(namespaceOf(p.Ref)) {
			told = "Namespace tenant"
		}
		if !strings.Contains(p.Reason, told) {
			tb.Errorf("another Namespace is told: %s", p)
		}
	}
	for _, p := range b.stage.problems {
		if !slices.Contains(b.problems, p) && !b.older(namespaceOf(p.Ref)) {
			tb.Errorf("another Namespace is not told any more: %s", p)
		}
	}
}

// lose notes that somebody has lost something of a host: that is right where the hostile
// Namespace is older, and somebody has been told.
func (b *bystanders) lose(tb testing.TB, host *route.VirtualHost, what string, from cluster.Ref) {
	tb.Helper()
	told := slices.ContainsFunc(b.problems, func(p route.Problem) bool {
		return namespaceOf(p.Ref) == from.Name && strings.Contains(p.Reason, "Namespace tenant")
	})
	if !b.older(from.Name) || !told {
		tb.Errorf("%s has lost %s of %q", from, what, host.Name)
	}
	b.lost[host.Name.String()] = true
}

// keepTheirs: what the others have in the Table is what it was.
func (b *bystanders) keepTheirs(tb testing.TB) {
	tb.Helper()
	b.lost = map[string]bool{}
	after := map[value.Host]*route.VirtualHost{}
	for _, h := range b.table.Hosts {
		after[h.Name] = h
	}
	for _, h := range b.stage.table.Hosts {
		now := after[h.Name]
		if now == nil {
			now = &route.VirtualHost{}
		}
		for _, l := range h.Locations {
			if !reflect.DeepEqual(now.Find(l.Path.String(), l.Match), l) {
				b.lose(tb, h, l.Path.String(), l.From)
			}
		}
		if others := slices.DeleteFunc(slices.Clone(now.From), isHostile); !b.lost[h.Name.String()] && !slices.Equal(others, h.From) {
			b.lose(tb, h, "its name", h.Owner)
		}
		if now.Owner == h.Owner && (now.Refused != h.Refused || !reflect.DeepEqual(now.TLS, h.TLS)) {
			tb.Errorf("%q of %s is served in another way: %+v, was %+v", h.Name, h.Owner, now, h)
		}
		if now.Owner != h.Owner && !b.lost[h.Name.String()] && !b.older(h.Owner.Name) {
			tb.Errorf("%q was of %s and is of %s", h.Name, h.Owner, now.Owner)
		}
	}
	for _, h := range b.table.Hosts {
		i := slices.IndexFunc(b.stage.table.Hosts, func(v *route.VirtualHost) bool { return v.Name == h.Name })
		for _, l := range h.Locations {
			if !isHostile(l.From) && (i < 0 || b.stage.table.Hosts[i].Find(l.Path.String(), l.Match) == nil) {
				tb.Errorf("%q%s of %s is new", h.Name, l.Path, l.From)
			}
		}
	}
	if others := slices.DeleteFunc(slices.Clone(b.table.Ingresses), isHostile); !slices.Equal(others, b.stage.table.Ingresses) {
		tb.Errorf("the others' Ingresses are %v, were %v", others, b.stage.table.Ingresses)
	}
}

// keepText: what nginx is told of the others is what it was: all of a server that the hostile
// Namespace has no part in, and of others all locations but those that it has added.
func (b *bystanders) keepText(tb testing.TB, now *parted) {
	tb.Helper()
	hostile := map[string]bool{}
	for _, h := range b.table.Hosts {
		hostile[h.Name.String()] = slices.ContainsFunc(h.From, isHostile)
	}
	for key, was := range b.text.shapes {
		host, ofHost := b.text.hosts[key]
		switch is := now.shapes[key]; {
		case is == was, ofHost && b.lost[host], ofHost && hostile[host] && b.text.unclaimed[key]:
		case !ofHost && len(b.lost) > 0 && !b.needs(key): // it is the hostile Namespace's now, or nobody's
		default:
			tb.Errorf("%s: %s", key, firstDifference(is, was))
		}
	}
}

// needs reports whether a part is of a location of a host of which nothing was lost.
func (b *bystanders) needs(key string) bool {
	for _, h := range b.stage.table.Hosts {
		for _, l := range h.Locations {
			if name := strings.TrimPrefix(l.Upstream.Name, "pods-"); !b.lost[h.Name.String()] && strings.Contains(key, name) {
				return true
			}
		}
	}
	return false
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("got %q, want %q", g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// parted is a configuration in parts: what stands in http, servers without their locations,
// and each location, by keys that say where they stand.
type parted struct {
	shapes    map[string]string
	hosts     map[string]string // the host that a part is of
	unclaimed map[string]bool   // locations for what nobody serves
}

func part(nodes []*nginxlex.Node) *parted {
	p := &parted{map[string]string{}, map[string]string{}, map[string]bool{}}
	for _, n := range nodes {
		if n.Name() != "http" {
			if !n.IsComment() {
				p.add(n.String(), n)
			}
			continue
		}
		for _, n := range n.Block {
			switch name := n.Name(); {
			case n.IsComment(), strings.HasSuffix(name, "_hash_bucket_size"), strings.HasSuffix(name, "_hash_max_size"), name == "check_shm_size": // they follow what there is
			case name == "server":
				p.server(n)
			default:
				p.add(n.String(), n)
			}
		}
	}
	return p
}

// add adds a directive with all that is in it.
func (p *parted) add(key string, n *nginxlex.Node) {
	var b strings.Builder
	flatten(&b, []*nginxlex.Node{n})
	p.shapes[key] = b.String()
}

// flatten writes a line a directive, in their order, which means something here and there.
func flatten(b *strings.Builder, nodes []*nginxlex.Node) {
	for _, n := range nodes {
		if n.IsComment() || n.Name() == "zone" { // its size follows how many there are
			continue
		}
		for _, w := range n.Words {
			if w.Quoted {
				b.WriteByte('"')
			}
			b.WriteString(w.Text)
			b.WriteByte(' ')
		}
		b.WriteByte('\n')
		flatten(b, n.Block)
		b.WriteString("}\n")
	}
}

func (p *parted) server(n *nginxlex.Node) {
	if isOurs(n) && !slices.ContainsFunc(n.Block, func(n *nginxlex.Node) bool { return n.Name() == "server_name" }) {
		return // the control server has the generation
	}
	host, key := "", "server"
	for _, d := range n.Block {
		if d.Name() == "listen" || d.Name() == "server_name" {
			key += " " + strings.Join(d.Args(), " ")
		}
		if d.Name() == "server_name" {
			host = strings.Join(d.Args(), " ")
		}
	}
	rest := &nginxlex.Node{Words: n.Words}
	for _, d := range n.Block {
		if d.Name() != "location" {
			rest.Block = append(rest.Block, d)
			continue
		}
		at := key + ": " + d.String()
		p.add(at, d)
		p.hosts[at] = host
		p.unclaimed[at] = !slices.ContainsFunc(d.Block, func(n *nginxlex.Node) bool { return strings.Contains(n.String(), "pods-") || n.Name() == "add_header" })
	}
	p.add(key, rest)
	p.hosts[key] = host
}
