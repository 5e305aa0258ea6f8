package backend

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/value"
)

// search is one Find or Direct.
type search struct {
	finder *Finder
	wanted
	service *cluster.Service // nil: there is none
	backend Backend
	notes   []Note
	// byIdentity are the candidates: an endpoint may stand in several slices.
	byIdentity map[string]*member
}

// member is a candidate and the slice that it was found in first.
type member struct {
	policy.Candidate
	slice cluster.Ref
}

// note is about an object, or about the reference to the Service if that is zero.
func (s *search) note(ref cluster.Ref, key, format string, args ...any) {
	s.notes = append(s.notes, Note{Ref: ref, Key: key, Reason: fmt.Sprintf(format, args...)})
}

func (f *Finder) find(s *search) {
	if s.service == nil {
		s.note(cluster.Ref{}, "service.name", "all requests are answered with 503: there is no Service %s in the Namespace; create it, or correct the name", cluster.Quote(s.name.name))
		return
	}
	port, ok := s.servicePort()
	switch {
	case !ok:
	case s.service.ExternalName != "":
		if target := port.TargetPort; !slices.Contains([]string{"", port.Name, strconv.Itoa(int(port.Number))}, target) {
			s.note(s.service.Ref, "spec.ports.targetPort", "%s has no effect: what a name stands for is asked at the Service's port itself, %d; write the port that is meant there, or leave targetPort out",
				cluster.Quote(target), port.Number)
		}
		s.backend.Name, _ = value.ParseBackendHost(s.service.ExternalName) // one that is none has no address either
		s.addNames(s.service.Ref, "spec.externalName", s.service.ExternalName, port.Number, true)
	default:
		s.addSlices(port)
	}
}

// servicePort is the port of the Service that is wanted.
func (s *search) servicePort() (port cluster.ServicePort, ok bool) {
	byName := s.number == 0
	i := slices.IndexFunc(s.service.Ports, func(p cluster.ServicePort) bool {
		return byName && p.Name == s.portName && p.Name != "" || !byName && p.Number == s.number
	})
	switch {
	case i >= 0 && isPort(s.service.Ports[i].Number):
		return s.service.Ports[i], true
	case byName && s.portName == "":
		s.note(cluster.Ref{}, "service.port", "all requests are answered with 503: it names no port; write a port of Service %s by its name or number", s.service.Name)
	case byName:
		s.note(cluster.Ref{}, "service.port.name", "all requests are answered with 503: Service %s has no TCP port %s; write one that it has", s.service.Name, cluster.Quote(s.portName))
	case s.service.ExternalName != "" && len(s.service.Ports) == 0 && isPort(s.number):
		return cluster.ServicePort{Number: s.number}, true // such a Service needs no ports
	default:
		s.note(cluster.Ref{}, "service.port.number", "all requests are answered with 503: Service %s has no TCP port %d; write one that it has", s.service.Name, s.number)
	}
	return port, false
}

func isPort(n int32) bool { return 1 <= n && n <= 65535 }

// addSlices adds the endpoints of all slices, at their port of the name that the
// Service's port has. Kubernetes has put into them what a targetPort means.
func (s *search) addSlices(port cluster.ServicePort) {
	all := s.finder.slices[s.name]
	if len(all) == 0 && !s.service.Selects {
		s.note(s.service.Ref, "spec.selector", "all requests are answered with 503: it has neither a selector nor endpoints; "+
			"create an EndpointSlice with the label kubernetes.io/service-name: %s", s.service.Name)
	}
	var numbers []int32
	for _, slice := range all {
		if len(slice.Endpoints) == 0 {
			continue
		}
		i := slices.IndexFunc(slice.Ports, func(p cluster.EndpointPort) bool { return p.Name == port.Name })
		switch {
		case i < 0:
			s.note(slice.Ref, place(slice, "ports"), "its endpoints get no requests of port %d of Service %s: none of its TCP ports has that port's name, %s; give one of them this name%s",
				port.Number, s.service.Name, cluster.Quote(port.Name), unnamed(port))
		case !isPort(slice.Ports[i].Number):
			s.note(slice.Ref, place(slice, "ports"), "its endpoints get no requests: the number of port %s is %d; write one from 1 to 65535", cluster.Quote(port.Name), slice.Ports[i].Number)
		default:
			numbers = append(numbers, slice.Ports[i].Number)
			s.addSlice(slice, slice.Ports[i].Number)
		}
	}
	if !s.service.Selects {
		s.checkTarget(port, numbers...)
	}
}

func unnamed(port cluster.ServicePort) string {
	if port.Name == "" {
		return " (leave its name out)"
	}
	return ""
}

// checkTarget tells of a targetPort that was meant to be one, but isn't any of the
// endpoints' ports: without a selector it has no meaning to Kubernetes. The API server
// sets it to the port itself where nobody has.
func (s *search) checkTarget(port cluster.ServicePort, numbers ...int32) {
	harmless := []string{"", port.Name}
	for _, n := range append(numbers, port.Number) {
		harmless = append(harmless, strconv.Itoa(int(n)))
	}
	if len(numbers) > 0 && !slices.Contains(harmless, port.TargetPort) {
		s.note(s.service.Ref, "spec.ports.targetPort", "%s has no effect: the Service has no selector, so the endpoints say which port they have; write it there, or leave it out", cluster.Quote(port.TargetPort))
	}
}

// direct adds the endpoints of all slices, whatever the Service says.
func (f *Finder) direct(s *search) {
	for _, slice := range f.slices[s.name] {
		number := int32(80)
		if i := slices.IndexFunc(slice.Ports, func(p cluster.EndpointPort) bool { return p.Name == s.portName }); i >= 0 && isPort(slice.Ports[i].Number) {
			number = slice.Ports[i].Number
		}
		s.addSlice(slice, number)
	}
}

// place is where in a slice something stands: in the words of the object that it was
// made of, and without numbers, since the order is not the author's.
func place(slice *cluster.EndpointSlice, field string) string {
	switch {
	case slice.Kind != "Endpoints":
		return field
	case field == "ports":
		return "subsets.ports"
	}
	return "subsets.addresses"
}

// add adds a candidate. Of one that is known already, an address counts that serves.
func (s *search) add(slice cluster.Ref, c policy.Candidate) {
	known := s.byIdentity[c.Identity]
	switch {
	case known == nil:
		s.byIdentity[c.Identity] = &member{c, slice}
	case known.Endpoint.Addr == c.Endpoint.Addr:
		known.Serves = known.Serves || c.Serves
	default:
		s.note(slice, "ports", "%s gets no requests at %s: %s says that it listens at %s; remove one of the two", c.Ref, c.Endpoint.Addr, known.slice, known.Endpoint.Addr)
	}
}

// finish puts the candidates in order.
func (s *search) finish() {
	for _, m := range s.byIdentity {
		s.backend.Candidates = append(s.backend.Candidates, m.Candidate)
	}
	slices.SortFunc(s.backend.Candidates, func(a, b policy.Candidate) int { return cmp.Compare(a.Identity, b.Identity) })
}

func addrPort(a netip.Addr, port int32) netip.AddrPort { return netip.AddrPortFrom(a, uint16(port)) }
