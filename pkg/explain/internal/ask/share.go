package ask

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/explain/explanation"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// share says how the Pods of a location share its requests, and who gets this one.
func (q *question) share(l *route.Location) {
	q.addPods(l)
	switch up := l.Upstream; up.Policy {
	case value.PolicyOne:
		q.one(up)
	case value.PolicyHash:
		q.hash(l)
	default:
		q.balance(up)
	}
}

// addPods lists who serves the location, and who declares it and doesn't serve.
func (q *question) addPods(l *route.Location) {
	listed := map[cluster.Ref]bool{}
	for _, e := range l.Upstream.Endpoints {
		listed[e.Pod] = e.Pod.Kind == "Pod" // of other objects there may be several
		q.out.Pods = append(q.out.Pods, explanation.Pod{
			Name: e.Pod.String(), Address: e.Addr.String(), Weight: max(e.Weight, 1), Serves: true, Answers: true, ReadySince: e.ReadySince, Text: "serves" + q.Since(e.ReadySince),
		})
	}
	for _, c := range q.claims {
		if c.Namespace != l.From.Name || c.Key != l.Key() {
			continue
		}
		if c.Lacks != "" && !listed[c.Ref] {
			listed[c.Ref] = true
			q.out.Pods = append(q.out.Pods, explanation.Pod{Name: c.Ref.String(), Text: "is not used: " + c.Lacks})
		}
		for i := range c.Candidates {
			candidate := &c.Candidates[i]
			if listed[candidate.Ref] || slices.ContainsFunc(l.Upstream.Endpoints, func(e route.Endpoint) bool { return e.Addr == candidate.Endpoint.Addr && e.Pod == candidate.Ref }) {
				continue
			}
			listed[candidate.Ref] = candidate.Ref.Kind == "Pod"
			pod := explanation.Pod{Name: candidate.Ref.String(), Weight: max(candidate.Endpoint.Weight, 1), ReadySince: candidate.ReadySince, Text: q.Waits(candidate)}
			if candidate.Serves && l.Upstream.Policy == value.PolicyOne {
				pod.Serves, pod.Text = true, "waits for its turn"+q.Since(candidate.ReadySince)
			}
			if candidate.Endpoint.Addr.Addr().IsValid() {
				pod.Address = candidate.Endpoint.Addr.String()
			}
			q.out.Pods = append(q.out.Pods, pod)
		}
	}
	slices.SortStableFunc(q.out.Pods, func(a, b explanation.Pod) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Address, b.Address))
	})
}

func (q *question) balance(up *route.Upstream) {
	p := &explanation.Policy{Name: "balance", Text: map[value.Balance]string{
		value.LeastConn: "requests go to the Pod with the fewest connections, by weight",
		value.Random:    "requests go to one of two random Pods, that with fewer connections",
	}[up.Balance]}
	if p.Text == "" {
		p.Text = "requests go round, by weight"
	}
	if cookie := up.Sticky.String(); cookie != "" {
		p.Text += fmt.Sprintf("; a client stays at its Pod by the cookie %s", cookie)
	}
	if up.SlowStart > 0 {
		p.Text += fmt.Sprintf("; a new Pod comes to its full share in %ds", up.SlowStart)
	}
	q.out.Policy = p
}

// one says which Pod gets all requests.
func (q *question) one(up *route.Upstream) {
	p := &explanation.Policy{Name: string(value.PolicyOne), Text: "nobody serves: the first Pod that becomes ready gets all requests"}
	q.out.Policy = p
	if len(up.Endpoints) == 0 {
		return
	}
	p.Pod = up.Endpoints[0].Pod.String()
	chosen := q.candidate(up.Endpoints[0].Pod)
	p.Text = p.Pod + " has been ready longest" + q.Since(up.Endpoints[0].ReadySince) + "; it keeps all requests until it leaves, then the next one by this order gets them"
	if chosen != nil && !chosen.Serves {
		p.Text = p.Pod + " is not ready, and keeps its requests for the time of readyGrace; if it isn't ready by then, the Pod that has been ready longest gets them"
	}
	for i := range q.out.Pods {
		if pod := &q.out.Pods[i]; pod.Name == p.Pod && chosen != nil && !chosen.Serves {
			pod.Text = "is kept for readyGrace: " + q.Waits(chosen)
		}
	}
}

