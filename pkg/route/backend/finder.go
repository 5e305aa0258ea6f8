// Package backend finds who serves a port of a Service. Services, EndpointSlices, Pods
// and looked-up names enter; candidates leave, with what the Service's annotations ask
// for, and a Note on everything that can't be used. It never lets an address outside
// the cluster stand for one inside, and never fails: a port without endpoints is one
// that answers 503.
package backend

import (
	"net/netip"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Options are the choices of an operator; see route.Ingress.
type Options struct {
	Prefix        string         // of annotations
	Known         []string       // annotations with that prefix that are read elsewhere
	Allow, Deny   []netip.Prefix // where endpoints outside the cluster may and may not be
	ExternalNames []string       // patterns: "api.example.com", "*.example.com" (one label) or "*"
	APIServer     []netip.Addr
	Limits        limit.Limits
}

// Note says what is wrong. Without a Ref it is about the reference to the Service, and
// Key is a field of an Ingress' backend.
type Note = table.Problem

// Backend is a port of a Service, and who serves it.
type Backend struct {
	Service cluster.Ref // zero: there is none of that name
	Name    value.Host  // outside the cluster, of a Service that stands for one; else zero
	// Candidates are by identity: Pods, whether they serve or not, and addresses outside
	// the cluster.
	Candidates []policy.Candidate
	// Asked is what the annotations of the Service ask for; its Clients are narrowed by
	// spec.loadBalancerSourceRanges, too.
	Asked Asked
}

// Finder knows all Services of a Snapshot.
type Finder struct {
	opts     Options
	services map[name]*cluster.Service
	slices   map[name][]*cluster.EndpointSlice // by Service
	pods     map[name]*cluster.Pod
	names    map[string][]netip.Addr
	guard    guard
	found    map[wanted]*found
	asked    map[*cluster.Service]*says
}

// name is that of an object in a Namespace.
type name struct{ namespace, name string }

// wanted is what Find and Direct are asked for.
type wanted struct {
	name
	portName string
	number   int32
	direct   bool
}

type found struct {
	backend *Backend
	notes   []Note
}

// says is what one Service asks for, whatever the port.
type says struct {
	asked Asked
	notes []Note
}

// New makes a Finder for one Build. It is not safe for concurrent use.
func New(s *cluster.Snapshot, opts Options) *Finder {
	f := &Finder{
		opts:     opts,
		services: make(map[name]*cluster.Service, len(s.Services)),
		slices:   make(map[name][]*cluster.EndpointSlice, len(s.Services)),
		pods:     make(map[name]*cluster.Pod, len(s.Pods)),
		names:    s.Names,
		guard:    newGuard(s, opts),
		found:    map[wanted]*found{},
		asked:    map[*cluster.Service]*says{},
	}
	for _, o := range s.Services {
		f.services[name{o.Namespace, o.Name}] = o
	}
	for _, o := range s.EndpointSlices {
		k := name{o.Namespace, o.Service}
		f.slices[k] = append(f.slices[k], o)
	}
	for _, o := range s.Pods {
		f.pods[name{o.Namespace, o.Name}] = o
	}
	return f
}

// Find gives the backend of a Service's port, by name, or by number if that is not 0.
// There always is one; with no candidates if there is no such port. The same question
// gets the same answer, Notes included.
func (f *Finder) Find(namespace, service, portName string, portNumber int32) (*Backend, []Note) {
	return f.remember(wanted{name{namespace, service}, portName, portNumber, false}, f.find)
}

// Direct gives the endpoints of a Service at their port of that name, and at port 80
// where they have none of that name, whatever the Service says. Without the Service the
// EndpointSlices alone count.
func (f *Finder) Direct(namespace, service, portName string) (*Backend, []Note) {
	return f.remember(wanted{name{namespace, service}, portName, 0, true}, f.direct)
}

func (f *Finder) remember(w wanted, find func(*search)) (*Backend, []Note) {
	if known := f.found[w]; known != nil {
		return known.backend, known.notes
	}
	s := &search{finder: f, wanted: w, byIdentity: map[string]*member{}}
	if s.service = f.services[w.name]; s.service != nil {
		s.backend.Service = s.service.Ref
		own := f.askedOf(s.service)
		s.backend.Asked, s.notes = own.asked, slices.Clone(own.notes)
	}
	find(s)
	s.finish()
	f.found[w] = &found{&s.backend, s.notes}
	return &s.backend, s.notes
}

// askedOf reads a Service's annotations and source ranges.
func (f *Finder) askedOf(o *cluster.Service) *says {
	if known := f.asked[o]; known != nil {
		return known
	}
	own := &says{}
	own.asked, own.notes = Read(o.Ref, o.Annotations, f.opts)
	if len(o.SourceRanges) > 0 {
		clients, notes := sourceRanges(o)
		own.asked.Clients = own.asked.Clients.And(clients)
		own.notes = append(own.notes, notes...)
	}
	f.asked[o] = own
	return own
}
