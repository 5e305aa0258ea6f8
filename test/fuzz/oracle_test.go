package fuzz

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	crossplane "github.com/nginxinc/nginx-go-crossplane"

	"github.com/30x/dispatcher/internal/nginxlex"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

// plainProblems: a Problem is one line of printable ASCII, and told once.
func plainProblems(tb testing.TB, problems []route.Problem) {
	tb.Helper()
	for i, p := range problems {
		if slices.Contains(problems[:i], p) {
			tb.Errorf("the problem is told twice: %q", p)
		}
		if strings.ContainsFunc(p.String(), func(r rune) bool { return r < ' ' || r > '~' }) {
			tb.Errorf("the problem is no line of printable ASCII: %q", p)
		}
		if p.Key == "" || p.Reason == "" || p.Ref.Name == "" {
			tb.Errorf("the problem says too little: %+v", p)
		}
	}
}

// sane is what holds of every table: names of upstreams are unique, each has
// Pods, all of one Namespace, and the paths of a host differ.
func sane(tb testing.TB, table *route.Table) {
	tb.Helper()
	upstreams := map[string]bool{}
	for _, h := range table.Hosts {
		paths := map[string]string{} // path → Namespace
		keys := map[string]bool{}
		for _, l := range h.Locations {
			key := string(l.Match) + l.Path.String()
			if keys[key] {
				tb.Errorf("%s has %s %s twice", h.Name, l.Match, l.Path)
			}
			keys[key] = true
			bare := l.Path.WithoutSlash().String()
			if owner, ok := paths[bare]; ok && owner != l.From.Name {
				tb.Errorf("%s%s is of %s and of %s", h.Name, bare, owner, l.From.Name)
			}
			paths[bare] = l.From.Name
			if upstreams[l.Upstream.Name] {
				tb.Errorf("two upstreams are named %s", l.Upstream.Name)
			}
			upstreams[l.Upstream.Name] = true
			if len(l.Upstream.Endpoints) == 0 && len(h.From) < 2 { // it is there against another Namespace
				tb.Errorf("%s%s has no Pods", h.Name, l.Path)
			}
			for _, e := range l.Upstream.Endpoints {
				if e.Pod.Namespace != l.From.Name || !slices.Contains(h.From, l.From) {
					tb.Errorf("%s%s of %s is served by %s", h.Name, l.Path, l.From, e.Pod)
				}
			}
		}
	}
}

// lexersAgree: our lexer reads the text like one that is not ours.
func lexersAgree(tb testing.TB, conf string, nodes []*nginxlex.Node) {
	tb.Helper()
	payload, err := crossplane.Parse("nginx.conf", &crossplane.ParseOptions{
		SingleFile: true, StopParsingOnError: true, ParseComments: true, SkipDirectiveArgsCheck: true, SkipDirectiveContextCheck: true,
		Open: func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(conf)), nil },
	})
	if err != nil {
		tb.Errorf("crossplane: %v", err)
		return
	}
	var ours, theirs strings.Builder
	showOurs(&ours, nodes)
	showTheirs(&theirs, payload.Config[0].Parsed)
	if ours.String() != theirs.String() {
		a, b := strings.Split(ours.String(), "\n"), strings.Split(theirs.String(), "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				tb.Errorf("the lexers differ: ours %s, crossplane %s", a[i], b[i])
				return
			}
		}
		tb.Errorf("the lexers differ: %d and %d lines", len(a), len(b))
	}
}

func showOurs(b *strings.Builder, nodes []*nginxlex.Node) {
	for _, n := range nodes {
		if n.IsComment() {
			fmt.Fprintf(b, "#%q\n", n.Comment)
			continue
		}
		// crossplane leaves the escapes of line ends and tabs in quoted strings.
		fmt.Fprintf(b, "%q\n", plain(strings.Join(append([]string{n.Name()}, n.Args()...), " ")))
		if n.IsBlock {
			showOurs(b, n.Block)
			b.WriteString("}\n")
		}
	}
}

func showTheirs(b *strings.Builder, nodes crossplane.Directives) {
	for _, d := range nodes {
		if d.IsComment() {
			fmt.Fprintf(b, "#%q\n", *d.Comment)
			continue
		}
		fmt.Fprintf(b, "%q\n", plain(strings.Join(append([]string{d.Directive}, d.Args...), " ")))
		if d.IsBlock() {
			showTheirs(b, d.Block)
			b.WriteString("}\n")
		}
	}
}

