package route

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/healthcheck"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Build translates what is known of the cluster into what should be served.
// It never fails as a whole: what can't be served is left out and named in a
// Problem, in a fixed order.
func Build(s *cluster.Snapshot, opts Options) (*Table, []Problem) {
	b := &builder{opts: opts, parsed: map[string]parsedPaths{}, hosts: map[value.Host]*hostState{}, secrets: make(map[string]*cluster.Secret, len(s.Secrets))}
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
	parsed   map[string]parsedPaths // by annotation text
	hosts    map[value.Host]*hostState
	secrets  map[string]*cluster.Secret // by Namespace
	problems []Problem
}

// hostState is a host while its Namespaces are gone through.
type hostState struct {
	vhost   *VirtualHost
	refused bool
	claimed map[value.Path]cluster.Ref // path without trailing slash → its Namespace
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
	pods := map[string][]*cluster.Pod{}
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

// addHost gives a Namespace's locations to one of its hosts, as far as no
// older Namespace has the host's path.
func (b *builder) addHost(ns *cluster.Namespace, claim hostClaim, locations []*Location) {
	state := b.hosts[claim.host]
	if state == nil {
		state = &hostState{
			vhost:   &VirtualHost{Name: claim.host, Owner: ns.Ref},
			refused: claim.refused,
			claimed: make(map[value.Path]cluster.Ref, len(locations)),
		}
		b.hosts[claim.host] = state
	}
	place := fmt.Sprintf("%s[%q]", b.opts.HostsAnnotation, claim.host)
	switch {
	case claim.refused:
		return // its Problem has been told
	case state.refused:
		b.problem(ns.Ref, place, "the host is not served: Namespace %s owns it (it was created first) and its options for the host can't be met", state.vhost.Owner.Name)
		return
	}
	state.vhost.From = append(state.vhost.From, ns.Ref)
	for _, l := range locations {
		// Both kinds of match count as one path here: or an exact path would be a
		// way to take over another Namespace's prefix.
		path := l.Path.WithoutSlash()
		if owner, taken := state.claimed[path]; taken && owner != ns.Ref {
			b.problem(ns.Ref, place, "the path %s is not served there: Namespace %s, created first, serves it", cluster.Quote(l.Path.String()), owner.Name)
			continue
		}
		state.claimed[path] = ns.Ref
		own := *l
		upstream := *l.Upstream
		upstream.Name = upstreamName(claim.host.String(), l.Path.String(), string(l.Match))
		own.Upstream = &upstream
		state.vhost.Locations = append(state.vhost.Locations, &own)
	}
}

// locations gathers the entries of all Pods of a Namespace by path, in the
// order of the paths. They belong to no host yet. One without endpoints is a
// claim: a path does not go to another Namespace while its Pods restart.
func (b *builder) locations(ns *cluster.Namespace, pods []*cluster.Pod) []*Location {
	type gathering struct {
		location *Location
		targets  []target
	}
	byKey := map[pathKey]*gathering{}
	org, env := b.label(ns.Ref, ns.Labels, b.opts.OrgLabel), b.label(ns.Ref, ns.Labels, b.opts.EnvLabel)
	var out []*Location
	for _, pod := range pods {
		name, rev := b.label(pod.Ref, pod.Labels, b.opts.AppNameLabel), b.label(pod.Ref, pod.Labels, b.opts.AppRevLabel)
		for _, e := range b.entries(pod) {
			g := byKey[e.key()]
			if g == nil {
				g = &gathering{location: &Location{Path: e.path, Match: e.match, Upstream: &Upstream{}, From: ns.Ref, Org: org, Env: env}}
				byKey[e.key()] = g
				out = append(out, g.location)
			}
			port, container, err := resolvePort(pod, e.port)
			if err != nil {
				b.problem(pod.Ref, b.place(e, "containerPort"), "the entry is dropped: %v", err)
			}
			if err != nil || !pod.Serves() {
				continue // the path is its Namespace's all the same
			}
			up := g.location.Upstream
			up.Endpoints = append(up.Endpoints, Endpoint{
				Addr: netip.AddrPortFrom(pod.IP, uint16(port)), Weight: e.weight, Pod: pod.Ref, AppName: name, AppRev: rev,
			})
			if b.opts.HealthChecks && up.HealthCheck == nil {
				if up.HealthCheck, err = healthcheck.New(pod, container, port); err != nil {
					b.problem(pod.Ref, "spec.containers", "no health check is made: %v", err)
				}
			}
			g.targets = append(g.targets, target{pod, e})
		}
	}
	for _, g := range byKey {
		g.location.Target = chooseTarget(g.targets)
	}
	slices.SortFunc(out, compareLocations)
	for _, l := range out {
		b.reportTargets(l, byKey[l.key()].targets)
	}
	return out
}

func compareLocations(a, b *Location) int { return a.key().compare(b.key()) }

// entries reads a Pod's paths annotation.
func (b *builder) entries(pod *cluster.Pod) []pathEntry {
	text := pod.Annotations[b.opts.PathsAnnotation]
	parsed, ok := b.parsed[text]
	if !ok {
		parsed = parsePaths(text)
		b.parsed[text] = parsed
	}
	for _, n := range parsed.notes {
		b.problem(pod.Ref, b.opts.PathsAnnotation+n.place, "%s", n.reason)
	}
	return parsed.entries
}

func (b *builder) place(e pathEntry, field string) string {
	return fmt.Sprintf("%s[%d].%s", b.opts.PathsAnnotation, e.index, field)
}

// label reads a label that only informs; a bad one is left out.
func (b *builder) label(ref cluster.Ref, labels map[string]string, key string) value.Label {
	l, err := value.ParseLabel(labels[key])
	if err != nil {
		b.problem(ref, key, "the label is left out: %v", err)
	}
	return l
}

// target is what one Pod's entry says of a location's target path.
type target struct {
	pod   *cluster.Pod
	entry pathEntry
}

// chooseTarget takes the target path of the oldest Pod that sets one: a set
// value beats an unset one.
func chooseTarget(targets []target) value.Path {
	var best *target
	for i := range targets {
		t := &targets[i]
		if !t.entry.target.IsZero() && (best == nil || t.pod.Created < best.pod.Created) {
			best = t // Pods come by name, so of two of one age the first stays
		}
	}
	if best == nil {
		return value.Path{}
	}
	return best.entry.target
}

// reportTargets tells each Pod that does not agree with the chosen target path.
func (b *builder) reportTargets(l *Location, targets []target) {
	for _, t := range targets {
		switch {
		case t.entry.target == l.Target:
		case t.entry.target.IsZero():
			b.problem(t.pod.Ref, b.place(t.entry, "targetPath"), "it is not set here, but on other Pods of %s: %s is used for all", cluster.Quote(l.Path.String()), cluster.Quote(l.Target.String()))
		default:
			b.problem(t.pod.Ref, b.place(t.entry, "targetPath"), "%s differs from an older Pod's of %s: %s is used for all", cluster.Quote(t.entry.target.String()), cluster.Quote(l.Path.String()), cluster.Quote(l.Target.String()))
		}
	}
}

// table puts the hosts in order.
func (b *builder) table() *Table {
	t := &Table{}
	for host, state := range b.hosts {
		if state.refused {
			// A wildcard that covers the host must not serve it instead.
			wildcard, err := value.ParseHost("*" + host.Parent())
			if cover := b.hosts[wildcard]; err != nil || host.Wildcard() || cover == nil || cover.refused {
				continue
			}
			state.vhost.From, state.vhost.Refused, state.vhost.Locations = nil, true, nil
		}
		slices.SortFunc(state.vhost.Locations, compareLocations)
		state.vhost.dropClaims()
		t.Hosts = append(t.Hosts, state.vhost)
	}
	slices.SortFunc(t.Hosts, func(x, y *VirtualHost) int { return cmp.Compare(x.Name.String(), y.Name.String()) })
	return t
}
