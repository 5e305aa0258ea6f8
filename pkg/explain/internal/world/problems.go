package world

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/explain/explanation"
	"github.com/30x/dispatcher/pkg/explain/internal/claims"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// scope is what Problems must be about to have a say in an answer.
type scope struct {
	*World
	hosts      func(value.Host) bool // of Namespaces' annotations; nil: all
	asked      string                // host, as it was asked for
	path       string                // that was asked for; "": all count
	pinned     string                // Namespace whose overrides count
	namespaces map[string]bool
	claims     []claims.Claim
	pods       map[cluster.Ref]bool // of which all counts
	services   map[cluster.Ref]bool // without a kind
	ingresses  map[cluster.Ref]bool
	dropped    bool // entries count of which it can't be said which path they are for
	unread     bool // annotations count of which it can't be said which hosts they are for
}

// ProblemsOf are those that have a say in what becomes of a request: for a host, which
// is found in v, nil if nowhere, and for a path, which l answers, nil if nothing does.
// all are the claims on the host.
func (w *World) ProblemsOf(v *route.VirtualHost, l *explanation.Location, host, path string, all []claims.Claim) []explanation.Problem {
	s := &scope{World: w, asked: host, path: path, namespaces: map[string]bool{}, dropped: l == nil, unread: v == nil, pods: map[cluster.Ref]bool{}}
	if l != nil && v.Find(l.Path, l.Match).Upstream.Keyed != nil {
		s.pinned = l.Namespace
	}
	s.hosts = func(h value.Host) bool { return v != nil && h == v.Name || h.String() == host }
	if v != nil {
		s.namespaces[v.Owner.Name] = true
		for _, ns := range v.From {
			s.namespaces[ns.Name] = true
		}
	}
	for _, c := range all {
		s.namespaces[c.Namespace] = true
		if Covers(c.Key, path) {
			s.claims = append(s.claims, c)
		}
	}
	for _, i := range w.Snapshot.Ingresses { // a rule may have been dropped whole
		if slices.ContainsFunc(i.Rules, func(r cluster.IngressRule) bool { return s.isHost(r.Host) }) {
			s.addIngress(i.Ref)
		}
	}
	return s.problems()
}

// ProblemsOfPod are those that have a say in what a Pod serves; all are the claims that
// it is for.
func (w *World) ProblemsOfPod(pod *cluster.Pod, all []claims.Claim) []explanation.Problem {
	own := *w
	own.Problems = slices.Concat(w.Problems, w.unread(pod))
	s := &scope{World: &own, claims: all, namespaces: map[string]bool{pod.Namespace: true}, pinned: pod.Namespace, pods: map[cluster.Ref]bool{pod.Ref: true}}
	return s.problems()
}

// unread are the Problems of a Pod's entries that nobody has read, since the Pod is not
// routed for another reason.
func (w *World) unread(pod *cluster.Pod) (problems []route.Problem) {
	key := w.Options.PathsAnnotation
	text, ok := pod.Annotations[key]
	if !ok || !w.Options.Dispatcher {
		return nil
	}
	_, notes := annotation.Paths(text, w.Options.Limits)
	for _, n := range notes { // those that were read are told once all the same
		problems = append(problems, route.Problem{Ref: pod.Ref, Key: key + n.Place, Reason: n.Reason})
	}
	return problems
}

func (s *scope) addIngress(ref cluster.Ref) {
	if s.ingresses == nil {
		s.ingresses = map[cluster.Ref]bool{}
	}
	s.ingresses[ref] = true
}

// problems filters all Problems, in their order.
func (s *scope) problems() (out []explanation.Problem) {
	s.services = map[cluster.Ref]bool{}
	for _, c := range s.claims {
		switch c.Ref.Kind {
		case "Ingress":
			s.addIngress(c.Ref)
		case "Pod":
			s.pods[c.Ref] = s.pods[c.Ref] || false
		}
		if c.Service != "" {
			s.services[cluster.Ref{Namespace: c.Namespace, Name: c.Service}] = true
		}
	}
	seen := map[explanation.Problem]bool{}
	for _, p := range s.Problems {
		told := explanation.Problem{Object: p.Ref.String(), Key: p.Key, Reason: p.Reason}
		if s.concerns(p) && !s.elsewhere(p) && !seen[told] {
			seen[told] = true
			if len(out) < located { // each takes a walk through the annotation
				told.Line, told.Column = s.position(p)
			}
			out = append(out, told)
		}
	}
	return out
}

