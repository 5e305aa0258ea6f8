package board

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/discovery/internal/message"
)

// As in package pace.
const (
	budget   = 64 * 1024
	pause    = time.Millisecond
	stubborn = 100 * time.Millisecond
)

// check looks whether the Board's parts agree, and whether its limits hold.
func (p *play) check(when string) {
	p.t.Helper()
	askers, hosts, parkedOnes := 0, 0, 0
	for addr, c := range p.clients {
		askers, hosts = askers+len(c.askers), hosts+len(c.hosts)
		if c.addr != addr || c.gone {
			p.t.Fatalf("%s: a client is not where it belongs", when)
		}
		for i, a := range c.askers {
			if a.index != i || a.client != c || a.state == evicted || p.services[a.service.name] != a.service {
				p.t.Fatalf("%s: an asker is not where it belongs: %+v", when, a)
			}
			if a.state == parked {
				parkedOnes++
				if p.parked[a.place] != a {
					p.t.Fatalf("%s: what is parked is not where it belongs", when)
				}
			}
		}
	}
	known, behind, of := 0, 0, 0
	for _, s := range p.services {
		of += len(s.askers)
		if s.version != 0 {
			known++
			if s.given != s.version {
				behind++
			}
		} else if len(s.askers) == 0 {
			p.t.Fatalf("%s: the unknown name %s is nobody's", when, s.name)
		}
	}
	if askers != of || p.load != askers+hosts || parkedOnes != len(p.parked) || known != p.known || behind != p.behind ||
		p.fresh.Len()+p.regulars.Len() != len(p.clients) || len(p.clients) > maxClients || p.load > maxLoad {
		p.t.Fatalf("%s: %d and %d askers, %d hosts, load %d, %d and %d parked, %d and %d known, %d and %d behind, %d+%d and %d clients", when,
			askers, of, hosts, p.load, parkedOnes, len(p.parked), known, p.known, behind, p.behind, p.fresh.Len(), p.regulars.Len(), len(p.clients))
	}
}

func anybody(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(i >> 24), byte(i >> 16), 9}), uint16(i))
}

// Floods of any kind are bounded, and nginx, which behaves, is told of news at once
// meanwhile and after.
func TestFlood(t *testing.T) {
	t.Parallel()
	for name, flood := range map[string]func(i int) (netip.AddrPort, message.Query){
		"known name, many clients": func(i int) (netip.AddrPort, message.Query) {
			return anybody(i), message.Query{ID: uint16(i), Kind: message.Endpoints, Service: "a"}
		},
		"unknown names, many clients": func(i int) (netip.AddrPort, message.Query) {
			return anybody(i), message.Query{ID: uint16(i), Kind: message.Endpoints, Service: fmt.Sprint("x", i)}
		},
		"unknown names, one client": func(i int) (netip.AddrPort, message.Query) {
			return anybody(1), message.Query{ID: uint16(i), Kind: message.Endpoints, Service: fmt.Sprint("x", i)}
		},
		"unknown names, few clients": func(i int) (netip.AddrPort, message.Query) {
			return anybody(i % 20), message.Query{ID: uint16(i), Kind: message.Endpoints, Service: fmt.Sprint("x", i)}
		},
		"hosts, many clients": func(i int) (netip.AddrPort, message.Query) {
			return anybody(i % 3000), message.Query{ID: uint16(i), Kind: message.Address, Addr: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})}
		},
		"hosts, one client": func(i int) (netip.AddrPort, message.Query) {
			return anybody(1), message.Query{ID: uint16(i), Kind: message.Address, Addr: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})}
		},
		"few clients that come back": func(i int) (netip.AddrPort, message.Query) {
			return anybody(i % 700), message.Query{ID: uint16(i), Kind: message.Endpoints, Service: "a"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlay(t)
			p.set(2, on("a", 1), on("b", 1))
			p.ask(nginx, "b", 1)
			p.pass(time.Second)
			p.ask(nginx, "b", 2)
			for i := range 150_000 {
				from, q := flood(i)
				p.Ask(p.now, from, q)
				if i%1000 == 0 { // 100,000 queries a second, and Due is late
					p.pass(10 * time.Millisecond)
				}
				if i%15_000 == 0 {
					p.check(name)
					p.Due(p.now, nil)
					p.Ask(p.now, nginx, message.Query{ID: 2, Kind: message.Endpoints, Service: "b"}) // again, as nginx does
				}
			}
			p.check(name)
			p.Set(p.now, []Service{on("a", 1), on("b", 2)})
			packets, _ := p.Due(p.now, nil)
			told := false
			for _, packet := range packets {
				told = told || packet.To == nginx && say(t, packet.Data) == "2 2"
			}
			if !told {
				t.Errorf("nginx is not told of news; %+v", p.Stats(p.now))
			}
			for range 4 { // all is forgotten when nobody asks any more
				p.pass(idle)
				p.Due(p.now, nil)
			}
			p.check("at last")
			if len(p.clients) != 0 || len(p.services) != 2 || p.load != 0 {
				t.Errorf("%d clients, %d services and a load of %d are left", len(p.clients), len(p.services), p.load)
			}
		})
	}
}

