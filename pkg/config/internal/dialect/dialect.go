// Package dialect holds the settings of everything beside the dialect of Namespaces and
// Pods that Dispatcher is named after: older annotations of Pods, and Ingresses. The
// texts of settings enter; route.Options leave. It never reads the environment.
package dialect

import (
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/config/internal/parse"
	"github.com/30x/dispatcher/pkg/config/internal/table"
	"github.com/30x/dispatcher/pkg/route"
)

// Dialect is a way in which Pods say what they serve.
type Dialect string

// The dialects.
const (
	Dispatcher   Dialect = "dispatcher"   // Namespaces name hosts, Pods name paths
	Microservice Dialect = "microservice" // Pods name both
)

// PodHosts says which hosts Pods of the dialect microservice may name.
type PodHosts string

// Auto is Granted if the dialect dispatcher is read, too, else Open.
const (
	HostsAuto    PodHosts = "auto"
	HostsGranted PodHosts = "granted" // those that their Namespace declares
	HostsOpen    PodHosts = "open"    // any
)

// Settings are the values of all rows of this package.
type Settings struct {
	Dialects                     []Dialect // at least one
	PodHosts                     PodHosts
	MicroserviceSelector         labels.Selector // of Pods; never empty
	MicroserviceHostsAnnotations []string        // at least one
	MicroservicePathsAnnotations []string        // at least one
	MicroserviceAnyPort          bool
	Overrides                    []string // names of ConfigMaps; "*" is any

	IngressClass      string // "": Ingresses and Services are not read
	IngressController string
	OptionsPrefix     string // of annotations
	IngressTLS        bool
	EndpointAllow     []netip.Prefix // masked, each once
	EndpointDeny      []netip.Prefix
	ExternalNames     []string // "api.example.com", "*.example.com" or "*"
	DefaultNamespace  string   // "": none
	Status            bool     // write the status of Ingresses
	PublishAddresses  []string // IPs and host names for that status
	PublishService    string   // "NAMESPACE/NAME"; "": none
}

// Rows are the settings of how Pods are read, in the group that is given.
func (s *Settings) Rows(g table.Group) []table.Setting {
	return []table.Setting{
		table.Row(g, "DIALECTS", "NAME[,NAME]", "dispatcher",
			"Which annotations of Pods are read. dispatcher: Namespaces name hosts, Pods name paths. microservice: Pods name both, as for k8s-pods-ingress.",
			table.Into(&s.Dialects, parse.ListOf(parse.OneOf(Dispatcher, Microservice)))),
		table.Row(g, "POD_HOSTS", "auto|granted|open", "auto",
			"Which hosts a Pod of the dialect microservice may name. granted: those that its Namespace declares in HOSTS_ANNOTATION. open: any, and the Namespace created first owns it. auto: granted if DIALECTS has dispatcher, else open.",
			table.Into(&s.PodHosts, parse.OneOf(HostsAuto, HostsGranted, HostsOpen))),
		table.Row(g, "MICROSERVICE_SELECTOR", "SELECTOR[||SELECTOR...]", "microservice=true || routable=true",
			"Label selector of the Pods of the dialect microservice, or several, of which one must match.",
			table.Into(&s.MicroserviceSelector, parse.Selectors)),
		table.Row(g, "MICROSERVICE_HOSTS_ANNOTATIONS", "NAME[,NAME...]", "trafficHosts,routingHosts",
			"Annotations of such Pods: hosts, separated by white space. The first that a Pod has counts.",
			table.Into(&s.MicroserviceHostsAnnotations, parse.ListOf(parse.QualifiedName))),
		table.Row(g, "MICROSERVICE_PATHS_ANNOTATIONS", "NAME[,NAME...]", "publicPaths,routingPaths",
			"Annotations of such Pods: PORT:PATH, separated by white space. The first that a Pod has counts.",
			table.Into(&s.MicroservicePathsAnnotations, parse.ListOf(parse.QualifiedName))),
		table.Row(g, "MICROSERVICE_ANY_PORT", "", "false",
			"Such a Pod may name a port that none of its containers declares.",
			table.Into(&s.MicroserviceAnyPort, parse.Boolean)),
		table.Row(g, "OVERRIDES", "NAME[,NAME...]|*|none", "*",
			"ConfigMaps that may hold overrides of policy hash, in any namespace. *: all. none: no ConfigMap is read.",
			table.Into(&s.Overrides, overrides)),
	}
}

