// Package targets knows the addresses of the targets that SRV records name. Endpoints
// enter, each time all of a service, with the time; an address leaves for each target,
// for a while also of those that are gone. It never reads the clock, and is not safe for
// concurrent use.
package targets

import (
	"net/netip"
	"time"

	"github.com/30x/dispatcher/pkg/discovery/internal/message"
)

// Lingering is how long a target that is gone is still known: nginx waits for the
// addresses of all targets of an answer that it got before.
const Lingering = time.Minute

// Targets are those of one service, by name. The zero value is empty, and ready for use.
type Targets struct{ known map[string]target }

// target is what nginx asks the address of.
type target struct {
	addr netip.Addr
	gone time.Time // zero: it is an endpoint's
}

// Replace notes the targets of the endpoints, and until when those that are gone are
// still known.
func (t *Targets) Replace(now time.Time, endpoints []message.Endpoint) {
	for name, old := range t.known {
		if old.gone.IsZero() {
			t.known[name] = target{old.addr, now.Add(Lingering)}
		} else if old.gone.Before(now) {
			delete(t.known, name)
		}
	}
	for _, e := range endpoints {
		if e.Target != "" {
			if t.known == nil {
				t.known = map[string]target{}
			}
			t.known[e.Target] = target{addr: e.Addr.Addr()}
		}
	}
}

// Addr is the address of a target, the zero Addr if it is not known.
func (t *Targets) Addr(name string) netip.Addr { return t.known[name].addr }
