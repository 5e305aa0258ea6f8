package backend

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
)

// guard says which addresses outside the cluster may be reached. Who may write
// EndpointSlices in one Namespace must not reach others with nginx's help: their Pods,
// nodes, the API server, or what listens beside nginx (CVE-2021-25740).
type guard struct {
	allow, deny []netip.Prefix
	inside      map[netip.Addr]string // addresses of the cluster, and what they are
}

func newGuard(s *cluster.Snapshot, opts Options) guard {
	g := guard{opts.Allow, opts.Deny, make(map[netip.Addr]string, 2*len(s.Pods)+len(s.Services))}
	for _, p := range s.Pods {
		g.inside[p.IP] = "a Pod's"
		for _, a := range p.OtherIPs {
			g.inside[a] = "a Pod's or a node's"
		}
	}
	for _, o := range s.Services {
		for _, a := range o.ClusterIPs {
			g.inside[a] = "a Service's"
		}
	}
	for _, p := range s.Pods {
		g.inside[p.HostIP] = "a node's"
	}
	for _, o := range s.EndpointSlices {
		if o.Namespace != "default" || o.Service != "kubernetes" {
			continue
		}
		for _, e := range o.Endpoints {
			for _, text := range e.Addresses {
				if a, err := netip.ParseAddr(text); err == nil {
					g.inside[a.Unmap()] = "the API server's"
				}
			}
		}
	}
	for _, a := range opts.APIServer {
		g.inside[a.Unmap()] = "the API server's"
	}
	return g
}

// refuse says why an address must not be reached; "" if it may be.
func (g *guard) refuse(a netip.Addr) string {
	const hint = "; have the operator add it to ENDPOINT_ALLOW if it is meant to be reached"
	forms := append([]netip.Addr{a}, embedded(a)...)
	for _, f := range forms {
		if i := slices.IndexFunc(g.deny, func(p netip.Prefix) bool { return p.Contains(f) }); i >= 0 {
			return fmt.Sprintf("it is in %s, which the operator has in ENDPOINT_DENY", g.deny[i])
		}
	}
	switch {
	case slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(a) }):
		return ""
	case len(g.allow) > 0:
		return "it is in none of the networks that endpoints outside the cluster may be in" + hint
	}
	for _, f := range forms {
		if what := cmp.Or(g.inside[f], special(f)); what != "" {
			return fmt.Sprintf("it is %s address%s", what, hint)
		}
	}
	return ""
}

// special says what is special about an address that nobody outside has, "" if nothing.
func special(a netip.Addr) string {
	switch {
	case a.IsLoopback():
		return "a loopback"
	case a.IsLinkLocalUnicast():
		return "a link-local"
	case a.IsMulticast():
		return "a multicast"
	case a.IsUnspecified() || a.Is4() && (a.As4()[0] == 0 || a.As4() == [4]byte{255, 255, 255, 255}):
		return "no host's" // RFC 6890; to Linux, all of 0.0.0.0 is this machine
	case slices.Contains(metadata(), a.String()):
		return "a metadata service's"
	}
	return ""
}

// metadata are the addresses of cloud providers' metadata services that are not
// link-local: AWS and Google Cloud by IPv6, Alibaba, Azure and Oracle.
func metadata() []string {
	return []string{"fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"}
}

// embedded is the IPv4 address that an IPv6 one leads to by way of a translator: NAT64
// (RFC 6052), 6to4 (RFC 3056), or an IPv4-compatible one (RFC 4291).
func embedded(a netip.Addr) []netip.Addr {
	if !a.Is6() {
		return nil
	}
	b := a.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a), netip.MustParsePrefix("::/96").Contains(a):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[12:16]))}
	case netip.MustParsePrefix("2002::/16").Contains(a):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:6]))}
	}
	return nil
}