// plain takes away in what the two parsers' words differ by design: crossplane
// keeps escapes, and drops the parentheses of an if.
func plain(s string) string {
	s = strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\t`, "\t").Replace(s)
	if rest, ok := strings.CutPrefix(s, "if "); ok {
		return "if " + strings.TrimSpace(strings.Trim(rest, "() "))
	}
	return s
}

// nothingLost: every host of the annotation and every entry of the paths is
// served, or its owner has been told.
func nothingLost(tb testing.TB, h hostile, table *route.Table, problems []route.Problem) {
	tb.Helper()
	told := func(ref, key string) bool {
		return slices.ContainsFunc(problems, func(p route.Problem) bool { return p.Ref.String() == ref && strings.HasPrefix(p.Key, key) })
	}
	const hostsKey, pathsKey = prefix + "hosts", prefix + "paths"
	var hosts map[string]json.RawMessage
	if json.Unmarshal([]byte(h.hosts), &hosts) != nil || hosts == nil {
		if !told("Namespace/tenant", hostsKey) {
			tb.Errorf("nobody was told that the hosts can't be read: %q", h.hosts)
		}
	}
	served := map[string]*route.VirtualHost{}
	for _, v := range table.Hosts {
		served[v.Name.String()] = v
	}
	for name := range hosts {
		host, err := value.ParseHost(name)
		if told("Namespace/tenant", fmt.Sprintf("%s[%s]", hostsKey, cluster.Quote(name))) {
			continue
		}
		if err != nil || served[host.String()] == nil || !slices.ContainsFunc(served[host.String()].From, func(r cluster.Ref) bool { return r.Name == "tenant" }) {
			tb.Errorf("the host %q is not served, and nobody was told", name)
		}
	}
	var entries []json.RawMessage
	if !podServes(h) {
		return
	}
	if json.Unmarshal([]byte(h.paths), &entries) != nil || entries == nil {
		if !told("Pod/tenant/tenant-0", pathsKey) {
			tb.Errorf("nobody was told that the paths can't be read: %q", h.paths)
		}
	}
	for _, v := range table.Hosts {
		if !slices.ContainsFunc(v.From, func(r cluster.Ref) bool { return r.Name == "tenant" }) {
			continue
		}
		count := 0
		for _, l := range v.Locations {
			if l.From.Name == "tenant" {
				count++
			}
		}
		dropped := 0
		for i := range entries {
			if told("Pod/tenant/tenant-0", fmt.Sprintf("%s[%d]", pathsKey, i)) {
				dropped++
			}
		}
		for _, p := range problems {
			if p.Ref.String() == "Namespace/tenant" && strings.HasPrefix(p.Key, fmt.Sprintf("%s[%q]", hostsKey, v.Name)) && strings.Contains(p.Reason, "is not served there") {
				dropped++
			}
		}
		// An entry that is served may have a problem too, so this is a bound.
		if count+dropped < len(entries) {
			tb.Errorf("%s: %d entries, %d served, %d told", v.Name, len(entries), count, dropped)
		}
	}
}

func podServes(h hostile) bool {
	p, err := cluster.NewPod(pod("tenant", "tenant-0", h.ip, "", nil), cluster.Interest{})
	return err == nil && p.Serves()
}

// untouched: what the older tenants have is in the new configuration as it was.
func untouched(tb testing.TB, older *route.Table, before, after []*nginxlex.Node) {
	tb.Helper()
	was, is := parts(before), parts(after)
	for _, h := range older.Hosts {
		for _, l := range h.Locations {
			var keys []string
			if !l.Auth.Closed && len(l.Upstream.Endpoints) > 0 { // or there is nowhere to go
				keys = append(keys, "upstream "+l.Upstream.Name)
			}
			path := l.Path.String()
			if l.Match == value.Exact || !l.Path.IsRoot() {
				keys = append(keys, fmt.Sprintf("%s = %s", h.Name, path))
			}
			if l.Match == value.Prefix {
				keys = append(keys, fmt.Sprintf("%s %s/", h.Name, strings.TrimSuffix(path, "/")))
			}
			for _, key := range keys {
				if was[key] == "" || was[key] != is[key] {
					tb.Errorf("%s of an older tenant was %q and is %q", key, was[key], is[key])
				}
			}
		}
	}
}

// parts gives the texts of upstreams by name, and of locations by host and argument.
func parts(nodes []*nginxlex.Node) map[string]string {
	out := map[string]string{}
	w := &twin{}
	for _, n := range nodes {
		if n.Name() != "http" {
			continue
		}
		for _, n := range n.Block {
			if n.Name() == "upstream" {
				out[n.String()] = w.shape("upstream", n.Block, false)
			}
			host := ""
			for _, l := range n.Block {
				switch {
				case n.Name() == "server" && l.Name() == "server_name":
					host = strings.Join(l.Args(), " ")
				case n.Name() == "server" && l.Name() == "location":
					out[host+" "+strings.Join(l.Args(), " ")] = w.shape("location", l.Block, false)
				}
			}
		}
	}
	return out
}
