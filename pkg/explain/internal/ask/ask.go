// Package ask finds out what becomes of requests for a URL. What is known enters, with
// the URL; an Explanation leaves. A request goes the same way here as through nginx with
// the configuration that is rendered. It never sends a request, and never shows an API key.
package ask

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/explain/explanation"
	"github.com/30x/dispatcher/pkg/explain/internal/claims"
	"github.com/30x/dispatcher/pkg/explain/internal/request"
	"github.com/30x/dispatcher/pkg/explain/internal/world"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// question is the state of one explanation of a URL.
type question struct {
	*world.World
	r      request.Request
	host   *route.VirtualHost // nil: none
	match  table.HostMatch
	claims []claims.Claim // on the host that was asked for
	out    *explanation.Explanation
}

// Query is what is asked for a URL.
type Query struct {
	URL     string
	Headers []string   // "Name: value"; those that are not given count as not sent
	Client  netip.Addr // that connects; zero: not told
}

// URL explains what becomes of requests for a URL. The error says what is wrong with
// the question.
func URL(w *world.World, ask Query) (*explanation.Explanation, error) {
	headers := make([]request.Header, len(ask.Headers))
	for i, line := range ask.Headers {
		var err error
		if headers[i], err = request.ParseHeader(line); err != nil {
			return nil, err
		}
	}
	r, err := request.Parse(ask.URL, headers)
	if err != nil {
		return nil, err
	}
	r.Client = ask.Client.Unmap()
	q := &question{World: w, r: r}
	q.host, q.match = w.Table.Host(r.Host, r.Secure)
	q.out = &explanation.Explanation{Question: q.url(r.Secure), Note: w.Note, Path: r.Path}
	found := q.host
	if q.match == table.HostTooDeep {
		found = nil // it is no host of the request
	}
	q.claims = claims.New(w.Snapshot, w.Options).On(func(h value.Host) bool { return found != nil && h == found.Name || h.String() == r.Host })
	q.explainHost()
	q.out.Answer = q.answer()
	if q.out.Location == nil && r.Bad == "" {
		q.findLost(nil)
	}
	q.out.Problems = w.ProblemsOf(found, q.out.Location, r.Host, r.Path, q.claims)
	return q.out, nil
}

func (q *question) url(secure bool) string {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	host := q.r.Host
	if q.r.Port != "" {
		host += ":" + q.r.Port
	}
	return scheme + host + q.r.URI
}

// answer goes the way of a request through nginx, up to the location.
func (q *question) answer() explanation.Answer {
	switch v := q.host; {
	case q.r.Secure && !q.Options.TLS:
		return closed("nothing listens for TLS: ask with http://, or have the operator give Dispatcher a default certificate with SSL_CERT and SSL_KEY")
	case q.r.Secure && v != nil && v.Refused:
		return q.unclaimed()
	case q.r.Secure && v != nil && v.TLS == nil && q.match != table.HostCatchAll:
		return closed("the host is not served over TLS, and the handshake is refused: ask with http://, or give the host a certificate (the option ssl, or spec.tls of an Ingress)")
	case q.r.Bad != "":
		return status(400, "%s: correct the URL", q.r.Bad)
	case q.match == table.HostNone && q.r.Path == q.StatusPath:
		return explanation.Answer{Served: true, By: explanation.ByStatusPath, Status: 200, Reason: "it is the status path (NGINX_STATUS_PATH), which answers where no host matches"}
	case q.match == table.HostNone:
		return closed("%s", q.unknown())
	case q.match == table.HostTooDeep:
		return closed("%s stands for one label, and %s has more: declare this host itself, or *%s", v.Name, q.r.Host, q.r.Host[strings.IndexByte(q.r.Host, '.'):])
	case !q.r.Secure && v.TLS != nil && v.TLS.Redirect:
		return q.redirect()
	case !q.r.Secure && v.TLS != nil:
		return closed("the host is served over TLS only: ask with https://, or let it redirect (the option redirect of ssl)")
	case q.match == table.HostCatchAll && q.r.Path == q.StatusPath:
		return explanation.Answer{Served: true, By: explanation.ByStatusPath, Status: 200, Reason: "it is the status path (NGINX_STATUS_PATH), which answers for hosts that nobody declares"}
	}
	l := q.host.Match(q.r.Path)
	if l == nil {
		return q.unclaimed()
	}
	q.explainLocation(l)
	return q.enter(l)
}

