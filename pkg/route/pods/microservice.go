package pods

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Microservice are the names of the dialect microservice, each in all its
// generations: the first that an object carries counts.
type Microservice struct {
	Selector         labels.Selector // of Pods
	HostsAnnotations []string        // on Pods: hosts, separated by white space
	PathsAnnotations []string        // on Pods: PORT:PATH, separated by white space
	// Open: a Pod may name any host, and the Namespace created first owns it. Else only
	// those that its Namespace declares.
	Open bool
	// AnyPort: the port need not be declared by a container.
	AnyPort bool
}

// Keys gives the annotations of a Pod that count; "" for one that it lacks.
func (m *Microservice) Keys(p *cluster.Pod) (hosts, paths string) {
	first := func(names []string) string {
		for _, name := range names {
			if _, ok := p.Annotations[name]; ok {
				return name
			}
		}
		return ""
	}
	return first(m.HostsAnnotations), first(m.PathsAnnotations)
}

// microservicePods groups the Pods of the dialect microservice (k8s-pods-ingress), which
// name their hosts themselves, by Namespace.
func (t *Translator) microservicePods() map[string][]declaration {
	m := t.o.Microservice
	if m == nil {
		return nil
	}
	out := map[string][]declaration{}
	for _, p := range t.snapshot.Pods {
		if !p.Microservice || p.Finished {
			continue
		}
		hostsKey, pathsKey := m.Keys(p)
		if hostsKey == "" || pathsKey == "" {
			missing := m.HostsAnnotations[0]
			if hostsKey != "" {
				missing = m.PathsAnnotations[0]
			}
			t.o.Report(p.Ref, missing, "the Pod is not routed: the annotation is missing; write hosts with spaces between, and paths as PORT:PATH, or take the label away")
			continue
		}
		t.checkAddress(p)
		d := declaration{pod: p, key: pathsKey, anyPort: m.AnyPort}
		d.hosts = t.read(p, hostsKey, func(text string) (w words) { w.hosts, w.notes = annotation.HostWords(text, t.o.Limits); return w }).hosts
		d.entries = t.read(p, pathsKey, func(text string) (w words) { w.entries, w.notes = annotation.PathWords(text, t.o.Limits); return w }).entries
		d.hostsKey = hostsKey
		if len(d.hosts) > 0 && len(d.entries) > 0 {
			out[p.Namespace] = append(out[p.Namespace], d)
		}
	}
	return out
}

// Host is a host that Pods of a Namespace name, with the paths of those that name it.
type Host struct {
	Name      value.Host
	Ref       cluster.Ref // the first of the Pods
	Place     string      // where in its annotations
	Locations []*table.Location
}

// Hosts gives what a Namespace's Pods of the dialect microservice declare. granted are
// the hosts that the Namespace declares itself; unless the operator allows any, there
// are no others. The quota counts them, and their paths.
func (t *Translator) Hosts(ns *cluster.Namespace, granted []value.Host, quota *limit.Quota) (hosts []Host) {
	byHost := map[value.Host][]declaration{}
	for _, d := range t.microservices[ns.Name] {
		for _, h := range d.hosts {
			why := quota.Refuse(h.Name)
			if why == "" && !t.o.Microservice.Open && !slices.Contains(granted, h.Name) {
				why = fmt.Sprintf("Namespace %s does not declare %s in its annotation %s; add it there, or have the operator set POD_HOSTS=open", ns.Name, h.Name, t.o.HostsAnnotation)
			}
			if why == "" {
				why = quota.Host(h.Name)
			}
			if why != "" {
				t.o.Report(d.pod.Ref, d.hostsKey+h.Place, "the host is not served: %s", why)
				continue
			}
			if byHost[h.Name] == nil {
				hosts = append(hosts, Host{Name: h.Name, Ref: d.pod.Ref, Place: d.hostsKey + h.Place})
			}
			byHost[h.Name] = append(byHost[h.Name], d)
		}
	}
	for i, h := range hosts {
		paths := t.paths(byHost[h.Name])
		n := quota.Locations(len(paths))
		if n < len(paths) {
			t.o.Report(h.Ref, h.Place, "%s", quota.Beyond(len(paths)-n))
		}
		hosts[i].Locations = t.locations(ns, byHost[h.Name], paths[:n])
	}
	return hosts
}