// candidate is what is known of somebody who may serve; nil if nothing is.
func (q *question) candidate(ref cluster.Ref) *policy.Candidate {
	for _, c := range q.claims {
		for i := range c.Candidates {
			if c.Candidates[i].Ref == ref {
				return &c.Candidates[i]
			}
		}
	}
	return nil
}

// hash says which Pod gets the requests of the key.
func (q *question) hash(l *route.Location) {
	k := l.Upstream.Keyed
	p := &explanation.Policy{Name: string(value.PolicyHash)}
	q.out.Policy = p
	if k == nil || len(k.Slots) == 0 {
		p.Text = "no Pod has keys: see the problems"
		q.answers("")
		return
	}
	key := q.key(k.Key, l)
	d := policy.Lookup(k, key)
	p.KeyFrom, p.Key, p.Unit, p.Override = k.Key.String(), key, d.Unit, d.Override
	if k.Key.Kind() == value.KeyHeader && strings.EqualFold(k.Key.Name(), q.APIKeyHeader) {
		p.Key = "***"
	}
	m := k.Members[d.Member]
	p.Pod = "Pod/" + l.From.Name + "/" + m.Identity
	switch {
	case m.Endpoint != nil:
		p.Pod = m.Endpoint.Pod.String()
	case strings.Contains(m.Identity, ":"): // an address outside the cluster
		p.Pod = m.Identity
	}
	shown := fmt.Sprintf("the key %s (%s)", cluster.Quote(p.Key), p.KeyFrom)
	if key == "" {
		shown = "the request has no key at " + p.KeyFrom + ", which is a key like any other: it"
	}
	p.Text = fmt.Sprintf("%s is in unit %d of %d, which is %s's", shown, d.Unit, table.SlotUnits, m.Identity)
	if d.Override {
		p.Text = fmt.Sprintf("an override sends the key %s (%s) to %s, whatever its unit", cluster.Quote(p.Key), p.KeyFrom, m.Identity)
	}
	switch {
	case m.Endpoint == nil:
		p.Text += "; it does not serve, and its keys wait for it"
	case k.WhenDown == value.DownNext:
		p.Text += "; if it stops serving, the next Pod gets the key until it is back"
	default:
		p.Text += "; if it stops serving, requests of the key get 503 until it is back"
	}
	if m.Endpoint == nil {
		q.answers("")
		q.addMember(p.Pod)
		return
	}
	q.answers(m.Endpoint.Addr.String())
}

// answers leaves one address that may answer the request.
func (q *question) answers(address string) {
	for i := range q.out.Pods {
		q.out.Pods[i].Answers = q.out.Pods[i].Address == address && q.out.Pods[i].Serves
	}
}

// addMember adds a Pod of a StatefulSet that has keys and does not exist just now.
func (q *question) addMember(name string) {
	if !slices.ContainsFunc(q.out.Pods, func(p explanation.Pod) bool { return p.Name == name }) {
		q.out.Pods = append(q.out.Pods, explanation.Pod{Name: name, Text: "does not exist just now: see its StatefulSet"})
	}
}

// key is the text that a request's key is.
func (q *question) key(k value.KeySource, l *route.Location) (key string) {
	switch k.Kind() {
	case value.KeySegment:
		return q.r.Segment(l.Path.Segments(), k.Segment())
	case value.KeyArg:
		return q.r.Arg(k.Name())
	case value.KeyHeader:
		key, _ = q.r.Header(k.Name())
	case value.KeyCookie:
		return q.r.Cookie(k.Name())
	case value.KeyHost:
		return q.r.Label()
	}
	return key
}