// IngressRows are the settings of Ingresses.
func (s *Settings) IngressRows(g table.Group) []table.Setting {
	return []table.Setting{
		table.Row(g, "INGRESS_CLASS", "NAME|none", "dispatcher",
			"Class of the Ingresses that are served, beside those of every IngressClass whose controller is INGRESS_CONTROLLER. none: Ingresses and Services are not read.",
			table.Into(&s.IngressClass, class)),
		table.Row(g, "INGRESS_CONTROLLER", "NAME", "github.com/30x/dispatcher",
			"What an IngressClass calls Dispatcher in spec.controller.",
			table.Into(&s.IngressController, controller)),
		table.Row(g, "OPTIONS_PREFIX", "PREFIX", "github.com/30x.dispatcher.",
			"Annotations of Services and Ingresses are options of their paths if they have this prefix before an option's name.",
			table.Into(&s.OptionsPrefix, prefix)),
		table.Row(g, "INGRESS_TLS", "", "false",
			"Read the Secrets of type kubernetes.io/tls that Ingresses name, which takes the permission to read all Secrets. Needs SSL_CERT. false: an Ingress with TLS is refused.",
			table.Into(&s.IngressTLS, parse.Boolean)),
		table.Row(g, "ENDPOINT_ALLOW", "CIDR[,CIDR...]", "",
			"Where endpoints of Services that are no Pods may be, and nowhere else: networks or IPs. Empty: anywhere but at loopback, link-local and metadata addresses and those of the cluster's nodes, Pods, Services and API server.",
			table.Into(&s.EndpointAllow, parse.Optional(parse.ListOf(parse.Prefix)))),
		table.Row(g, "ENDPOINT_DENY", "CIDR[,CIDR...]", "",
			"Where endpoints of Services that are no Pods may not be, whatever ENDPOINT_ALLOW says.",
			table.Into(&s.EndpointDeny, parse.Optional(parse.ListOf(parse.Prefix)))),
		table.Row(g, "ALLOW_EXTERNAL_NAMES", "NAME[,NAME...]", "",
			"Names outside the cluster to which Services may refer: api.example.com, *.example.com for one label before it, or * for any. Empty: none.",
			table.Into(&s.ExternalNames, parse.Optional(parse.ListOf(pattern)))),
		table.Row(g, "DEFAULT_NAMESPACE", "NAME", "",
			"The one namespace whose Ingresses may serve hosts that nobody names. Empty: none.",
			table.Into(&s.DefaultNamespace, parse.Optional(parse.ObjectLabel("namespace")))),
	}
}

// StatusRows are the settings of what is written to Ingresses.
func (s *Settings) StatusRows(g table.Group) []table.Setting {
	return []table.Setting{
		table.Row(g, "STATUS", "", "true",
			"Write the address of the entry to the status of the Ingresses that are served, if PUBLISH_ADDRESS or PUBLISH_SERVICE says what it is. Only while nginx serves what the cluster asks for.",
			table.Into(&s.Status, parse.Boolean)),
		table.Row(g, "PUBLISH_ADDRESS", "IP|NAME[,...]", "",
			"Address of the entry, or several: IPs and host names.",
			table.Into(&s.PublishAddresses, parse.Optional(parse.ListOf(parse.Host)))),
		table.Row(g, "PUBLISH_SERVICE", "NAMESPACE/NAME", "",
			"Service in front of Dispatcher, whose addresses are those of the entry.",
			table.Into(&s.PublishService, parse.Optional(service))),
	}
}

// WritesStatus reports whether the status of Ingresses is written.
func (s *Settings) WritesStatus() bool {
	return s.Status && s.IngressClass != "" && (len(s.PublishAddresses) > 0 || s.PublishService != "")
}

// Fill adds to the options what these settings say.
func (s *Settings) Fill(o route.Options) route.Options {
	o.Dispatcher, o.Overrides = slices.Contains(s.Dialects, Dispatcher), s.Overrides
	if slices.Contains(s.Dialects, Microservice) {
		o.Microservice = &route.Microservice{
			Selector:         s.MicroserviceSelector,
			HostsAnnotations: s.MicroserviceHostsAnnotations,
			PathsAnnotations: s.MicroservicePathsAnnotations,
			Open:             s.PodHosts == HostsOpen || s.PodHosts == HostsAuto && !o.Dispatcher,
			AnyPort:          s.MicroserviceAnyPort,
		}
	}
	if s.IngressClass != "" {
		o.Ingress = &route.Ingress{
			Class:            s.IngressClass,
			Controller:       s.IngressController,
			Prefix:           s.OptionsPrefix,
			TLS:              s.IngressTLS,
			Allow:            s.EndpointAllow,
			Deny:             s.EndpointDeny,
			ExternalNames:    s.ExternalNames,
			DefaultNamespace: s.DefaultNamespace,
		}
	}
	return o
}
