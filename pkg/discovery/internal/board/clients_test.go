package board

import (
	"net/netip"
	"testing"
	"time"
)

// TestForget: a new worker of nginx that gets the port of one that was retired and has
// ended is told endpoints; one that was retired and still drains is not. Else a new
// route answers 502 until the next reload.
func TestForget(t *testing.T) {
	t.Parallel()
	at := func(port uint16) []Endpoint {
		return []Endpoint{{Addr: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port), Weight: 1}}
	}
	for _, c := range []struct {
		name string
		open map[netip.AddrPort]int
		told bool
	}{
		{"the old worker has ended", map[netip.AddrPort]int{}, true},
		{"the old worker drains", map[netip.AddrPort]int{nginx: 0}, false},
		{"nobody can tell", nil, false},
	} {
		p := newPlay(t)
		old, fresh := Service{Name: "old", Endpoints: at(1)}, Service{Name: "fresh", Endpoints: at(2)}
		p.set(1, old)
		p.ask(nginx, "old", 1)
		p.pass(time.Second)
		p.Retire(p.now)
		p.pass(time.Second)
		p.unsent = c.open
		p.Forget()
		p.set(1, old, fresh)
		if told := len(p.ask(nginx, "fresh", 2)) > 0; told != c.told {
			t.Errorf("%s: it is told: %v", c.name, told)
		}
		// The retirement that follows is of those who were there before.
		p.Retire(p.now)
		p.pass(2 * time.Second)
		if n := p.Set(p.now, []Service{old, {Name: "fresh", Endpoints: at(3)}}); n != 1 {
			t.Errorf("%s: %d services have changed", c.name, n)
		}
		p.ask(nginx, "fresh", 3)
		if told := p.clients[nginx] != nil && !p.clients[nginx].retired; told != c.told {
			t.Errorf("%s: it is told after the retirement: %v", c.name, told)
		}
	}
}
