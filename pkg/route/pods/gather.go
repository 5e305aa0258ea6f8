package pods

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/healthcheck"
	"github.com/30x/dispatcher/pkg/route/ports"
	"github.com/30x/dispatcher/pkg/route/table"
)

// declaration is a Pod and the paths that it declares.
type declaration struct {
	pod     *cluster.Pod
	key     string // of its annotation
	entries []annotation.Path
	anyPort bool // no container need declare the ports
	// The dialect microservice has hosts, too, from an annotation of their own.
	hosts    []annotation.Host
	hostsKey string
}

// words is all that one annotation text says. It is the same for all Pods with that
// text, so each text is read once in a Build.
type words struct {
	entries []annotation.Path
	hosts   []annotation.Host
	notes   []annotation.Note
}

// read reads an annotation of a Pod, and reports what is wrong with it.
func (t *Translator) read(pod *cluster.Pod, key string, parse func(string) words) words {
	text := pod.Annotations[key]
	w, ok := t.words[key+"\x00"+text]
	if !ok {
		w = parse(text)
		t.words[key+"\x00"+text] = w
	}
	for _, n := range w.notes {
		t.o.Report(pod.Ref, key+n.Place, "%s", n.Reason)
	}
	return w
}

// podsByNamespace groups the Pods that have paths and serve or may serve one
// day, and reports those whose Namespace isn't routed.
func (t *Translator) podsByNamespace() map[string][]declaration {
	if !t.o.Dispatcher {
		return nil
	}
	routed := make(map[string]bool, len(t.snapshot.Namespaces))
	for _, ns := range t.snapshot.Namespaces {
		routed[ns.Name] = ns.Routable
	}
	out := make(map[string][]declaration, len(t.snapshot.Namespaces))
	for _, p := range t.snapshot.Pods {
		if _, ok := p.Annotations[t.o.PathsAnnotation]; !ok || !p.Routable || p.Finished {
			continue
		}
		t.checkAddress(p)
		if !routed[p.Namespace] {
			t.o.Report(p.Ref, "metadata.namespace", "the Pod is not routed: Namespace %s is not; give it the routable label too", p.Namespace)
			continue
		}
		out[p.Namespace] = append(out[p.Namespace], declaration{pod: p, key: t.o.PathsAnnotation})
	}
	return out
}

func (t *Translator) checkAddress(p *cluster.Pod) {
	if p.BadIP != "" {
		t.o.Report(p.Ref, "status.podIP", "the Pod is not routed: %s is not an IP address", cluster.Quote(p.BadIP))
	}
}

func (t *Translator) pathEntries(text string) (w words) {
	w.entries, w.notes = annotation.Paths(text, t.o.Limits)
	return w
}

// paths are all that Pods declare, each once, in the order of the paths. It reads their
// annotations.
func (t *Translator) paths(declared []declaration) (all []*annotation.Path) {
	var seen map[table.Key]bool
	var read map[*annotation.Path]bool
	for i := range declared {
		d := &declared[i]
		if d.entries == nil {
			d.entries = t.read(d.pod, d.key, t.pathEntries).entries
		}
		if len(d.entries) == 0 || read[&d.entries[0]] { // most Pods share a text
			continue
		}
		if read == nil {
			seen, read = make(map[table.Key]bool, len(d.entries)), make(map[*annotation.Path]bool, 1)
		}
		read[&d.entries[0]] = true
		for i := range d.entries {
			if e := &d.entries[i]; !seen[keyOf(e)] {
				seen[keyOf(e)] = true
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, func(a, b *annotation.Path) int { return keyOf(a).Compare(keyOf(b)) })
	return all
}

// locations gathers the entries of all Pods of a Namespace by these paths, in their
// order. They belong to no host yet. One without endpoints is a claim: a path does not go
// to another Namespace while its Pods restart.
func (t *Translator) locations(ns *cluster.Namespace, declared []declaration, paths []*annotation.Path) []*table.Location {
	byKey := make(map[table.Key]*gathering, len(paths))
	org, env := t.Label(ns.Ref, ns.Labels, t.o.OrgLabel), t.Label(ns.Ref, ns.Labels, t.o.EnvLabel)
	out := make([]*table.Location, len(paths))
	for i, e := range paths {
		out[i] = &table.Location{Path: e.Base, Match: e.Match, Upstream: &table.Upstream{}, From: ns.Ref, Org: org, Env: env}
		byKey[keyOf(e)] = &gathering{location: out[i]}
	}
	for i := range declared {
		d := &declared[i]
		pod := d.pod
		name, rev := t.Label(pod.Ref, pod.Labels, t.o.AppNameLabel), t.Label(pod.Ref, pod.Labels, t.o.AppRevLabel)
		for i := range d.entries {
			e := &d.entries[i]
			g := byKey[keyOf(e)]
			if g == nil {
				continue // more than the limit
			}
			port, container, err := ports.Resolve(pod, e.Port, d.anyPort)
			if err != nil {
				t.o.Report(pod.Ref, t.place(d, e, "containerPort"), "the entry is dropped: %v", err)
				continue // the path is its Namespace's all the same
			}
			v := vote{declaration: d, entry: e, endpoint: table.Endpoint{
				Addr: netip.AddrPortFrom(pod.IP, uint16(port)), Weight: e.Weight, Pod: pod.Ref, ReadySince: pod.ReadySince, AppName: name, AppRev: rev,
			}}
			g.votes = append(g.votes, v)
			if !pod.Serves() {
				continue
			}
			up := g.location.Upstream
			up.Endpoints = append(up.Endpoints, v.endpoint)
			if t.o.HealthChecks && container != nil && up.HealthCheck == nil {
				if up.HealthCheck, err = healthcheck.New(pod, container, port); err != nil {
					t.o.Report(pod.Ref, "spec.containers", "no health check is made: %v", err)
				}
			}
		}
	}
	for _, l := range out {
		t.settle(ns, byKey[l.Key()])
	}
	return out
}

// gathering is a location and what its Pods say of it.
type gathering struct {
	location *table.Location
	votes    []vote
}

// vote is what one Pod says of a location in its entry.
type vote struct {
	*declaration
	entry    *annotation.Path
	endpoint table.Endpoint // without an address if the Pod has none
}

func keyOf(e *annotation.Path) table.Key { return table.Key{Path: e.Base.String(), Match: e.Match} }

// place is where a field stands in a Pod's annotation.
func (t *Translator) place(d *declaration, e *annotation.Path, field string) string {
	if d.key != t.o.PathsAnnotation {
		return fmt.Sprintf("%s[%d]", d.key, e.Index) // its entries are words
	}
	return fmt.Sprintf("%s[%d].%s", d.key, e.Index, field)
}
