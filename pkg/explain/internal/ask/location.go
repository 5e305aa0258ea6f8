package ask

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/explain/explanation"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

// enter goes the way of a request through a location: nginx turns away in this order
// those that it need not look at twice, those of clients that are not let in, and those
// for which nobody is there.
func (q *question) enter(l *route.Location) explanation.Answer {
	q.demand(l)
	q.limits(l)
	q.share(l)
	here := len(l.Upstream.Endpoints) > 0 && (l.Upstream.Keyed == nil || len(l.Upstream.Keyed.Slots) > 0)
	absent := status(503, "%s", q.absent(l))
	switch {
	case l.Auth.Closed:
		return status(403, "an API key is demanded, and there is none that can be used: create it with: kubectl create secret generic %s --from-literal=%s=KEY --namespace=%s",
			q.Options.SecretName, q.Options.APIKeyField, l.From.Name)
	case !here && !q.Options.Dynamic:
		return absent
	case q.met(explanation.DemandKey) == explanation.No:
		return status(403, "the request does not bring the API key: %s", q.keyAdvice(l))
	}
	target, ok := q.target(l)
	if !ok {
		return status(400, "dot segments or encoded slashes hide where %s begins, and what follows it must be known for its target path: write the URL without them", l.Path)
	}
	gone := !here || q.out.Policy.Name == string(value.PolicyHash) && !slices.ContainsFunc(q.out.Pods, func(p explanation.Pod) bool { return p.Answers })
	switch {
	case gone && !q.Options.Dynamic:
		return absent
	case q.met(explanation.DemandSource) == explanation.No:
		return status(403, "the client %s is in none of the networks that are let in: have the owner add it to allowSourceRanges (or the Service's loadBalancerSourceRanges), or ask from another address", q.client())
	case gone:
		return absent
	}
	q.out.Target = target
	var names []string
	for _, p := range q.out.Pods {
		if p.Answers {
			names = append(names, p.Name)
		}
	}
	return explanation.Answer{Served: true, By: explanation.ByPod, Reason: q.whoAnswers(names) + q.provided()}
}

func (q *question) whoAnswers(names []string) string {
	const most = 3
	switch n := len(names); {
	case n == 1:
		return names[0] + " answers"
	case n > most:
		return fmt.Sprintf("one of %d Pods answers", n)
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1] + " answers"
}

// provided says what the answer depends on, beyond what is known of the request.
func (q *question) provided() string {
	var unknown []string
	for _, d := range q.out.Demands {
		if d.Met == explanation.Unknown {
			unknown = append(unknown, map[explanation.What]string{
				explanation.DemandKey: "brings the API key", explanation.DemandSource: "comes from a network that is let in", explanation.DemandCertificate: "is made with a client certificate",
			}[d.What])
		}
	}
	if len(unknown) == 0 {
		return ""
	}
	return ", if the request " + strings.Join(unknown, " and ")
}

func (q *question) met(what explanation.What) explanation.Met {
	for _, d := range q.out.Demands {
		if d.What == what {
			return d.Met
		}
	}
	return explanation.Yes
}

// demand says what the host and the location demand.
func (q *question) demand(l *route.Location) {
	add := func(what explanation.What, met explanation.Met, format string, args ...any) {
		q.out.Demands = append(q.out.Demands, explanation.Demand{What: what, Met: met, Text: fmt.Sprintf(format, args...)})
	}
	if t := q.host.TLS; t != nil && t.Clients != nil {
		add(explanation.DemandCertificate, explanation.Unknown, "clients must show a certificate that the owner's authority has signed (clientCertificate); without it they get 400")
	}
	switch sent, told := q.r.Header(q.APIKeyHeader); {
	case l.Auth.Closed:
		add(explanation.DemandKey, explanation.No, "an API key is demanded, and there is none that can be used; all requests get 403")
	case len(l.Auth.Keys) == 0:
	case !told:
		add(explanation.DemandKey, explanation.Unknown, "the header %s must hold the API key, base64-encoded; without it requests get 403", q.APIKeyHeader)
	case slices.ContainsFunc(l.Auth.Keys, func(k value.Key) bool { return k.Reveal() == sent }):
		add(explanation.DemandKey, explanation.Yes, "the header %s holds the API key", q.APIKeyHeader)
	default:
		add(explanation.DemandKey, explanation.No, "the header %s does not hold the API key; such requests get 403", q.APIKeyHeader)
	}
	if len(l.Sources) == 0 {
		return
	}
	var networks []string
	for _, p := range l.Sources {
		networks = append(networks, p.String())
	}
	list, client := strings.Join(networks, ", "), q.client()
	switch {
	case !client.IsValid():
		add(explanation.DemandSource, explanation.Unknown, "clients must be in %s; others get 403 (--client says which one asks)", list)
	case slices.ContainsFunc(l.Sources, func(p netip.Prefix) bool { return p.Contains(client) }):
		add(explanation.DemandSource, explanation.Yes, "the client %s is in %s", client, list)
	default:
		add(explanation.DemandSource, explanation.No, "the client %s is not in %s; it gets 403", client, list)
	}
}

