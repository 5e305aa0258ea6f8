package route

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/healthcheck"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/ports"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Build translates what is known of the cluster into what should be served.
// It never fails as a whole: what can't be served is left out and named in a
// Problem, in a fixed order.
func Build(s *cluster.Snapshot, opts Options) (*Table, []Problem) {
	b := &builder{
		opts: opts, fields: option.Fields(), paths: map[string]podPaths{}, labels: map[string]value.Label{"": {}},
		hosts: make(map[value.Host]*hostState, len(s.Namespaces)), secrets: make(map[string]*cluster.Secret, len(s.Secrets)),
	}
	if b.opts.Memory == nil {
		b.opts.Memory = &certificate.Memory{}
	}
	b.opts.Memory.Begin()
	for _, secret := range s.Secrets {
		b.secrets[secret.Namespace] = secret
	}
	pods := b.podsByNamespace(s)
	for _, ns := range s.Namespaces { // oldest first: the first claim wins
		b.addNamespace(ns, pods[ns.Name])
	}
	return b.table(), b.problems
}

// builder is the state of one Build.
type builder struct {
	opts     Options
	paths    map[string]podPaths    // by annotation text
	labels   map[string]value.Label // by text
	hosts    map[value.Host]*hostState
	secrets  map[string]*cluster.Secret // by Namespace
	problems []Problem
	fields   []option.Field
}

// podPaths is all that one annotation text says. It is the same for all Pods with
// that text, so each text is read once in a Build.
type podPaths struct {
	entries []annotation.Path
	notes   []annotation.Note
}

func (b *builder) problem(ref cluster.Ref, key, format string, args ...any) {
	b.problems = append(b.problems, Problem{Ref: ref, Key: key, Reason: fmt.Sprintf(format, args...)})
}

// podsByNamespace groups the Pods that have paths and serve or may serve one
// day, and reports those whose Namespace isn't routed.
func (b *builder) podsByNamespace(s *cluster.Snapshot) map[string][]*cluster.Pod {
	routed := make(map[string]bool, len(s.Namespaces))
	for _, ns := range s.Namespaces {
		routed[ns.Name] = true
	}
	pods := make(map[string][]*cluster.Pod, len(s.Namespaces))
	for _, p := range s.Pods {
		if _, ok := p.Annotations[b.opts.PathsAnnotation]; !ok || p.Finished {
			continue
		}
		if p.BadIP != "" {
			b.problem(p.Ref, "status.podIP", "the Pod is not routed: %s is not an IP address", cluster.Quote(p.BadIP))
		}
		if !routed[p.Namespace] {
			b.problem(p.Ref, "metadata.namespace", "the Pod is not routed: Namespace %s is not; give it the routable label too", p.Namespace)
			continue
		}
		pods[p.Namespace] = append(pods[p.Namespace], p)
	}
	return pods
}

// addNamespace adds all paths of a Namespace's Pods to all of its hosts.
func (b *builder) addNamespace(ns *cluster.Namespace, pods []*cluster.Pod) {
	claims := b.hostClaims(ns)
	if _, ok := ns.Annotations[b.opts.HostsAnnotation]; !ok && len(pods) > 0 {
		b.problem(ns.Ref, b.opts.HostsAnnotation, "the paths of its Pods are not served: the annotation is missing; write a JSON object like {\"www.example.com\": {}}")
	}
	locations := b.locations(ns, pods)
	if auth := b.auth(ns); auth.Closed || len(auth.Keys) > 0 {
		for _, l := range locations {
			l.Auth = auth
		}
	}
	for _, claim := range claims {
		b.addHost(ns, claim, locations)
	}
}

// locations gathers the entries of all Pods of a Namespace by path, in the
// order of the paths. They belong to no host yet. One without endpoints is a
// claim: a path does not go to another Namespace while its Pods restart.
func (b *builder) locations(ns *cluster.Namespace, pods []*cluster.Pod) []*Location {
	type gathering struct {
		location *Location
		votes    []vote
	}
	byKey := map[table.Key]*gathering{}
	org, env := b.label(ns.Ref, ns.Labels, b.opts.OrgLabel), b.label(ns.Ref, ns.Labels, b.opts.EnvLabel)
	var out []*Location
	for _, pod := range pods {
		name, rev := b.label(pod.Ref, pod.Labels, b.opts.AppNameLabel), b.label(pod.Ref, pod.Labels, b.opts.AppRevLabel)
		for _, e := range b.entries(pod) {
			g := byKey[keyOf(e)]
			if g == nil {
				g = &gathering{location: &Location{Path: e.Base, Match: e.Match, Upstream: &Upstream{}, From: ns.Ref, Org: org, Env: env}}
				byKey[keyOf(e)] = g
				out = append(out, g.location)
			}
			port, container, err := ports.Resolve(pod, e.Port)
			if err != nil {
				b.problem(pod.Ref, b.place(e, "containerPort"), "the entry is dropped: %v", err)
			}
			serves := pod.Serves()
			if err == nil && (serves || b.opts.Dynamic) {
				g.votes = append(g.votes, vote{pod, e})
			}
			if err != nil || !serves {
				continue // the path is its Namespace's all the same
			}
			up := g.location.Upstream
			up.Endpoints = append(up.Endpoints, Endpoint{
				Addr: netip.AddrPortFrom(pod.IP, uint16(port)), Weight: e.Weight, Pod: pod.Ref, ReadySince: pod.ReadySince, AppName: name, AppRev: rev,
			})
			if b.opts.HealthChecks && up.HealthCheck == nil {
				if up.HealthCheck, err = healthcheck.New(pod, container, port); err != nil {
					b.problem(pod.Ref, "spec.containers", "no health check is made: %v", err)
				}
			}
		}
	}
	slices.SortFunc(out, compareLocations)
	for _, l := range out {
		b.settle(l, byKey[l.Key()].votes)
	}
	return out
}

func compareLocations(a, b *Location) int { return a.Key().Compare(b.Key()) }

// entries reads a Pod's paths annotation.
func (b *builder) entries(pod *cluster.Pod) []annotation.Path {
	text := pod.Annotations[b.opts.PathsAnnotation]
	paths, ok := b.paths[text]
	if !ok {
		paths.entries, paths.notes = annotation.Paths(text)
		b.paths[text] = paths
	}
	for _, n := range paths.notes {
		b.problem(pod.Ref, b.opts.PathsAnnotation+n.Place, "%s", n.Reason)
	}
	return paths.entries
}

func (b *builder) place(e annotation.Path, field string) string {
	return fmt.Sprintf("%s[%d].%s", b.opts.PathsAnnotation, e.Index, field)
}

// label reads a label that only informs; a bad one is left out.
func (b *builder) label(ref cluster.Ref, labels map[string]string, key string) value.Label {
	text := labels[key]
	l, known := b.labels[text]
	if known {
		return l
	}
	l, err := value.ParseLabel(text)
	if err != nil {
		b.problem(ref, key, "the label is left out: %v", err)
		return l
	}
	b.labels[text] = l
	return l
}

func keyOf(e annotation.Path) table.Key { return table.Key{Path: e.Base.String(), Match: e.Match} }
