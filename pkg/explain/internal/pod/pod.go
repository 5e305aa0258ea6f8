// Package pod finds out what a Pod serves. What is known enters, with the Pod's name; an
// Explanation leaves, with what has become of each path that is meant for the Pod. It
// never decides what is served.
package pod

import (
	"fmt"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/explain/explanation"
	"github.com/30x/dispatcher/pkg/explain/internal/claims"
	"github.com/30x/dispatcher/pkg/explain/internal/world"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Explain says what a Pod serves, by NAMESPACE/NAME, and what becomes of all else that
// it declares. The error says what is wrong with the question; one about a Pod that
// is not known has an answer.
func Explain(w *world.World, name string) (*explanation.Explanation, error) {
	namespace, short, ok := strings.Cut(name, "/")
	if !ok || namespace == "" || short == "" || strings.Contains(short, "/") {
		return nil, fmt.Errorf("%s is not the name of a Pod: write NAMESPACE/NAME", cluster.Quote(name))
	}
	out := &explanation.Explanation{Question: "Pod/" + name, Note: w.Note}
	i := slices.IndexFunc(w.Snapshot.Pods, func(p *cluster.Pod) bool { return p.Namespace == namespace && p.Name == short })
	if i < 0 {
		out.Question = "Pod " + cluster.Quote(name)
		out.Answer = none("no such Pod is known: correct the name, or give the Pod a label that has it routed (%s)", w.Selector)
		return out, nil
	}
	pod := w.Snapshot.Pods[i]
	a := &asked{w}
	var all []claims.Claim
	for _, c := range claims.New(w.Snapshot, w.Options).Of(namespace) {
		if c.Ref == pod.Ref || slices.ContainsFunc(c.Candidates, func(o policy.Candidate) bool { return o.Ref == pod.Ref }) {
			all = append(all, c)
			out.Routes = append(out.Routes, a.route(pod, c))
		}
	}
	out.Pods = []explanation.Pod{a.state(pod)}
	out.Answer = podAnswer(pod, out.Routes)
	out.Problems = w.ProblemsOfPod(pod, all)
	return out, nil
}

// asked is a World that is asked for a Pod.
type asked struct{ *world.World }

// state is what is known of the Pod itself.
func (w *asked) state(pod *cluster.Pod) explanation.Pod {
	p := explanation.Pod{Name: pod.String(), Serves: pod.Serves(), ReadySince: pod.ReadySince, Text: "can serve" + w.Since(pod.ReadySince)}
	if pod.IP.IsValid() {
		p.Address = pod.IP.String()
	}
	switch {
	case pod.Finished:
		p.Text = "has ended, and will never serve again: start another one"
	case !p.Serves:
		p.Text = w.Waits(&policy.Candidate{Ref: pod.Ref, Deleting: pod.Deleting, Reachable: pod.Running && pod.IP.IsValid(), UnreadySince: pod.UnreadySince})
	}
	return p
}

func none(format string, args ...any) explanation.Answer {
	return explanation.Answer{By: explanation.ByNobody, Reason: fmt.Sprintf(format, args...)}
}

func podAnswer(pod *cluster.Pod, routes []explanation.Route) explanation.Answer {
	n := 0
	for _, r := range routes {
		if r.State == explanation.Serves {
			n++
		}
	}
	switch {
	case n > 0:
		return explanation.Answer{Served: true, By: explanation.ByPod, Reason: fmt.Sprintf("it serves %d of the %d paths that are meant for it", n, len(routes))}
	case len(routes) == 0:
		return none("it serves nothing, since no path is meant for it: see the problems, or declare a path")
	case !pod.Serves():
		return none("it serves nothing, since it can't serve now: see its state")
	}
	return none("it serves nothing: see what became of each of its paths")
}

// route says what has become of a path that is meant for the Pod.
func (w *asked) route(pod *cluster.Pod, c claims.Claim) explanation.Route {
	r := explanation.Route{Host: c.Host.String(), Path: c.Key.Path, Match: c.Key.Match, By: c.Ref.String()}
	v := w.Table.Named(c.Host.String())
	var l *route.Location
	if v != nil {
		l = v.Find(c.Key.Path, c.Key.Match)
	}
	if l == nil || l.From.Name != c.Namespace {
		why, lost := world.Fate(v, c.Namespace, c.Key)
		switch {
		case lost:
			r.State, r.Text = explanation.IsLost, why
		case c.Lacks != "":
			r.State, r.Text = explanation.Refused, c.Lacks
		case why == world.NobodyServes:
			r.State, r.Text = explanation.Waits, "it can't serve now, nor can any other Pod of the path: see its state"
		default:
			r.State, r.Text = explanation.Refused, why
		}
		return r
	}
	if c.Lacks != "" {
		r.State, r.Text = explanation.Refused, c.Lacks
		return r
	}
	r.State, r.Text = w.turn(pod, c, l)
	return r
}

// turn says which requests of a location the Pod gets.
func (w *asked) turn(pod *cluster.Pod, c claims.Claim, l *route.Location) (explanation.State, string) {
	closedFor := ""
	if l.Auth.Closed {
		closedFor = ", but all requests get 403, since the API key that is demanded is not there: see the problems"
	}
	i := slices.IndexFunc(l.Upstream.Endpoints, func(e route.Endpoint) bool { return e.Pod == pod.Ref })
	switch {
	case i < 0 && !pod.Serves():
		return explanation.Waits, "it can't serve now: see its state"
	case i < 0 && l.Upstream.Policy == value.PolicyOne && len(l.Upstream.Endpoints) > 0:
		return explanation.Waits, fmt.Sprintf("%s gets all requests, since it has been ready longer; this one waits for its turn", l.Upstream.Endpoints[0].Pod)
	case i < 0 && c.Ref.Kind == "Ingress":
		return explanation.Waits, "it is not among the ready endpoints of Service " + c.Service + ": see kubectl get endpointslices --namespace=" + c.Namespace
	case i < 0:
		return explanation.Refused, "another object of its Namespace serves the path: see the problems"
	case closedFor != "":
		return explanation.Refused, "it is chosen" + closedFor
	}
	e, sum := l.Upstream.Endpoints[i], 0
	for _, o := range l.Upstream.Endpoints {
		sum += max(o.Weight, 1)
	}
	switch l.Upstream.Policy {
	case value.PolicyOne:
		return explanation.Serves, "it gets all requests, since it has been ready longest" + w.Since(e.ReadySince)
	case value.PolicyHash:
		return explanation.Serves, units(l.Upstream.Keyed, pod.Name)
	}
	return explanation.Serves, fmt.Sprintf("it gets %d of %d requests, by weight", max(e.Weight, 1), sum)
}

// units says how many keys a Pod has.
func units(k *route.Keyed, identity string) string {
	n, pinned := 0, 0
	for _, s := range k.Slots {
		if k.Members[s.Member].Identity == identity {
			n += s.Units
		}
	}
	for _, o := range k.Overrides {
		if k.Members[o.Member].Identity == identity {
			pinned++
		}
	}
	text := fmt.Sprintf("it gets the requests of %d.%02d %% of all keys (%s)", n/100, n%100, k.Key)
	if pinned > 0 {
		text += fmt.Sprintf(", and of %d keys by overrides", pinned)
	}
	return text
}
