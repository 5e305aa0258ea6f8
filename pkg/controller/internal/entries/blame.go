package entries

import (
	"slices"
	"strings"

	"github.com/30x/dispatcher/internal/nginxlex"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// At gives the entry of a table that a line of its configuration belongs to: that of
// the server and location around it, or of the upstream. It may be wrong: nginx names
// the line where it has noticed that something can't be.
func At(conf []byte, line int, t *route.Table) (e Entry, ok bool) {
	nodes, err := nginxlex.Parse(string(conf))
	if err != nil || line == 0 {
		return Entry{}, false
	}
	around := enclosing(nodes, line)
	if len(around) < 2 || around[0].Name() != "http" {
		return Entry{}, false
	}
	block := around[1]
	if block.Name() != "server" {
		return ofUpstream(block, t)
	}
	h := t.Named(serverName(block))
	if h == nil {
		return Entry{}, false
	}
	e.Host = h.Name.String()
	if len(around) > 2 && around[2].Name() == "location" {
		if l := ofLocation(h, around[2].Args()); l != nil {
			e.Key = l.Key()
		}
	}
	return e, true
}

// enclosing are the directives around a line, from the outside.
func enclosing(nodes []*nginxlex.Node, line int) (around []*nginxlex.Node) {
	for {
		var last *nginxlex.Node
		for _, n := range nodes {
			if n.Line <= line && !n.IsComment() {
				last = n
			}
		}
		if last == nil {
			return around
		}
		around = append(around, last)
		nodes = last.Block
	}
}

func serverName(server *nginxlex.Node) string {
	for _, n := range server.Block {
		if n.Name() == "server_name" {
			return strings.Join(n.Args(), " ")
		}
	}
	return ""
}

// ofLocation gives the Location of a host that a location block with these arguments
// belongs to; nil if there is none.
func ofLocation(h *route.VirtualHost, args []string) *route.Location {
	if len(args) == 0 {
		return nil
	}
	path := args[len(args)-1]
	for _, k := range []table.Key{{Path: path, Match: value.Exact}, {Path: path, Match: value.Prefix}, {Path: strings.TrimSuffix(path, "/"), Match: value.Prefix}} {
		if l := h.Find(k.Path, k.Match); l != nil && (k.Match == value.Prefix || len(args) > 1) {
			return l
		}
	}
	return nil
}

// ofUpstream gives the entry whose upstream a block is, or one of whose variables it sets.
func ofUpstream(block *nginxlex.Node, t *route.Table) (Entry, bool) {
	names := map[string]bool{}
	for _, word := range block.Args() {
		for _, before := range []string{"$override_key_", "$override_", "$slot_"} {
			if name, ok := strings.CutPrefix(word, before); ok {
				name, _, _ = strings.Cut(name, "_")
				word = "pods-" + name
				break
			}
		}
		names[word] = true
	}
	for _, h := range t.Hosts {
		for _, l := range h.Locations {
			k := l.Upstream.Keyed
			if names[l.Upstream.Name] || k != nil && slices.ContainsFunc(k.Members, func(m route.Member) bool { return names[m.Upstream] }) {
				return Entry{h.Name.String(), l.Key()}, true
			}
		}
	}
	return Entry{}, false
}
