// Package ingress translates Ingresses of networking.k8s.io/v1. Those of one Namespace
// enter; hosts leave, with their locations and who serves them, and a Problem for every
// entry that was dropped or needs attention. It never knows of other Namespaces: who
// owns a host among them is not decided here, nor what a Secret holds.
package ingress

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/backend"
	"github.com/30x/dispatcher/pkg/route/ingress/foreign"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Options are the choices of an operator, and what the nginx that runs can do; see
// route.Options and route.Ingress.
type Options struct {
	backend.Options

	Class, Controller string
	TLS               bool
	DefaultNamespace  string
	Overrides         cluster.ConfigMaps
	Dynamic, Sticky   bool
	Now               int64
}

// Input is what Translate reads of one Namespace.
type Input struct {
	Namespace  *cluster.Namespace
	Ingresses  []*cluster.Ingress // of our class
	Finder     *backend.Finder
	Sets       map[string]*cluster.StatefulSet // by name, like the next
	ConfigMaps map[string]*cluster.ConfigMap
	Quota      *limit.Quota // counts the hosts and paths; nil: there may be any number
}

// Result is what the Ingresses of a Namespace ask for.
type Result struct {
	Hosts    []Host // by name
	Problems []table.Problem
	Until    int64 // when the clock alone would change it, Unix seconds; 0: never
}

// Host is a host that Ingresses declare.
type Host struct {
	Name  value.Host  // zero: all hosts that nobody declares
	Ref   cluster.Ref // the Ingress that declares it first
	Place string      // where in it
	TLS   *TLS        // nil: plain HTTP
	// Refused: TLS is asked for and can't be had, which has been told. Locations are
	// there all the same: those with Acme may be what TLS waits for.
	Refused   bool
	Locations []Location // by path, exact before prefix
}

// TLS names the Secret, of type kubernetes.io/tls, with a host's certificate.
type TLS struct {
	Secret string      // in the same Namespace
	Ref    cluster.Ref // the Ingress that names it
	Place  string      // where in it
}

// Location is one path of a host. The policy of its Upstream has been applied, but the
// Upstream has no name yet; Auth, Org and Env are for the caller to set. Without
// endpoints it answers 503, and must not be left out: the Ingress says that the path is
// no other's.
type Location struct {
	*table.Location

	Ref   cluster.Ref // the Ingress that asks for it
	Place string      // where in it
	// Acme: it answers the challenges of an ACME server (RFC 8555, 8.3), which has no API
	// key, so none is demanded.
	Acme bool
	Auth bool // an API key is demanded, whether the Namespace has one or not
}

// Translate reads the Ingresses of one Namespace, oldest first, then by name. Of two
// that ask for the same path of a host, the first has it.
//
// A host is served over TLS if an entry of spec.tls names it: by its very name in any
// Ingress of the Namespace, or, in one that has a rule for it, by a wildcard that covers
// it, or by having no hosts, which then means all of that Ingress. The first of them
// that names a Secret counts, in the order of the Ingresses.
func Translate(in Input, opts Options) Result {
	t := &translator{in: in, opts: opts, hosts: map[value.Host]*host{}, told: map[table.Problem]bool{}, applied: map[application]*applied{}}
	var all []*ingress
	for _, o := range slices.SortedStableFunc(slices.Values(in.Ingresses), older) {
		asked, notes := backend.Read(o.Ref, o.Annotations, opts.Options)
		t.tell(notes...)
		closes, told := foreign.Read(o.Annotations, opts.Prefix, asked.Sets)
		for _, n := range told {
			t.problem(o.Ref, n.Key, "%s", n.Reason)
		}
		if closes {
			asked.Clients = backend.Only(nil)
		}
		ing := &ingress{Ingress: o, asked: asked}
		all = append(all, ing)
		t.addRules(ing)
	}
	for _, ing := range all { // their default backends serve what no rule does
		t.addDefault(ing)
	}
	for _, ing := range all {
		if ing.beyond > 0 {
			t.problem(ing.Ref, "spec.rules", "%s", in.Quota.Beyond(ing.beyond))
		}
		t.addWishes(ing)
	}
	for _, name := range slices.SortedFunc(maps.Keys(t.hosts), compareHosts) {
		h := t.hosts[name]
		t.grant(h)
		slices.SortFunc(h.Locations, func(a, b Location) int { return a.Key().Compare(b.Key()) })
		t.out.Hosts = append(t.out.Hosts, h.Host)
	}
	return t.out
}

func compareHosts(a, b value.Host) int { return cmp.Compare(a.String(), b.String()) }

// translator is the state of one Translate.
type translator struct {
	in      Input
	opts    Options
	hosts   map[value.Host]*host
	out     Result
	told    map[table.Problem]bool
	applied map[application]*applied
}

// ingress is an Ingress, with what was read of it.
type ingress struct {
	*cluster.Ingress

	asked  backend.Asked
	hosts  []*host // that it declares
	beyond int     // paths that are more than the Namespace may have
}

// host is a Host while Ingresses are gone through.
type host struct {
	Host

	paths  map[table.Key]claim
	wishes []wish
}

// tell adds Problems, each once: what is wrong with a Service is found at each path
// that it serves.
func (t *translator) tell(problems ...table.Problem) {
	for _, p := range problems {
		if !t.told[p] {
			t.told[p] = true
			t.out.Problems = append(t.out.Problems, p)
		}
	}
}

func (t *translator) problem(ref cluster.Ref, key, format string, args ...any) {
	t.tell(table.Problem{Ref: ref, Key: key, Reason: fmt.Sprintf(format, args...)})
}
