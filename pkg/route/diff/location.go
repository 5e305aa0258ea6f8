package diff

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// place is a Location and its host.
type place struct {
	host *table.VirtualHost
	*table.Location
}

// location compares what two hosts have at the same path.
func (d *differ) location(n *notes, was, is place) {
	if was.Location == is.Location && was.host.Outside(was.Location) == is.host.Outside(is.Location) && securely(was) == securely(is) {
		return
	}
	n.of(was.From.Name, is.From.Name)
	from(n, Structural, "Namespace", "none", was.From.Name, is.From.Name)
	d.endpoints(n, was.Upstream, is.Upstream)
	from(n, Structural, "targetPath", "none", was.Target.Encoded(), is.Target.Encoded())
	differentAuth(n, was.Auth, is.Auth)
	from(n, Structural, "allowSourceRanges", "anywhere", networks(was.Sources), networks(is.Sources))
	differentLimits(n, was.Limits, is.Limits)
	toggled(n, was.Backend.HTTPS, is.Backend.HTTPS, "asked by https", "asked by http")
	from(n, Structural, "backendHost", "the client's", was.Backend.Host.String(), is.Backend.Host.String())
	toggled(n, was.host.Outside(was.Location), is.host.Outside(is.Location), "clients' certificates are kept from it", "it is told of clients' certificates")
	from(n, Structural, "organisation", "none", was.Org, is.Org)
	from(n, Structural, "environment", "none", was.Env, is.Env)
	d.upstream(n, was, is)
	d.keyed(n, was.Upstream.Keyed, is.Upstream.Keyed)
}

func differentAuth(n *notes, was, is table.Auth) {
	demanded := func(a table.Auth) bool { return len(a.Keys) > 0 && !a.Closed }
	switch {
	case was.Closed != is.Closed && is.Closed:
		n.note(Structural, "403 for all, since an API key is demanded and there is none")
	case demanded(was) != demanded(is) && demanded(is):
		n.note(Structural, "an API key is demanded")
	case was.Closed != is.Closed, demanded(was) != demanded(is):
		n.note(Structural, "no API key is demanded")
	case !slices.Equal(was.Keys, is.Keys):
		n.note(Structural, "API key changed")
	}
}

func differentLimits(n *notes, was, is table.Limits) {
	const standard = "standard"
	from(n, Structural, "maxBodySize", standard, was.MaxBody, is.MaxBody)
	seconds(n, Structural, "connectTimeout", was.ConnectTimeout, is.ConnectTimeout)
	seconds(n, Structural, "readTimeout", was.ReadTimeout, is.ReadTimeout)
	seconds(n, Structural, "sendTimeout", was.SendTimeout, is.SendTimeout)
}

// upstream compares what two upstreams are beside their endpoints and keys.
func (d *differ) upstream(n *notes, wasAt, isAt place) {
	was, is := wasAt.Upstream, isAt.Upstream
	from(n, Silent, "policy", "balance", was.Policy, is.Policy)
	from(n, Structural, "balance", string(value.RoundRobin), balance(was), balance(is))
	from(n, Structural, "sticky", "off", was.Sticky, is.Sticky)
	if is.Sticky != (value.Cookie{}) && was.Sticky == is.Sticky {
		toggled(n, securely(wasAt), securely(isAt), "its cookie over TLS alone", "its cookie without TLS, too")
	}
	seconds(n, Silent, "slowStart", was.SlowStart, is.SlowStart)
	if !d.sameCheck(was, is) {
		toggled(n, was.HealthCheck != nil, is.HealthCheck != nil, "health checks on", "health checks off")
		if was.HealthCheck != nil && is.HealthCheck != nil {
			n.note(Structural, "another health check")
		}
	}
	if was.Name != is.Name {
		n.note(Structural, "another name of its upstream")
	}
}

// balance is how requests are shared; "" is value.RoundRobin.
func balance(u *table.Upstream) value.Balance {
	if u.Balance == value.RoundRobin {
		return ""
	}
	return u.Balance
}

// securely reports whether clients come over TLS.
func securely(p place) bool { return p.host.TLS != nil }

// sameCheck compares health checks. A request names the address of a Pod where its
// owner names no host.
func (d *differ) sameCheck(was, is *table.Upstream) bool {
	a, b := was.HealthCheck, is.HealthCheck
	if a == nil || b == nil {
		return a == b
	}
	return a.Type == b.Type && a.Port == b.Port && a.Interval == b.Interval && a.Timeout == b.Timeout && a.Rise == b.Rise && a.Fall == b.Fall &&
		slices.Equal(d.lines(was), d.lines(is))
}

func (d *differ) lines(u *table.Upstream) []string {
	lines := slices.Clone(u.HealthCheck.Request.Lines())
	for i, line := range lines {
		host, ok := strings.CutPrefix(line, "Host: ")
		if addr, err := netip.ParseAddrPort(host); ok && err == nil && d.AnyAddress &&
			slices.ContainsFunc(u.Endpoints, func(e table.Endpoint) bool { return e.Addr.Addr() == addr.Addr() }) {
			lines[i] = "Host: the Pod's"
		}
	}
	return lines
}

func networks(prefixes []netip.Prefix) string {
	var out []string
	for _, p := range prefixes {
		out = append(out, p.String())
	}
	return strings.Join(out, ",")
}
