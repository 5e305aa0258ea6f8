package table

import "slices"

// Outside reports whether a location of the host is served by somebody who must not
// learn who a client is by the certificate that it has shown: an address that is no
// Pod's. Clients that show none have nothing to hide.
func (v *VirtualHost) Outside(l *Location) bool {
	return v.TLS != nil && v.TLS.Clients != nil && slices.ContainsFunc(l.Upstream.Endpoints, func(e Endpoint) bool { return e.Pod.Kind != "Pod" })
}
