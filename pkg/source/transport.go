package source

import (
	"net"
	"net/http"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// A connection may die without a word: a firewall forgets it, a machine stops. The
// server is asked for a sign of life once nothing has come for idle, and has until
// answer to give it. client-go's own limits add up to 45 seconds.
const (
	idle   = 2 * time.Second
	answer = 4 * time.Second
	// open is the limit for opening a connection, and again for its TLS handshake.
	open = 4 * time.Second
)

// fresh makes clients of the config read the file with the token anew when the API
// server refuses the token. client-go alone would go on with it for up to a minute.
func fresh(config *rest.Config) {
	if config.BearerTokenFile == "" {
		return
	}
	config.Wrap(transport.ResettableTokenSourceWrapTransport(transport.NewCachedFileTokenSource(config.BearerTokenFile)))
	config.BearerToken, config.BearerTokenFile = "", ""
}

// watchful makes clients of the config notice within seconds that their connection
// has died.
func watchful(config *rest.Config) {
	config.Dial = (&net.Dialer{
		Timeout: open,
		// For HTTP/1, which has no signs of life of its own.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: idle, Interval: answer / 4, Count: 4},
	}).DialContext
	config.Wrap(func(outer http.RoundTripper) http.RoundTripper {
		for inner := outer; inner != nil; {
			switch t := inner.(type) {
			case *http.Transport:
				t.TLSHandshakeTimeout = open
				t.IdleConnTimeout = 0 // its timer keeps the buffers of dead connections; and ours are never idle
				t.HTTP2 = &http.HTTP2Config{SendPingTimeout: idle, PingTimeout: answer}
				inner = nil
			case utilnet.RoundTripperWrapper:
				inner = t.WrappedRoundTripper()
			default:
				inner = nil
			}
		}
		return outer
	})
}
