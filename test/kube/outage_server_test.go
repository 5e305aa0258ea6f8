package kube

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// before sets a stage with the Dispatcher at the second API server.
func (f *fragile) before(s *scenario) *stage {
	s.t.Helper()
	return s.stage(func() *dispatcher.Dispatcher {
		return s.dispatcherBy(func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			c.Server, c.TLSServerName = f.second.config.Host, f.second.config.ServerName
		})
	})
}

// TestOutageServer: one after the other, because they share the cluster that they
// break.
func TestOutageServer(t *testing.T) {
	t.Parallel()
	for name, play := range map[string]func(*scenario, *fragile){"killed": playKilled, "paused": playPaused, "etcd paused": playEtcdPaused, "stale": playStale} {
		t.Run(name, func(t *testing.T) { play(beginFragile(t)) })
	}
}

// The API server is killed, and comes back; the second time etcd has forgotten what
// was meanwhile (410 Gone).
func playKilled(s *scenario, f *fragile) {
	st := f.before(s)
	for _, compacted := range []bool{false, true} {
		f.second.kill()
		st.notices("can't be reached")
		st.change()
		if compacted {
			s.must(s.compact())
		}
		f.second.start()
		st.returns(5 * time.Second)
	}
}

// The API server stops for a while, with all its connections.
func playPaused(s *scenario, f *fragile) {
	st := f.before(s)
	s.must(f.second.process.Signal(syscall.SIGSTOP))
	s.t.Cleanup(func() { _ = f.second.process.Signal(syscall.SIGCONT) })
	st.change()
	st.goesOn(7 * time.Second) // until the connection has been given up
	s.must(f.second.process.Signal(syscall.SIGCONT))
	st.returns(5 * time.Second)
}

// etcd stops for a while, and no API server knows anything new.
func playEtcdPaused(s *scenario, f *fragile) {
	st := f.before(s)
	resume := f.pauseEtcd(s)
	s.t.Cleanup(resume)
	st.goesOn(3 * time.Second)
	resume()
	st.change()
	st.returns(5 * time.Second)
}

// The connection moves to an API server that knows less than what Dispatcher has
// seen, because its etcd doesn't answer. Nothing goes back to what was before, also
// if Dispatcher is killed and starts there; and when that server knows again, so does
// Dispatcher.
func playStale(s *scenario, f *fragile) {
	g := s.gate()
	st := s.stage(func() *dispatcher.Dispatcher { return s.dispatcherBy(g.through) })
	keeps := func() {
		s.t.Helper()
		end := st.answered.Load() + 300
		st.eventually("the traffic goes on", func() bool {
			if missing := st.missing(); missing != "" {
				s.t.Fatalf("not served any more: %s", missing)
			}
			return st.answered.Load() >= end
		})
	}
	f.second.etcd.freeze()
	st.change()
	st.eventually("the changes are live", func() bool { return st.missing() == "" })
	st.d.Settle()

	g.lead(f.second.config)
	g.reset()
	keeps()
	st.d.Signal(syscall.SIGKILL)
	st.d.Wait()
	st.d.Begin(s.flags(st.d)...)
	st.eventually("it asks that server", func() bool { return g.count("list", "pods").Load() > 0 })
	keeps()
	if status, text := st.d.Probe("/readyz"); status == http.StatusOK && !strings.Contains(text, "stale") {
		s.t.Errorf("ready before it knows the newest state: %s", text)
	}

	st.prepare()
	st.change()
	s.must(f.second.etcd.mend())
	st.returns(5 * time.Second)
}
