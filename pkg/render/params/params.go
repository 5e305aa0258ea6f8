// Package params holds all that Render needs beyond a table: the operator's settings,
// what the nginx at hand can do, and the templates. They enter where they are read;
// what can be told from them alone leaves. It never checks a setting, and never reads
// one.
package params

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/30x/dispatcher/pkg/render/capabilities"
	"github.com/30x/dispatcher/pkg/route/certificate"
)

// Params is all that Render needs beyond the Table: the operator's settings,
// what the nginx at hand can do, and the templates. The settings are checked
// where they are read; Render lays them out as they are.
type Params struct {
	Templates *Templates
	Nginx     capabilities.Capabilities

	Listen              []netip.Addr // addresses to listen on; at least one
	Port                int          // HTTP port
	StatusPath          string       // answers 200 on the default server
	DefaultReturn       string       // a status code, or an http(s) URL to proxy to
	ClientMaxBodySize   string       // nginx size; "0" is unlimited
	WorkerProcesses     string       // "auto" or a number
	OpenFiles           int          // file descriptors that a worker process may use
	WorkerShutdown      int          // seconds that an old worker may finish its connections in
	ProxyReadTimeout    int          // seconds
	ProxyConnectTimeout int          // seconds
	TrustedProxies      []netip.Prefix
	ProxyProtocol       bool   // clients' connections begin with the PROXY protocol; TrustedProxies are believed in it
	CloseClients        bool   // each answer ends a client's HTTP/1 connection
	APIKeyHeader        string // carries the API key; never reaches a Pod
	AccessLog           bool
	User                string // workers' user when the master is root; "" as compiled in

	Default *certificate.Pair // of the default TLS server; nil: no host is served over TLS
	SSLPort int               // HTTPS port
	CertDir string            // absolute folder for Files.Certificates
	HSTS    int               // max-age of Strict-Transport-Security, in seconds; 0: none is sent

	// BackendCA is a file with the authorities by which those who serve are verified; ""
	// if there is none, and then no path may ask for that.
	BackendCA string

	Dynamic *Dynamic // nil: endpoints stand in the text

	PidFile       string // absolute path
	ControlSocket string // absolute path of the unix socket that tells the generation
	TempDir       string // absolute folder for nginx's temporary files
}

// WorkerConnections is the number of connections of a worker, clients' and Pods'
// alike. Each takes a descriptor; some are left to logs and listening sockets.
func (p Params) WorkerConnections() int { return max(p.OpenFiles-64, 64) }

// ListenAddresses are the arguments of the listen directives.
func (p Params) ListenAddresses() []string { return p.listenAddresses(p.Port) }

func (p Params) listenAddresses(port int) []string {
	out := make([]string, len(p.Listen))
	for i, a := range p.Listen {
		out[i] = netip.AddrPortFrom(a, uint16(port)).String()
		if p.ProxyProtocol {
			out[i] += " proxy_protocol"
		}
	}
	return out
}

// TrustForwarded reports whether the X-Forwarded headers of TrustedProxies are
// believed. Who speaks the PROXY protocol passes on what clients say of themselves.
func (p Params) TrustForwarded() bool { return len(p.TrustedProxies) > 0 && !p.ProxyProtocol }

// DefaultStatus is the status of DefaultReturn, 0 if that is a URL.
func (p Params) DefaultStatus() int {
	n, err := strconv.Atoi(p.DefaultReturn)
	if err != nil {
		return 0
	}
	return n
}

// APIKeyVariable is nginx's variable for the header that carries the API key. Of
// a header's name nginx ignores the case and writes every other character than a
// letter or digit as an underscore.
func (p Params) APIKeyVariable() string {
	return "$http_" + strings.ReplaceAll(strings.ToLower(p.APIKeyHeader), "-", "_")
}

// APIKeyAsSent is that header's name in the only spelling in which nginx lets it
// in: it drops headers with an underscore.
func (p Params) APIKeyAsSent() string { return strings.ReplaceAll(p.APIKeyHeader, "_", "-") }

// KeepaliveMinTimeout reports whether nginx knows keepalive_min_timeout, with
// which a reload closes no connection under a client's next request.
func (p Params) KeepaliveMinTimeout() bool { return p.Nginx.Version.AtLeast(1, 27, 4) }

// SSLListenAddresses are the arguments of the listen directives for TLS.
func (p Params) SSLListenAddresses() []string {
	out := p.listenAddresses(p.SSLPort)
	for i := range out {
		out[i] += " ssl"
		if !p.HTTP2Directive() {
			out[i] += " http2"
		}
	}
	return out
}

// HTTP2Directive reports whether nginx has the directive http2, which took the
// place of a parameter of listen.
func (p Params) HTTP2Directive() bool { return p.Nginx.Version.AtLeast(1, 25, 1) }

// SSLPortSuffix follows the host in the URL of a TLS host.
func (p Params) SSLPortSuffix() string {
	if p.SSLPort == 443 {
		return ""
	}
	return ":" + strconv.Itoa(p.SSLPort)
}
