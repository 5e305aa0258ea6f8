package value

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Protocol is how requests are passed on; "" is not set, which is HTTP.
type Protocol string

// HTTP is in the clear; with HTTPS the certificate is verified, always.
const (
	HTTP  Protocol = "http"
	HTTPS Protocol = "https"
)

// ParseProtocol accepts the two words.
func ParseProtocol(s string) (Protocol, error) {
	if p := Protocol(s); p == HTTP || p == HTTPS {
		return p, nil
	}
	return "", fmt.Errorf("%s is not a protocol: write \"http\" or \"https\"", cluster.Quote(s))
}

// ParseBackendHost accepts a host name that one server can have and a certificate can
// be verified against: no wildcard and no address.
func ParseBackendHost(s string) (Host, error) {
	h, err := ParseHost(s)
	if err == nil && !h.Nameable() {
		err = fmt.Errorf("%s is not the name of one host: write one like api.example.com", cluster.Quote(s))
	}
	if err != nil {
		return Host{}, err
	}
	return h, nil
}

// Nameable reports whether a server can say by a certificate that it is this host: it
// is a name, and of one host. nginx compares no addresses with certificates.
func (h Host) Nameable() bool { return h != Host{} && !h.Wildcard() && !h.Address() }
