package ask

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/explain/explanation"
	"github.com/30x/dispatcher/pkg/explain/internal/claims"
	"github.com/30x/dispatcher/pkg/explain/internal/world"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// explainHost says which host the request's is.
func (q *question) explainHost() {
	h := &explanation.Host{Asked: q.r.Host, Match: q.match}
	q.out.Host = h
	switch v := q.host; q.match {
	case table.HostNone:
		h.Text = "no host matches"
		return
	case table.HostExact:
		h.Text = "declared by its name"
	case table.HostWildcard:
		h.Text = fmt.Sprintf("covered by %s, since the host itself is not declared", v.Name)
	case table.HostTooDeep:
		h.Text = fmt.Sprintf("ends like %s, which stands for one label", v.Name)
	case table.HostCatchAll:
		h.Text = "not declared: it is one of the hosts that nobody declares, which Namespace " + v.Owner.Name + " may serve"
	}
	v := q.host
	h.Name, h.Owner, h.Refused = v.Name.String(), v.Owner.Name, v.Refused
	for _, ns := range v.From {
		h.Namespaces = append(h.Namespaces, ns.Name)
	}
	if t := v.TLS; t != nil {
		h.TLS = &explanation.TLS{Until: t.Pair.Validity().Until(), Redirect: t.Redirect, Clients: t.Clients != nil}
	}
}

// explainLocation says which location answers, which others don't, and why.
func (q *question) explainLocation(l *route.Location) {
	path := l.Path.String()
	text := "it is the longest path that covers the request's"
	switch {
	case l.Match == value.Exact:
		text = "it is the request's very path"
	case path == q.r.Path:
		text = "it is the request's path"
	}
	q.out.Location = &explanation.Location{Path: path, Match: l.Match, Namespace: l.From.Name, Text: text}
	for _, other := range q.host.Covering(q.r.Path)[1:] {
		why := fmt.Sprintf("%s is longer", path)
		if other.Path == l.Path {
			why = "an exact path comes before a prefix"
		}
		q.out.Lost = append(q.out.Lost, explanation.Lost{Path: other.Path.String(), Match: other.Match, Namespace: other.From.Name, Text: why})
	}
	q.findLost(l)
}

// findLost finds what is declared, covers the path and is not served. l answers; nil if
// nothing does.
func (q *question) findLost(l *route.Location) {
	type who struct {
		namespace string
		key       table.Key
	}
	seen := map[who]int{}
	for _, c := range q.claims {
		if !world.Covers(c.Key, q.r.Path) || q.serves(c.Namespace, c.Key) {
			continue
		}
		w := who{c.Namespace, c.Key}
		i, known := seen[w]
		if !known {
			i = len(q.out.Lost)
			seen[w] = i
			q.out.Lost = append(q.out.Lost, explanation.Lost{Path: c.Key.Path, Match: c.Key.Match, Namespace: c.Namespace, Text: q.whyLost(c, l)})
		}
		q.out.Lost[i].By = append(q.out.Lost[i].By, c.Ref.String())
	}
}

// serves reports whether the Table has a path of the host for a Namespace.
func (q *question) serves(namespace string, k table.Key) bool {
	if q.host == nil {
		return false
	}
	l := q.host.Find(k.Path, k.Match)
	return l != nil && l.From.Name == namespace
}

func (q *question) whyLost(c claims.Claim, l *route.Location) string {
	why, _ := world.Fate(q.host, c.Namespace, c.Key)
	switch {
	case why != world.NobodyServes:
		return why
	case c.Lacks != "":
		why = "its entry is dropped: " + c.Lacks
	default:
		why += ": see kubectl get pods --namespace=" + c.Namespace
	}
	if l != nil {
		why += "; so the path " + l.Path.String() + " answers"
	}
	return why
}
