package kube

import (
	"os"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

// fault is something that goes wrong, and how it ends. begin may only be called when
// no other one lasts; end returns when what was wrong is no more.
type fault struct {
	name  string
	begin func() (end func())
}

// faults are those that a chaos chooses from.
func (c *chaos) faults() []fault {
	mend := func() { c.must(c.gate.mend()) }
	wire := func(name string, spoil func()) fault {
		return fault{name, func() func() { spoil(); return mend }}
	}
	return []fault{
		wire("connections are reset", c.gate.reset),
		wire("connections are refused", c.gate.refuse),
		{"connections are lost", func() func() {
			before := c.gate.connections()
			c.gate.lose()
			return func() { // it lasts until they are given up
				c.eventually("there is another connection", func() bool { return c.gate.connections() > before })
				mend()
			}
		}},
		wire("connections are frozen", c.gate.freeze),
		wire("answers trickle in", func() { c.gate.trickle(2000, 20*time.Millisecond); c.gate.reset() }),
		c.slow("pods"),
		c.slow("secrets"),
		c.forbidden(""),
		c.forbidden("secrets"),
		{"the token is another one", c.rotate},
		{"the API server is killed", func() func() { c.fragile.second.kill(); return c.fragile.second.start }},
		{"the API server stops", func() func() {
			server := c.fragile.second.process
			c.must(server.Signal(syscall.SIGSTOP))
			return func() { c.must(server.Signal(syscall.SIGCONT)) }
		}},
		{"etcd stops", func() func() { return c.fragile.pauseEtcd(c.scenario) }},
		{"etcd forgets old versions", func() func() { c.must(c.compact()); c.gate.reset(); return func() {} }},
		{"another API server is behind", c.behind},
		{"the clock jumps", func() func() {
			setClock(c.t, c.d.PID(), 10*365*24*time.Hour)
			c.gate.reset()
			return func() { setClock(c.t, c.d.PID(), 0) }
		}},
		{"nginx is killed", c.killNginx},
		{"Dispatcher is killed", func() func() {
			c.d.Signal(syscall.SIGKILL)
			c.d.Wait()
			return func() { c.d.Run(c.flags(c.d)...) }
		}},
	}
}

// slow holds up what is asked about a resource.
func (c *chaos) slow(resource string) fault {
	return fault{resource + " are slow", func() func() {
		open := make(chan struct{})
		c.gate.rule(resource, until(open))
		c.gate.reset()
		return func() { c.gate.rule(resource, nil); close(open) }
	}}
}

// forbidden takes rights away: to a resource, or all of them.
func (c *chaos) forbidden(resource string) fault {
	return fault{resource + " forbidden", func() func() {
		rules := c.account.rules(c.account.without(resource))
		c.gate.reset()
		return func() { c.account.rules(rules) }
	}}
}

// rotate makes the token in use invalid, and then writes another one.
func (c *chaos) rotate() (end func()) {
	old, name := c.secret, c.account.name+"-"+rand.String(6)
	next := c.account.token(name)
	c.must(c.client.CoreV1().Secrets("dispatcher").Delete(c.ctx, old, metav1.DeleteOptions{}))
	c.secret = name
	c.gate.reset()
	return func() { c.must(os.WriteFile(c.token, []byte(next), 0o600)) }
}

// behind moves Dispatcher to the other API server, and back to its own, which has
// heard nothing meanwhile and does only then.
func (c *chaos) behind() (end func()) {
	c.fragile.second.etcd.freeze()
	c.gate.lead(c.config)
	c.gate.reset()
	return func() {
		c.gate.lead(c.fragile.second.config)
		c.gate.reset()
		c.goesOn(500 * time.Millisecond)
		c.must(c.fragile.second.etcd.mend())
	}
}

// killNginx kills nginx's master. From then on requests may fail, for a while.
func (c *chaos) killNginx() (end func()) {
	c.excuse(time.Now())
	old := c.d.MasterPID()
	c.must(syscall.Kill(old, syscall.SIGKILL))
	return func() {
		c.t.Helper()
		c.eventually("there is another nginx", func() bool { pid := c.d.MasterPID(); return pid != 0 && pid != old })
	}
}
