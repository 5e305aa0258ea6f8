package route

import (
	"fmt"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/apikey"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/implied"
	"github.com/30x/dispatcher/pkg/route/pods"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Build translates what is known of the cluster into what should be served.
// It never fails as a whole: what can't be served is left out and named in a
// Problem, in a fixed order.
func Build(s *cluster.Snapshot, opts Options) (*Table, []Problem) {
	b := &builder{
		opts: opts, snapshot: s,
		hosts: make(map[value.Host]*hostState, len(s.Namespaces)), secrets: make(map[string]*cluster.Secret, len(s.Secrets)),
	}
	if b.opts.Memory == nil {
		b.opts.Memory = &certificate.Memory{}
	}
	b.opts.Memory.Begin()
	for _, secret := range s.Secrets {
		b.secrets[secret.Namespace] = secret
	}
	if opts.Director != nil {
		return b.direct(opts.Director), b.problems
	}
	b.findSets()
	b.findIngresses()
	b.pods = pods.New(s, b.podOptions())
	namespaces := s.Namespaces
	if opts.Implied {
		namespaces = implied.Namespaces(s, b.ours)
	}
	for _, ns := range namespaces { // oldest first: the first claim wins
		b.addNamespace(ns)
	}
	return b.table(), b.problems
}

// builder is the state of one Build.
type builder struct {
	opts       Options
	snapshot   *cluster.Snapshot
	pods       *pods.Translator
	hosts      map[value.Host]*hostState
	secrets    map[string]*cluster.Secret // by Namespace
	sets       map[string]map[string]*cluster.StatefulSet
	configMaps map[string]map[string]*cluster.ConfigMap
	tlsSecrets map[string]map[string]*cluster.Secret // these three by Namespace and name
	ingresses  ingresses
	budget     policy.Budget
	ours       []cluster.Ref // Ingresses of our class
	until      int64         // when the clock alone would change the Table; 0: never
	problems   []Problem
}

func (b *builder) problem(ref cluster.Ref, key, format string, args ...any) {
	b.problems = append(b.problems, Problem{Ref: ref, Key: key, Reason: fmt.Sprintf(format, args...)})
}

// pathProblem is about one path of many that the key stands for.
func (b *builder) pathProblem(l *Location, ref cluster.Ref, key, format string, args ...any) {
	b.problem(ref, key, format, args...)
	b.problems[len(b.problems)-1].Path = l.Path.String()
}

// wake notes when the clock alone will change the Table.
func (b *builder) wake(at int64) {
	if at != 0 && (b.until == 0 || at < b.until) {
		b.until = at
	}
}

func (b *builder) podOptions() pods.Options {
	o := &b.opts
	return pods.Options{
		Dispatcher: o.Dispatcher, HostsAnnotation: o.HostsAnnotation, PathsAnnotation: o.PathsAnnotation, Microservice: o.Microservice,
		AppNameLabel: o.AppNameLabel, AppRevLabel: o.AppRevLabel, OrgLabel: o.OrgLabel, EnvLabel: o.EnvLabel,
		HealthChecks: o.HealthChecks, Dynamic: o.Dynamic, Sticky: o.Sticky, Overrides: o.Overrides, Now: o.Now,
		Sets: b.sets, ConfigMaps: b.configMaps, Report: b.problem, Wake: b.wake,
	}
}

// findSets finds what policies ask for by name.
func (b *builder) findSets() {
	b.sets, b.configMaps, b.tlsSecrets = map[string]map[string]*cluster.StatefulSet{}, map[string]map[string]*cluster.ConfigMap{}, map[string]map[string]*cluster.Secret{}
	for _, o := range b.snapshot.StatefulSets {
		put(b.sets, o.Namespace, o.Name, o)
	}
	for _, o := range b.snapshot.ConfigMaps {
		put(b.configMaps, o.Namespace, o.Name, o)
	}
	for _, o := range b.snapshot.TLSSecrets {
		put(b.tlsSecrets, o.Namespace, o.Name, o)
	}
}

func put[T any](m map[string]map[string]T, namespace, name string, o T) {
	if m[namespace] == nil {
		m[namespace] = map[string]T{}
	}
	m[namespace][name] = o
}

// offer is a host that a Namespace serves, and what.
type offer struct {
	hostClaim
	locations []*Location
	open      map[*Location]bool // those that anybody may ask, whatever the Namespace demands
}

// addNamespace adds what a Namespace serves. Where its own objects say different
// things of a path, its annotations count before those of its Pods, and these before
// its Ingresses.
func (b *builder) addNamespace(ns *cluster.Namespace) {
	claims := b.hostClaims(ns)
	var offers []offer
	if b.opts.Dispatcher && ns.Routable {
		if _, ok := ns.Annotations[b.opts.HostsAnnotation]; !ok && b.pods.Declares(ns) {
			b.problem(ns.Ref, b.opts.HostsAnnotation, "the paths of its Pods are not served: the annotation is missing; write a JSON object like {\"www.example.com\": {}}")
		}
		locations := b.pods.Locations(ns)
		for _, claim := range claims {
			offers = append(offers, offer{hostClaim: claim, locations: locations})
		}
	}
	offers = append(offers, b.microserviceOffers(ns, claims)...)
	offers = append(offers, b.ingressOffers(ns)...)
	if !ns.Routable && len(offers) == 0 {
		return
	}
	b.demand(ns, offers)
	b.limitTLS(ns, offers)
	for _, o := range offers {
		b.addHost(ns, o)
	}
}

// microserviceOffers gives the hosts that a Namespace's Pods name. What the Namespace
// itself declares of a host counts.
func (b *builder) microserviceOffers(ns *cluster.Namespace, claims []hostClaim) (offers []offer) {
	granted := make([]value.Host, len(claims))
	for i, c := range claims {
		granted[i] = c.name
	}
	for _, h := range b.pods.Hosts(ns, granted) {
		claim := hostClaim{name: h.Name, ref: h.Ref, place: h.Place, exclusive: b.opts.Microservice.Open}
		if i := slices.Index(granted, h.Name); i >= 0 {
			claim.tls, claim.refused = claims[i].tls, claims[i].refused
			claim.exclusive = false
		}
		offers = append(offers, offer{hostClaim: claim, locations: h.Locations})
	}
	return offers
}

// demand has a Namespace's locations demand its API key.
func (b *builder) demand(ns *cluster.Namespace, offers []offer) {
	o := &b.opts
	auth := apikey.Demand(ns, b.secrets[ns.Name], apikey.Options{
		Annotation: o.AuthAnnotation, SecretName: o.SecretName, Field: o.APIKeyField, Required: o.APIKeyRequired, Report: b.problem,
	})
	for _, offer := range offers {
		for _, l := range offer.locations {
			switch {
			case offer.open[l]:
			case auth.Closed || len(auth.Keys) > 0:
				l.Auth = auth
			case l.Auth.Closed:
				b.pathProblem(l, ns.Ref, b.opts.AuthAnnotation, "the path %s answers 403: its option auth demands an API key, and there is none; "+
					"create it with: kubectl create secret generic %s --from-literal=%s=KEY --namespace=%s", cluster.Quote(l.Path.String()), b.opts.SecretName, b.opts.APIKeyField, ns.Name)
			}
		}
	}
}
