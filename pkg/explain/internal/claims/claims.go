// Package claims lists what the objects of a cluster ask for: the paths of hosts, and
// the Pods that would serve them. A Snapshot enters; Claims leave, those that are served
// and those that are not alike. It never decides which of them wins, and never reports
// what is wrong with an entry: package route does both.
package claims

import (
	"fmt"
	"net/netip"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/backend"
	"github.com/30x/dispatcher/pkg/route/implied"
	"github.com/30x/dispatcher/pkg/route/ingress"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/ports"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Claim is one path of one host that an object asks for.
type Claim struct {
	Ref       cluster.Ref // the Pod, Ingress or Service
	Namespace string
	Host      value.Host // zero: all hosts that nobody declares
	Key       table.Key
	Service   string // that an Ingress names; "" if none
	Place     string // of the entry in the object, as Problems give it
	// Candidates are those that would serve it: the Pod itself, or the endpoints of the
	// Service that an Ingress names. Those that can't serve it at all are none.
	Candidates []policy.Candidate
	// Lacks says why the Pod itself is no candidate; "" if it is, or there is none.
	Lacks string
}

// Finder lists the Claims of one Snapshot.
type Finder struct {
	snapshot *cluster.Snapshot
	opts     route.Options
	entries  map[string][]annotation.Path // by the form and text of an annotation
	backends *backend.Finder
}

// New makes a Finder. It is not safe for concurrent use.
func New(s *cluster.Snapshot, o route.Options) *Finder {
	f := &Finder{snapshot: s, opts: o, entries: map[string][]annotation.Path{}}
	if o.Ingress != nil || o.Director != nil {
		f.backends = backend.New(s, f.opts.Ingresses().Options)
	}
	return f
}

// Of gives the Claims of one Namespace.
func (f *Finder) Of(namespace string) []Claim {
	return f.find(func(name string) bool { return name == namespace }, func(value.Host) bool { return true })
}

// On gives the Claims on hosts that are wanted, of the Namespace created first first.
func (f *Finder) On(wanted func(value.Host) bool) []Claim {
	return f.find(func(string) bool { return true }, wanted)
}

func (f *Finder) find(whose func(namespace string) bool, wanted func(value.Host) bool) (out []Claim) {
	if d := f.opts.Director; d != nil {
		return f.director(d)
	}
	pods := map[string][]*cluster.Pod{}
	for _, p := range f.snapshot.Pods {
		pods[p.Namespace] = append(pods[p.Namespace], p)
	}
	ours := map[string][]*cluster.Ingress{}
	var refs []cluster.Ref
	if f.opts.Ingress != nil {
		for _, i := range ingress.Ours(f.snapshot, f.opts.Ingresses()) {
			ours[i.Namespace] = append(ours[i.Namespace], i)
			refs = append(refs, i.Ref)
		}
	}
	namespaces := f.snapshot.Namespaces
	if f.opts.Implied {
		namespaces = implied.Namespaces(f.snapshot, refs)
	}
	for _, ns := range namespaces {
		if !whose(ns.Name) {
			continue
		}
		hosts := f.Hosts(ns)
		for _, p := range pods[ns.Name] {
			out = append(out, f.pod(ns, hosts, p, wanted)...)
		}
		out = append(out, f.ingresses(ns, ours[ns.Name], wanted)...)
	}
	return out
}

// Hosts are those that a Namespace declares itself.
func (f *Finder) Hosts(ns *cluster.Namespace) []annotation.Host {
	hosts, _ := annotation.Hosts(ns.Annotations[f.opts.HostsAnnotation], f.opts.SecretName, f.opts.Limits)
	return hosts
}

// pod gives what one Pod declares, in both dialects.
func (f *Finder) pod(ns *cluster.Namespace, hosts []annotation.Host, p *cluster.Pod, wanted func(value.Host) bool) (out []Claim) {
	if key := f.opts.PathsAnnotation; f.opts.Dispatcher && ns.Routable && p.Routable {
		if text, ok := p.Annotations[key]; ok {
			entries := f.parse("json", text, func(text string) []annotation.Path { e, _ := annotation.Paths(text, f.opts.Limits); return e })
			for _, h := range hosts {
				if wanted(h.Name) {
					out = append(out, claimsOf(p, h.Name, key, entries, false)...)
				}
			}
		}
	}
	m := f.opts.Microservice
	if m == nil || !p.Microservice {
		return out
	}
	hostsKey, pathsKey := m.Keys(p)
	named, _ := annotation.HostWords(p.Annotations[hostsKey], f.opts.Limits)
	entries := f.parse("words", p.Annotations[pathsKey], func(text string) []annotation.Path { e, _ := annotation.PathWords(text, f.opts.Limits); return e })
	for _, h := range named {
		if wanted(h.Name) {
			out = append(out, claimsOf(p, h.Name, pathsKey, entries, m.AnyPort)...)
		}
	}
	return out
}

func (f *Finder) parse(form, text string, read func(string) []annotation.Path) []annotation.Path {
	entries, known := f.entries[form+text]
	if !known {
		entries = read(text)
		f.entries[form+text] = entries
	}
	return entries
}

// claimsOf are a Pod's entries on one host.
func claimsOf(p *cluster.Pod, host value.Host, annotationKey string, entries []annotation.Path, anyPort bool) (out []Claim) {
	for _, e := range entries {
		c := Claim{Ref: p.Ref, Namespace: p.Namespace, Host: host, Key: table.Key{Path: e.Base.String(), Match: e.Match}, Place: fmt.Sprintf("%s[%d]", annotationKey, e.Index)}
		port, _, err := ports.Resolve(p, e.Port, anyPort)
		switch {
		case err != nil:
			c.Lacks = err.Error()
		case !p.Finished:
			c.Candidates = []policy.Candidate{policy.Of(p, table.Endpoint{Addr: netip.AddrPortFrom(p.IP, uint16(port)), Weight: e.Weight, Pod: p.Ref})}
		}
		out = append(out, c)
	}
	return out
}

// ingresses gives what the Ingresses of a Namespace ask for.
func (f *Finder) ingresses(ns *cluster.Namespace, ours []*cluster.Ingress, wanted func(value.Host) bool) (out []Claim) {
	if len(ours) == 0 {
		return nil
	}
	byRef := map[cluster.Ref]*cluster.Ingress{}
	for _, i := range ours {
		byRef[i.Ref] = i
	}
	result := ingress.Translate(ingress.Input{Namespace: ns, Ingresses: ours, Finder: f.backends}, f.opts.Ingresses())
	for _, h := range result.Hosts {
		if !wanted(h.Name) {
			continue
		}
		for _, l := range h.Locations {
			c := Claim{Ref: l.Ref, Namespace: ns.Name, Host: h.Name, Key: l.Key(), Place: l.Place}
			if b := backendAt(byRef[l.Ref], l.Place); b != nil && b.Service != "" {
				found, _ := f.backends.Find(ns.Name, b.Service, b.PortName, b.PortNumber)
				c.Service, c.Candidates = b.Service, found.Candidates
			}
			out = append(out, c)
		}
	}
	return out
}

// backendAt is the backend at a place in an Ingress, nil if it has none.
func backendAt(o *cluster.Ingress, place string) *cluster.IngressBackend {
	var i, j int
	if n, err := fmt.Sscanf(place, "spec.rules[%d].http.paths[%d]", &i, &j); err != nil || n != 2 {
		return o.Default
	}
	return &o.Rules[i].Paths[j].Backend
}

// director gives the one Service that is served for all hosts.
func (f *Finder) director(d *route.Director) []Claim {
	found, _ := f.backends.Direct(d.Namespace, d.Service, d.TargetPort)
	return []Claim{{
		Ref: cluster.Ref{Kind: "Service", Namespace: d.Namespace, Name: d.Service}, Namespace: d.Namespace,
		Key: table.Key{Path: "/", Match: value.Prefix}, Place: "spec", Service: d.Service, Candidates: found.Candidates,
	}}
}
