package kube

import (
	"net"
	"net/url"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/30x/dispatcher/test/internal/backend"
	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// TestOutageClock: the clock of Dispatcher's machine is set ten years ahead, and ten
// years back. What is connected goes on; nothing new can be connected, because the
// API server's certificate isn't valid then, until the clock is right again.
func TestOutageClock(t *testing.T) {
	t.Parallel()
	s := begin(t)
	w, err := newWire(net.JoinHostPort(backend.Loopback(), "0")) // a gate has a certificate of its own
	s.must(err)
	t.Cleanup(func() { _ = w.Close() })
	server, err := url.Parse(s.config.Host)
	s.must(err)
	go w.forward(server.Host)
	st := s.stage(func() *dispatcher.Dispatcher {
		return s.dispatcherBy(func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.Server, c.TLSServerName = "https://"+w.Addr().String(), "127.0.0.1"
		})
	})
	const years = 10 * 365 * 24 * time.Hour
	for _, jump := range []time.Duration{years, -years} {
		setClock(t, st.d.PID(), jump)
		st.change()
		st.returns(5 * time.Second)
		tries := w.connections()
		w.reset()
		st.notices("has expired or is not yet valid: current time 2") // within a minute it is told once
		st.notices("and this machine's clock")
		st.change()
		st.eventually("it tries again and again", func() bool { return w.connections() > tries+3 })
		setClock(t, st.d.PID(), 0)
		st.returns(5 * time.Second)
	}
}
