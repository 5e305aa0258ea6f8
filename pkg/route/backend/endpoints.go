package backend

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/table"
)

// addSlice adds the endpoints of a slice at one port.
func (s *search) addSlice(slice *cluster.EndpointSlice, port int32) {
	key := place(slice, "endpoints.addresses")
	for _, e := range slice.Endpoints {
		for _, text := range e.Addresses {
			if slice.FQDN {
				s.addNames(slice.Ref, key, strings.ToLower(strings.TrimSuffix(text, ".")), port, e.Ready)
				continue
			}
			addr, why := address(text)
			switch {
			case why != "":
				s.note(slice.Ref, key, "%s", why)
			case e.Pod != "":
				s.addPod(slice, e, addr.Unmap(), port)
			default:
				s.addOutside(slice.Ref, key, slice.Created, addr.Unmap(), port, e.Ready)
			}
		}
	}
}

// address reads an endpoint's address, or says why it can't be used.
func address(text string) (addr netip.Addr, why string) {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return addr, "the endpoint gets no requests: " + cluster.Quote(text) + " is not an IP address; correct it"
	}
	return addr, ""
}

// addPod adds an endpoint that says which Pod it is. Its address must be the Pod's own,
// or anybody could be reached under a Pod's name; of a Pod with addresses of both kinds,
// its first serves for both. The slices of Kubernetes itself may lag behind the Pods, so
// what they say of Pods that are gone or have moved is passed over.
func (s *search) addPod(slice *cluster.EndpointSlice, e cluster.SliceEndpoint, addr netip.Addr, port int32) {
	pod := s.finder.pods[name{slice.Namespace, e.Pod}]
	if pod == nil || !pod.IP.IsValid() || pod.IP != addr && pod.IP.Is4() == addr.Is4() {
		if s.service == nil || !s.service.Selects {
			s.note(slice.Ref, place(slice, "endpoints.addresses"), "the endpoint gets no requests: %s is not the address of Pod %s; correct it, or leave targetRef out", addr, cluster.Quote(e.Pod))
		}
		return
	}
	if pod.Finished {
		return
	}
	c := policy.Of(pod, table.Endpoint{Addr: addrPort(pod.IP, port), Pod: pod.Ref, ReadySince: pod.ReadySince})
	c.Serves = c.Serves && e.Ready
	s.add(slice.Ref, c)
}

// addOutside adds an address outside the cluster, if it may be reached.
func (s *search) addOutside(ref cluster.Ref, key string, created int64, addr netip.Addr, port int32, ready bool) {
	if why := s.finder.guard.refuse(addr); why != "" {
		s.note(ref, key, "the endpoint gets no requests: %s is refused: %s", addr, why)
		return
	}
	at := addrPort(addr, port)
	s.add(ref, policy.Candidate{
		Ref: ref, Identity: at.String(), Created: created, Serves: ready, Reachable: true,
		Endpoint: table.Endpoint{Addr: at, Pod: ref},
	})
}

// addNames adds the addresses of a name outside the cluster, if the operator lets names
// like it be referred to. While it has none, it is as if it weren't there.
func (s *search) addNames(ref cluster.Ref, key, name string, port int32, ready bool) {
	if !Allows(s.finder.opts.ExternalNames, name) {
		s.note(ref, key, "it gets no requests: %s is not among the names that may be referred to; have the operator add it to ALLOW_EXTERNAL_NAMES", cluster.Quote(name))
		return
	}
	addrs := s.finder.names[name]
	if len(addrs) == 0 {
		s.note(ref, key, "it gets no requests: no address of %s is known (only a running Dispatcher looks it up); if this stays, correct the name", cluster.Quote(name))
		s.notes[len(s.notes)-1].Passing = true
	}
	for _, addr := range addrs {
		s.addOutside(ref, key, 0, addr, port, ready)
	}
}

// Allows reports whether a name outside the cluster, lower-case, matches one of the
// operator's patterns. A star stands for one label, or alone for everything.
func Allows(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		pattern = strings.ToLower(pattern)
		_, parent, _ := strings.Cut(name, ".")
		rest, star := strings.CutPrefix(pattern, "*.")
		return pattern == "*" || pattern == name || star && rest != "" && rest == parent
	})
}