func status(code int, format string, args ...any) explanation.Answer {
	return explanation.Answer{By: explanation.ByNginx, Status: code, Reason: fmt.Sprintf(format, args...)}
}

func closed(format string, args ...any) explanation.Answer {
	return explanation.Answer{By: explanation.Closed, Reason: fmt.Sprintf(format, args...)}
}

// unknown says why nobody answers for a host.
func (q *question) unknown() string {
	if q.r.Secure {
		if v, match := q.Table.Host(q.r.Host, false); match == table.HostExact || match == table.HostWildcard {
			return fmt.Sprintf("the host %s is not served over TLS: ask with http://, or give it a certificate (the option ssl, or spec.tls of an Ingress)", v.Name)
		}
	}
	if len(q.claims) > 0 {
		return "the host is declared, but not served: see the problems for what to correct"
	}
	advice := fmt.Sprintf("declare it in the annotation %s of a Namespace with the label %s", q.Options.HostsAnnotation, q.Selector)
	if q.Options.Ingress != nil {
		advice += ", or in an Ingress"
	}
	return fmt.Sprintf("nobody declares the host %s: %s", cluster.Quote(q.r.Host), advice)
}

func (q *question) redirect() explanation.Answer {
	to := "https://" + q.r.Host
	if q.SSLPort != 443 {
		to += ":" + strconv.Itoa(q.SSLPort)
	}
	to += q.r.URI
	return explanation.Answer{Served: true, By: explanation.ByRedirect, Status: 308, To: to, Reason: "the host is served over TLS: explain " + to + " for what answers there"}
}

// unclaimed is the answer of a host where it has no location.
func (q *question) unclaimed() explanation.Answer {
	switch {
	case q.host.Refused:
		return closed("Namespace %s owns the host, and what it asks for the host can't be met, so nobody may serve it: see the problems for what to correct", q.host.Owner.Name)
	case q.match == table.HostCatchAll:
		return closed("nobody declares the host %s, and what is served for such hosts does not have the path: declare the host, or the path", cluster.Quote(q.r.Host))
	}
	code, err := strconv.Atoi(q.DefaultReturn)
	switch why := fmt.Sprintf("no path of the host covers %s", cluster.Quote(q.r.Path)); {
	case err != nil:
		return explanation.Answer{Served: true, By: explanation.ByDefault, To: q.DefaultReturn, Reason: why + ", so the operator's default answers (DEFAULT_LOCATION_RETURN)"}
	case code == 444:
		return closed("%s (DEFAULT_LOCATION_RETURN): %s", why, q.declare())
	case code < 400:
		return explanation.Answer{Served: true, By: explanation.ByDefault, Status: code, Reason: why + ", so the operator's default answers (DEFAULT_LOCATION_RETURN)"}
	default:
		return status(code, "%s (DEFAULT_LOCATION_RETURN): %s", why, q.declare())
	}
}

// declare says how a path is declared.
func (q *question) declare() string {
	for _, c := range q.claims {
		if world.Covers(c.Key, q.r.Path) {
			return "it is declared, but not served: see what lost, and the problems"
		}
	}
	if len(q.out.Host.Namespaces) == 0 {
		return "declare one"
	}
	advice := fmt.Sprintf("declare one in the annotation %s of a Pod of Namespace %s", q.Options.PathsAnnotation, strings.Join(q.out.Host.Namespaces, " or "))
	if q.Options.Ingress != nil {
		advice += ", or in an Ingress there"
	}
	return advice
}