// keyAdvice says how a key is sent that is not sent rightly.
func (q *question) keyAdvice(l *route.Location) string {
	sent, _ := q.r.Header(q.APIKeyHeader)
	if key, err := value.NewKey([]byte(sent)); err == nil && slices.Contains(l.Auth.Keys, key) {
		return fmt.Sprintf("send it base64-encoded in %s; here it stands as it is", q.APIKeyHeader)
	}
	return fmt.Sprintf("send in %s, base64-encoded, what the field %s of the Secret %s in Namespace %s holds", q.APIKeyHeader, q.Options.APIKeyField, q.Options.SecretName, l.From.Name)
}

// client is the client's address as nginx knows it: from trusted proxies it takes the
// last address of X-Forwarded-For that is not one of theirs (ngx_http_realip_module).
func (q *question) client() netip.Addr {
	addr := q.r.Client
	forwarded, _ := q.r.Header("X-Forwarded-For")
	if q.ProxyProtocol {
		forwarded = ""
	}
	entries := strings.FieldsFunc(forwarded, func(r rune) bool { return r == ',' || r == ' ' })
	for i := len(entries) - 1; i >= 0; i-- {
		if !slices.ContainsFunc(q.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) }) {
			break
		}
		next, err := netip.ParseAddr(entries[i])
		if withPort, portErr := netip.ParseAddrPort(entries[i]); portErr == nil {
			next, err = withPort.Addr(), nil
		}
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	return addr
}

// target is the URI with which the request reaches the Pod; false if nginx refuses it.
func (q *question) target(l *route.Location) (string, bool) {
	if l.Target.IsZero() {
		return q.r.URI, true
	}
	args := ""
	if q.r.Args != "" {
		args = "?" + q.r.Args
	}
	if l.Path.String() == q.r.Path && (l.Match == value.Exact || !l.Path.IsRoot()) {
		return l.Target.Encoded() + args, true
	}
	after, ok := q.r.After(l.Path.Segments())
	target := l.Target.WithoutSlash()
	if target.IsRoot() {
		return after + args, ok
	}
	return target.Encoded() + after + args, ok
}

// absent says why nobody is there for the request.
func (q *question) absent(l *route.Location) string {
	up := l.Upstream
	switch {
	case up.Keyed != nil && len(up.Keyed.Slots) == 0:
		return "no Pod has keys of the path, or it is not said where a request's key stands: see the problems, or start a Pod"
	case up.Keyed != nil && len(up.Endpoints) > 0:
		return fmt.Sprintf("the Pod of this key, %s, does not serve, and the keys of a Pod that is down wait for it (whenDown wait): see its state, or set whenDown to next", q.out.Policy.Pod)
	case len(q.out.Pods) == 0:
		return fmt.Sprintf("no Pod is there for the path %s: see the problems, or start one", cluster.Quote(l.Path.String()))
	}
	return "none of its Pods serves: see their state below"
}

// limits are what the location asks for in place of the defaults.
func (q *question) limits(l *route.Location) {
	add := func(option, text string) {
		q.out.Limits = append(q.out.Limits, explanation.Limit{Option: option, Value: text})
	}
	if size := l.Limits.MaxBody.String(); size != "" {
		add("maxBodySize", size)
	}
	for _, t := range []struct {
		option  string
		seconds int
	}{{"connectTimeout", l.Limits.ConnectTimeout}, {"readTimeout", l.Limits.ReadTimeout}, {"sendTimeout", l.Limits.SendTimeout}} {
		if t.seconds > 0 {
			add(t.option, fmt.Sprintf("%ds", t.seconds))
		}
	}
	if l.Backend.HTTPS {
		add("backendProtocol", string(value.HTTPS))
	}
	if l.Backend.Host != (value.Host{}) {
		add("backendHost", l.Backend.Host.String())
	}
}