func (s *scope) concerns(p route.Problem) bool {
	switch p.Ref.Kind {
	case "Namespace":
		place, ofHosts := strings.CutPrefix(p.Key, s.Options.HostsAnnotation+"[")
		if quoted, err := strconv.QuotedPrefix(place); ofHosts && err == nil && s.hosts != nil {
			name, _ := strconv.Unquote(quoted)
			return s.isHost(name)
		}
		return s.namespaces[p.Ref.Name] || s.unread && p.Key == s.Options.HostsAnnotation
	case "Secret":
		return s.namespaces[p.Ref.Namespace]
	case "ConfigMap":
		return s.pinned == p.Ref.Namespace
	case "Pod":
		return s.ofPod(p)
	case "Ingress":
		return s.ingresses[p.Ref] && s.ofIngress(p)
	case "Service":
		return s.services[cluster.Ref{Namespace: p.Ref.Namespace, Name: p.Ref.Name}]
	case "EndpointSlice", "Endpoints":
		return slices.ContainsFunc(s.Snapshot.EndpointSlices, func(o *cluster.EndpointSlice) bool {
			return o.Ref == p.Ref && s.services[cluster.Ref{Namespace: o.Namespace, Name: o.Service}]
		})
	}
	return false
}

// elsewhere reports whether a Problem is about one path, and that is not the request's.
func (s *scope) elsewhere(p route.Problem) bool {
	return s.path != "" && p.Path != "" && !Covers(table.Key{Path: p.Path, Match: value.Prefix}, s.path)
}

// isHost reports whether a text that an owner has written is the host, or was meant to
// be.
func (s *scope) isHost(text string) bool {
	if text == "" { // a rule for hosts that nobody declares
		return s.hosts(value.Host{})
	}
	h, err := value.ParseHost(text)
	return err == nil && s.hosts(h) || err != nil && strings.EqualFold(strings.TrimSuffix(text, "."), s.asked)
}

// ofIngress reports whether a Problem of an Ingress counts: one of a rule for another
// host does not, nor one of another path.
func (s *scope) ofIngress(p route.Problem) bool {
	var rule, path int
	if n, _ := fmt.Sscanf(p.Key, "spec.rules[%d]", &rule); n < 1 || s.hosts == nil {
		return true
	}
	i, found := slices.BinarySearchFunc(s.Snapshot.Ingresses, p.Ref, func(o *cluster.Ingress, r cluster.Ref) int { return compare(o.Ref, r) })
	if !found || rule >= len(s.Snapshot.Ingresses[i].Rules) || !s.isHost(s.Snapshot.Ingresses[i].Rules[rule].Host) {
		return false
	}
	n, _ := fmt.Sscanf(p.Key, "spec.rules[%d].http.paths[%d]", &rule, &path)
	return n < 2 || s.dropped || s.claimed(p)
}

// ofPod reports whether a Problem of a Pod counts: one of an entry for another path
// does not.
func (s *scope) ofPod(p route.Problem) bool {
	whole, known := s.pods[p.Ref]
	entry := s.isEntry(p.Key)
	switch {
	case whole, known && !entry, known && s.claimed(p):
		return true
	case entry:
		return s.dropped && s.namespaces[p.Ref.Namespace] && !s.parsed(p.Ref, p.Key)
	}
	return s.dropped && s.namespaces[p.Ref.Namespace]
}

// compare orders objects as a Snapshot does.
func compare(a, b cluster.Ref) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// isEntry reports whether a place is in a Pod's annotation with paths.
func (s *scope) isEntry(key string) bool {
	names := []string{s.Options.PathsAnnotation}
	if m := s.Options.Microservice; m != nil {
		names = append(names, m.PathsAnnotations...)
	}
	return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(key, name+"[") })
}

// claimed reports whether a Problem is about one of the claims.
func (s *scope) claimed(p route.Problem) bool {
	return slices.ContainsFunc(s.claims, func(c claims.Claim) bool { return c.Ref == p.Ref && within(p.Key, c.Place) })
}

// within reports whether a place is in another one, or is it.
func within(key, place string) bool {
	rest, ok := strings.CutPrefix(key, place)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// parsed reports whether it is known which path an entry is for.
func (s *scope) parsed(ref cluster.Ref, key string) bool {
	i, found := slices.BinarySearchFunc(s.Snapshot.Pods, ref, func(o *cluster.Pod, r cluster.Ref) int { return compare(o.Ref, r) })
	if !found {
		return false
	}
	for name, text := range s.Snapshot.Pods[i].Annotations {
		read := annotation.Paths
		if name != s.Options.PathsAnnotation {
			read = annotation.PathWords
		}
		entries, _ := read(text, s.Options.Limits)
		for _, e := range entries {
			if within(key, name+"["+strconv.Itoa(e.Index)+"]") {
				return true
			}
		}
	}
	return false
}
