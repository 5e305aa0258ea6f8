package route

import (
	"fmt"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/apikey"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/grants"
	"github.com/30x/dispatcher/pkg/route/implied"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/owner"
	"github.com/30x/dispatcher/pkg/route/pods"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/tell"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Build translates what is known of the cluster into what should be served.
// It never fails as a whole: what can't be served is left out and named in a
// Problem, in a fixed order.
func Build(s *cluster.Snapshot, opts Options) (*Table, []Problem) {
	b := &builder{opts: opts, snapshot: s, secrets: make(map[string]*cluster.Secret, len(s.Secrets))}
	b.opts.Limits = opts.Limits.Filled()
	b.budget.Limits = b.opts.Limits
	if b.opts.Memory == nil {
		b.opts.Memory = &certificate.Memory{}
	}
	b.opts.Memory.Begin(b.opts.Limits.CertBytes)
	for _, secret := range s.Secrets {
		b.secrets[secret.Namespace] = secret
	}
	if opts.Director != nil {
		return b.direct(opts.Director), b.told.Problems()
	}
	b.findSets()
	b.findIngresses()
	b.findAllowed()
	b.hosts = owner.New(owner.Options{Exclusive: opts.Exclusive, Room: limit.NewRoom(b.opts.Limits), Report: b.told.Add, Settle: b.settle})
	b.pods = pods.New(s, b.podOptions())
	namespaces := s.Namespaces
	if opts.Implied {
		namespaces = implied.Namespaces(s, b.ours)
	}
	for _, ns := range namespaces { // oldest first: the first claim wins
		b.addNamespace(ns)
	}
	b.hosts.TellWinners()
	return &Table{Hosts: b.hosts.List(opts.Dynamic), Until: b.until, Ingresses: b.ours}, b.told.Problems()
}

// builder is the state of one Build.
type builder struct {
	opts       Options
	snapshot   *cluster.Snapshot
	pods       *pods.Translator
	hosts      *owner.Hosts
	allowed    *grants.List
	secrets    map[string]*cluster.Secret // by Namespace
	sets       map[string]map[string]*cluster.StatefulSet
	configMaps map[string]map[string]*cluster.ConfigMap
	tlsSecrets map[string]map[string]*cluster.Secret // these three by Namespace and name
	ingresses  ingresses
	budget     policy.Budget
	ours       []cluster.Ref // Ingresses of our class
	until      int64         // when the clock alone would change the Table; 0: never
	told       tell.Problems
}

func (b *builder) problem(ref cluster.Ref, key, format string, args ...any) {
	b.told.Addf(ref, key, format, args...)
}

// pathProblem is about one path of many that the key stands for.
func (b *builder) pathProblem(l *Location, ref cluster.Ref, key, format string, args ...any) {
	b.told.Add(Problem{Ref: ref, Key: key, Reason: fmt.Sprintf(format, args...), Path: l.Path.String()})
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
		HealthChecks: o.HealthChecks, Dynamic: o.Dynamic, Sticky: o.Sticky, Overrides: o.Overrides, Now: o.Now, Limits: o.Limits,
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

// findAllowed finds the list of the hosts that each Namespace may use.
func (b *builder) findAllowed() {
	at := b.opts.AllowedHosts
	if at == (cluster.Ref{}) {
		return
	}
	list, problems := grants.Read(at, b.configMaps[at.Namespace][at.Name])
	b.allowed = list
	for _, p := range problems {
		b.told.Add(p)
	}
}

func put[T any](m map[string]map[string]T, namespace, name string, o T) {
	if m[namespace] == nil {
		m[namespace] = map[string]T{}
	}
	m[namespace][name] = o
}

// addNamespace adds what a Namespace serves. Where its own objects say different
// things of a path, its annotations count before those of its Pods, and these before
// its Ingresses.
func (b *builder) addNamespace(ns *cluster.Namespace) {
	quota := limit.NewQuota(b.opts.Limits, ns.Name, func(h value.Host) string { return b.allowed.Refuse(ns.Name, h) })
	claims := b.hostClaims(ns, quota)
	var offers []owner.Claim
	if b.opts.Dispatcher && ns.Routable {
		if _, ok := ns.Annotations[b.opts.HostsAnnotation]; !ok && b.pods.Declares(ns) {
			b.problem(ns.Ref, b.opts.HostsAnnotation, "the paths of its Pods are not served: the annotation is missing; write a JSON object like {\"www.example.com\": {}}")
		}
		locations, all := b.pods.Locations(ns)
		for _, claim := range claims {
			n := quota.Locations(all)
			if n < all {
				b.problem(claim.Ref, claim.Place, "%s", quota.Beyond(all-n))
			}
			claim.Locations = locations[:n]
			offers = append(offers, claim)
		}
	}
	offers = append(offers, b.microserviceOffers(ns, claims, quota)...)
	offers = append(offers, b.ingressOffers(ns, quota)...)
	if !ns.Routable && len(offers) == 0 {
		return
	}
	b.demand(ns, offers)
	b.limitTLS(ns, offers)
	for _, o := range offers {
		b.hosts.Add(ns.Ref, o)
	}
}

// microserviceOffers gives the hosts that a Namespace's Pods name. What the Namespace
// itself declares of a host counts.
func (b *builder) microserviceOffers(ns *cluster.Namespace, claims []owner.Claim, quota *limit.Quota) (offers []owner.Claim) {
	granted := make([]value.Host, len(claims))
	for i, c := range claims {
		granted[i] = c.Name
	}
	for _, h := range b.pods.Hosts(ns, granted, quota) {
		claim := owner.Claim{Name: h.Name, Ref: h.Ref, Place: h.Place, Exclusive: b.opts.Microservice.Open, Locations: h.Locations}
		if i := slices.Index(granted, h.Name); i >= 0 {
			claim.TLS, claim.Refused = claims[i].TLS, claims[i].Refused
			claim.Exclusive = false
		}
		offers = append(offers, claim)
	}
	return offers
}

// demand has a Namespace's locations demand its API key.
func (b *builder) demand(ns *cluster.Namespace, offers []owner.Claim) {
	o := &b.opts
	auth := apikey.Demand(ns, b.secrets[ns.Name], apikey.Options{
		Annotation: o.AuthAnnotation, SecretName: o.SecretName, Field: o.APIKeyField, Required: o.APIKeyRequired, Limits: o.Limits, Report: b.problem,
	})
	for _, offer := range offers {
		for _, l := range offer.Locations {
			switch {
			case offer.Open[l]:
			case auth.Closed || len(auth.Keys) > 0:
				l.Auth = auth
			case l.Auth.Closed:
				b.pathProblem(l, ns.Ref, b.opts.AuthAnnotation, "the path %s answers 403: its option auth demands an API key, and there is none; "+
					"create it with: kubectl create secret generic %s --from-literal=%s=KEY --namespace=%s", cluster.Quote(l.Path.String()), b.opts.SecretName, b.opts.APIKeyField, ns.Name)
			}
		}
	}
}
