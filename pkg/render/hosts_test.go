package render

import (
	"bytes"
	"io"
	"net/netip"
	"strings"
	"testing"

	crossplane "github.com/nginxinc/nginx-go-crossplane"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/value"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// place makes a location of Namespace shop, served by one Pod.
func place(path string, m value.Match) *route.Location {
	return &route.Location{
		Path: must(value.ParsePath(path)), Match: m, From: cluster.Ref{Kind: "Namespace", Name: "shop"},
		Upstream: &route.Upstream{Endpoints: []route.Endpoint{endpoint(1)}},
	}
}

func endpoint(n byte) route.Endpoint {
	return route.Endpoint{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 80), Pod: cluster.Ref{Kind: "Pod", Namespace: "shop", Name: "web"}}
}

// keyedPlace makes a location with three Pods by a key; the second is down.
func keyedPlace(path, key string, overrides ...string) *route.Location {
	l := place(path, value.Prefix)
	up, first, third := l.Upstream, endpoint(1), endpoint(3)
	up.Policy, up.Endpoints = value.PolicyHash, []route.Endpoint{first, third}
	up.Keyed = &route.Keyed{
		Key:     must(value.ParseKeySource(key)),
		Members: []route.Member{{Identity: "web-0", Endpoint: &first}, {Identity: "web-1"}, {Identity: "web-2", Endpoint: &third}},
		Slots:   []route.Slot{{Units: 3334}, {Units: 3333, Member: 1}, {Units: 3333, Member: 2}},
	}
	for _, o := range overrides {
		up.Keyed.Overrides = append(up.Keyed.Overrides, route.Override{Key: must(value.ParseOverrideKey(o)), Member: 2})
	}
	return l
}

// hostOf is a host of Namespace shop; "" is for those that nobody declares. It names the
// upstreams of its locations.
func hostOf(name string, locations ...*route.Location) *route.VirtualHost {
	h := &route.VirtualHost{From: []cluster.Ref{{Kind: "Namespace", Name: "shop"}}, Locations: locations}
	if name != "" {
		h.Name = must(value.ParseHost(name))
	}
	for _, l := range locations {
		l.Upstream.Name = upstreamName(name, l.Path.String(), string(l.Match))
		if k := l.Upstream.Keyed; k != nil {
			for i := range k.Members {
				k.Members[i].Upstream = upstreamName(name, l.Path.String(), k.Members[i].Identity)
			}
		}
	}
	return h
}

func upstreamName(fields ...string) string { return "pods-" + value.Hash(fields...) }

// secure gives Params a default certificate, and a host one.
func secure(t *testing.T, p *Params, hosts ...*route.VirtualHost) {
	t.Helper()
	chain, key := pki.SelfSigned(t, "a.example")
	pair := must(certificate.NewPair([]byte(chain), []byte(key)))
	p.Default, p.SSLPort, p.CertDir, p.HSTS = pair, 8443, "/certs", 600
	for _, h := range hosts {
		h.TLS = &route.TLS{Pair: pair}
	}
}

// dynamic has nginx ask for endpoints.
func dynamic(p *Params) {
	p.Dynamic = &Dynamic{Resolver: netip.MustParseAddrPort("127.0.0.1:9252"), Empty: netip.MustParseAddrPort("127.0.0.1:9253")}
}

// block is a directive as a parser that is not ours reads it, which also knows where
// each may stand and how many words it takes.
type block struct{ *crossplane.Directive }

// conf parses what is rendered of the hosts.
func conf(t *testing.T, p Params, hosts ...*route.VirtualHost) block {
	t.Helper()
	files, err := Render(&route.Table{Hosts: hosts}, p)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := crossplane.Parse("nginx.conf", &crossplane.ParseOptions{
		SingleFile: true, StopParsingOnError: true,
		Open: func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Conf)), nil },
	})
	if err != nil || payload.Status != "ok" {
		t.Fatalf("%v, %+v", err, payload)
	}
	accepted(t, hosts, p)
	return block{&crossplane.Directive{Block: payload.Config[0].Parsed}}.in(t, "http")
}

// in gives the only block whose directive begins with these words.
func (b block) in(t *testing.T, words string) block {
	t.Helper()
	var found []block
	for _, d := range b.Block {
		if line(d) == words || strings.HasPrefix(line(d), words+" ") {
			found = append(found, block{d})
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d blocks %q in:\n%s", len(found), words, b)
	}
	return found[0]
}

// server gives the server of a host at a port.
func (b block) server(t *testing.T, host, port string) block {
	t.Helper()
	var found []block
	for _, d := range b.Block {
		text := block{d}.String()
		if d.Directive == "server" && strings.Contains(text, strings.TrimSpace("server_name "+host)+"\n") && strings.Contains(text, ":"+port) {
			found = append(found, block{d})
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d servers for %s:%s", len(found), host, port)
	}
	return found[0]
}

func line(d *crossplane.Directive) string {
	return strings.TrimSpace(d.Directive + " " + strings.Join(d.Args, " "))
}

// String gives a line for each directive in the block.
func (b block) String() string {
	var out strings.Builder
	for _, d := range b.Block {
		out.WriteString(line(d) + "\n")
		for l := range strings.Lines(block{d}.String()) {
			out.WriteString("  " + l)
		}
	}
	return out.String()
}

// is wants the block to hold exactly these lines.
func (b block) is(t *testing.T, want ...string) {
	t.Helper()
	if got := b.String(); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("%s is\n%s\nwant\n%s", line(b.Directive), got, strings.Join(want, "\n"))
	}
}
