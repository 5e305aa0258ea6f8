package kube

import (
	"testing"
	"time"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// behind sets a stage with the Dispatcher behind a gate to the package's API server.
func behind(t *testing.T) (*stage, *gate) {
	t.Helper()
	s := begin(t)
	g := s.gate()
	return s.stage(func() *dispatcher.Dispatcher { return s.dispatcherBy(g.through) }), g
}

// TestOutageRefused: the API server is away, and comes back.
func TestOutageRefused(t *testing.T) {
	t.Parallel()
	st, g := behind(t)
	g.refuse()
	st.notices("can't be reached")
	st.change()
	st.must(g.mend())
	st.returns(5 * time.Second)
}

// TestOutageReset: all connections are cut at once, and others can be made.
func TestOutageReset(t *testing.T) {
	t.Parallel()
	st, g := behind(t)
	g.freeze() // or else the changes would be there before
	st.change()
	g.reset()
	st.must(g.mend())
	st.returns(5 * time.Second)
}

// TestOutageLost: connections are open and silent for ever, as when a firewall
// has forgotten them.
func TestOutageLost(t *testing.T) {
	t.Parallel()
	st, g := behind(t)
	before := g.connections()
	g.lose()
	st.change()
	st.eventually("Dispatcher tries another connection", func() bool { return g.connections() > before })
	st.must(g.mend())
	st.returns(8 * time.Second) // the connection that was being opened is lost, too
}

// TestOutageFrozen: nothing passes for a while, and then all of it, on the same
// connection or, the second time, after it has been given up.
func TestOutageFrozen(t *testing.T) {
	t.Parallel()
	st, g := behind(t)
	for _, lasts := range []time.Duration{2 * time.Second, 8 * time.Second} {
		g.freeze()
		st.change()
		st.goesOn(lasts)
		st.must(g.mend())
		st.returns(5 * time.Second)
	}
}

// TestOutageSlowAnswers: answers trickle in.
func TestOutageSlowAnswers(t *testing.T) {
	t.Parallel()
	st, g := behind(t)
	g.trickle(4000, 50*time.Millisecond) // 80 kB a second
	g.reset()
	st.change()
	st.returns(10 * time.Second)
}

// TestOutageSlowSecrets: what is served without a key, or isn't any more, depends on
// Secrets, and these come last.
func TestOutageSlowSecrets(t *testing.T) {
	t.Parallel()
	st, g := behind(t)
	open := make(chan struct{})
	for _, resource := range []string{"secrets", "pods", "namespaces"} {
		g.rule(resource, until(open))
	}
	g.reset()
	st.change()
	g.rule("pods", nil)
	g.rule("namespaces", nil)
	g.reset() // also those that wait
	st.eventually("Pods and Namespaces are followed", func() bool { return g.count("watch", "pods").Load() > 1 && g.count("watch", "namespaces").Load() > 1 })
	st.goesOn(4 * time.Second)
	g.rule("secrets", nil)
	close(open)
	st.returns(5 * time.Second)
}

// TestOutageSlowPods: and the other way round: a key that goes when what it protected
// has gone.
func TestOutageSlowPods(t *testing.T) {
	t.Parallel()
	st, g := behind(t)
	open := make(chan struct{})
	g.rule("pods", until(open))
	g.rule("namespaces", until(open))
	g.reset()
	st.change()
	st.eventually("Secrets are followed", func() bool { return g.count("watch", "secrets").Load() > 1 })
	st.goesOn(4 * time.Second)
	close(open)
	st.returns(5 * time.Second)
}