// A burst of queries gets as many answers as nginx's socket has room for, and the
// rest as it reads them: as the system tells, or else after a pause.
func TestPace(t *testing.T) {
	t.Parallel()
	burst := func(p *play, n int) {
		services := make([]Service, n)
		for i := range services {
			services[i] = on(fmt.Sprint("s", i), 1)
		}
		p.Set(p.now, services)
		for i := range services {
			p.Ask(p.now, nginx, message.Query{ID: uint16(i), Kind: message.Endpoints, Service: services[i].Name})
		}
	}
	t.Run("unknown", func(t *testing.T) {
		p := newPlay(t)
		burst(p, 1000)
		sent := len(p.due())
		if sent < 50 || sent > 80 {
			t.Errorf("%d answers are sent at once", sent)
		}
		p.pass(pause - time.Microsecond)
		expect(t, "before the pause is over", p.due())
		p.host(nginx, "s0", "x", 1)
		p.pass(pause - time.Microsecond)
		expect(t, "before the next pause is over", p.due())
		for range 20 {
			p.pass(pause)
			sent += len(p.due())
		}
		if sent != 1000 {
			t.Errorf("%d answers are sent in all", sent)
		}
	})
	t.Run("never silent", func(t *testing.T) {
		p := newPlay(t)
		burst(p, 1000)
		sent := len(p.due())
		for range 2 * stubborn / pause * 2 {
			p.pass(pause / 2)
			sent += len(p.host(nginx, "s0", "x", 1))
		}
		if sent < 150 || sent > 240 {
			t.Errorf("%d answers are sent in 200 ms", sent)
		}
	})
	t.Run("known", func(t *testing.T) {
		p := newPlay(t)
		burst(p, 1000)
		first := len(p.due())
		p.unsent = map[netip.AddrPort]int{nginx: budget}
		for range 50 { // nginx is busy elsewhere
			p.pass(pause)
			expect(t, "while nginx does not read", p.due())
		}
		p.unsent = map[netip.AddrPort]int{nginx: budget / 2}
		p.pass(stubborn)
		if half := len(p.due()); half < first/2-1 || half > first/2+1 {
			t.Errorf("%d answers are sent when there is room for half of %d", half, first)
		}
	})
}

// Few changes are told at once, however many there were before.
func TestPaceQuiet(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.set(1, on("a", 1))
	p.ask(nginx, "a", 0)
	for i := range uint16(500) {
		p.pass(time.Second)
		if got := p.ask(nginx, "a", i+1); len(got) != 0 {
			t.Fatalf("query %d is answered: %v", i, got)
		}
		expect(t, "news", p.set(1, on("a", i+2)), fmt.Sprintf("40000: %d %d", i+1, i+2))
	}
}

// Whatever happens, in any order, the Board's parts agree.
func TestRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 0))
		p := newPlay(t)
		p.o.Rand = r.Int64N
		name := func() string { return fmt.Sprint("s", r.IntN(8)) }
		for step := range 3000 {
			from := anybody(r.IntN(5))
			q := message.Query{ID: uint16(r.IntN(4)), Kind: message.Endpoints, Service: name()}
			switch r.IntN(8) {
			case 0:
				var services []Service
				for range r.IntN(8) {
					services = append(services, on(name(), uint16(r.IntN(3))))
				}
				p.Set(p.now, services)
			case 1:
				p.pass(time.Duration(r.Int64N(int64(40 * time.Second))))
			case 2, 3:
				p.due()
			case 4:
				q.Kind, q.Target = message.Identity, "x"
				p.Ask(p.now, from, q)
			case 5:
				if answer := p.AskTCP(p.now, from.Addr(), q); answer != nil && binary.BigEndian.Uint16(answer) != q.ID {
					t.Fatal("the answer is not to the query")
				}
			default:
				p.Ask(p.now, from, q)
			}
			if step%10 == 0 {
				p.check(fmt.Sprintf("seed %d, step %d", seed, step))
			}
		}
	}
}
