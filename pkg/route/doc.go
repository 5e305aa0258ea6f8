// Package route decides what should be served. A cluster.Snapshot enters; a
// Table of hosts, locations and upstreams leaves, with a Problem for every
// entry that was dropped or needs attention. It is pure, total and
// deterministic: it never reads a clock, a file or the environment, never
// logs, and one bad entry never drops its neighbours.
package route

import (
	"net/netip"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/ingress/foreign"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/pods"
)

// Options are the names by which Build finds what it reads, and the choices an
// operator has made. All names are required.
type Options struct {
	HostsAnnotation string // on Namespaces: JSON object, host → options
	PathsAnnotation string // on Pods: JSON array of path entries
	AuthAnnotation  string // on Namespaces: "required"
	OrgLabel        string // on Namespaces
	EnvLabel        string // on Namespaces
	AppNameLabel    string // on Pods
	AppRevLabel     string // on Pods
	SecretName      string // of the Secret that is read in each Namespace
	APIKeyField     string // of that Secret; a second key is in the field with "-next" appended
	APIKeyRequired  bool   // no Namespace is served without an API key
	HealthChecks    bool   // read Pods' probes into Upstream.HealthCheck
	TLS             bool   // hosts may be served over TLS
	SSLRedirect     bool   // hosts with TLS redirect plain HTTP to HTTPS, unless they say otherwise
	// Dynamic: endpoints change without a reload. A path then stays as long as a Pod
	// declares it, and answers 503 while none serves.
	Dynamic bool
	Sticky  bool // the nginx that runs knows the directive sticky
	// BackendTLS: nginx has authorities by which it can verify those who serve a path, so
	// that a path may ask for https.
	BackendTLS bool

	Dispatcher   bool               // read the dialect dispatcher: HostsAnnotation and PathsAnnotation
	Microservice *Microservice      // nil: that dialect is not read
	Ingress      *Ingress           // nil: Ingresses and Services are not read
	Director     *Director          // nil: no Service is served for all hosts
	Limits       limit.Limits       // what a Namespace may take up
	Exclusive    bool               // a host is for the Namespace that has it first alone
	AllowedHosts cluster.Ref        // a ConfigMap, for package grants; its zero value lets all use any host
	Overrides    cluster.ConfigMaps // names of ConfigMaps that may hold overrides; "*" is any
	// Implied: objects are served although nothing is known of their Namespace, which
	// manifests may leave out. It counts as the newest.
	Implied bool
	// Now is the time, Unix seconds. It counts for readyGrace alone; Table.Until says
	// when another one would make a difference.
	Now int64
	// Barred are certificates that can't be used although they look right, with the
	// reason.
	Barred map[Bar]string
	// Memory saves reading the same certificates in each Build; may be nil.
	Memory *certificate.Memory
}

// Bar names a certificate, by its ID, and the one host for which it can't be used,
// "" if it can't be used for any.
type Bar struct{ Host, ID string }

// Microservice are the names of the dialect microservice.
type Microservice = pods.Microservice

// Ingress says which Ingresses are served, and what they may reach.
type Ingress struct {
	Class      string // of Ingresses, unless an IngressClass of that name is another controller's
	Controller string // of IngressClasses
	Prefix     string // of annotations of Services and Ingresses; an option's name follows
	TLS        bool   // Secrets named by Ingresses are read
	// Allow are networks that endpoints outside the cluster may be in; none: all but
	// those that are never allowed by default. Deny beats both.
	Allow, Deny []netip.Prefix
	// ExternalNames are patterns of names that Services and EndpointSlices may
	// refer to: "api.example.com", "*.example.com" or "*".
	ExternalNames []string
	APIServer     []netip.Addr // refused unless Allow names it
	// DefaultNamespace may serve requests of hosts that nobody declares; "": none may.
	DefaultNamespace string
}

// Director names the one Service whose Pods serve all requests, of all hosts and
// paths, by value.PolicyOne. What the Table holds otherwise is not served then.
type Director struct {
	Namespace, Service string
	TargetPort         string // name of the endpoints' port; endpoints without one of that name are asked at port 80
	ReadyGrace         int    // seconds; see option.Options
}

// Interest lists what Build reads of an object, for cluster.NewCache.
func (o Options) Interest() cluster.Interest {
	in := cluster.Interest{
		Annotations: []string{o.HostsAnnotation, o.PathsAnnotation, o.AuthAnnotation},
		Labels:      []string{o.OrgLabel, o.EnvLabel, o.AppNameLabel, o.AppRevLabel},
		SecretName:  o.SecretName,
		Overrides:   o.Overrides,
		ConfigMap:   o.AllowedHosts,
	}
	if m := o.Microservice; m != nil {
		in.Microservice = m.Selector
		in.Annotations = slices.Concat(in.Annotations, m.HostsAnnotations, m.PathsAnnotations)
	}
	if o.Ingress != nil {
		in.Services, in.TLSSecrets = true, o.Ingress.TLS
		in.ServiceAnnotations, in.ServicePrefix = append(foreign.Keys(), "kubernetes.io/ingress.class"), o.Ingress.Prefix // words that are no options, too: they are told
		for _, f := range option.Fields() {
			in.ServiceAnnotations = append(in.ServiceAnnotations, o.Ingress.Prefix+f.Name)
		}
	}
	if d := o.Director; d != nil {
		in.Services = true
		in.Service = cluster.Ref{Kind: "Service", Namespace: d.Namespace, Name: d.Service}
	}
	return in
}
