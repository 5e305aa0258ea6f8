// Package board decides what nginx is told of endpoints, and when. Services and
// Queries enter, each with the time; Packets leave. It never touches a socket, never
// reads the clock and never keeps more than its limits, whatever is asked.
package board

import (
	"container/list"
	"net/netip"
	"time"

	"github.com/30x/dispatcher/pkg/discovery/internal/message"
	"github.com/30x/dispatcher/pkg/discovery/internal/targets"
)

const (
	// patience is how long a query of an unknown name waits for the name, from when
	// nginx has last repeated it.
	patience = 30 * time.Second
	// trust is how soon nginx asks again when it has got an answer: after 1 s, or
	// some seconds later if a packet was lost. Who comes later may have got none.
	trust = 10 * time.Second
	// calm is less than nginx waits after any answer.
	calm = 500 * time.Millisecond
)

// Options are a Board's settings. All are needed.
type Options struct {
	Hold  time.Duration       // half of it is the least time for which a query is parked
	Empty netip.AddrPort      // the endpoint of a service that has none
	Rand  func(n int64) int64 // a random number in [0, n)
	// Unread says how many bytes of what they were sent clients have not read yet, of
	// all whose sockets are open; nil if it can't tell.
	Unread func() map[netip.AddrPort]int
}

// Board knows all services, and who asks for them. It is not safe for concurrent
// use, and time may not go backwards.
type Board struct {
	o        Options
	services map[string]*service // those of the set, and those that somebody waits for
	clients  map[netip.AddrPort]*client
	fresh    list.List // of clients: those that may be anybody; who asked last is at the back
	regulars list.List // those that behave as nginx does
	parked   deadlines
	ready    []*client // those that are to be sent something

	unread  map[netip.AddrPort]int // from Options
	looked  bool                   // unread is of now
	version uint64                 // of the newest change
	round   uint64                 // of Set
	scratch []Endpoint
	known   int // services of the set
	behind  int // those of them whose newest version nobody was given
	cut     int // endpoints that no answer has room for
	load    int // askers and queued queries of hosts
	stats   Stats
}

// service is one name.
type service struct {
	name      string
	version   uint64    // 0: it is not in the set
	given     uint64    // the newest version that somebody was given
	changed   time.Time // when it got newer than that
	round     uint64    // of the last Set that named it
	endpoints []Endpoint
	targets   targets.Targets
	cut       int    // endpoints that the answer has no room for
	answer    []byte // nil: not made yet
	askers    []*asker
}

// asker is one client that asks for one service.
type asker struct {
	client   *client
	service  *service
	state    state
	doubtful bool      // who asked may not be there any more
	id       uint16    // of the newest query
	version  uint64    // that the client was given; 0: none, or that is uncertain
	unasked  int       // targets of that version whose address was not asked since
	at       time.Time // when it was last answered
	until    time.Time // when a parked query is answered at last
	place    int       // in Board.parked
	index    int       // in client.askers
}

type state uint8

const (
	answered state = iota
	parked
	queued // to be sent
	evicted
)

// New makes a Board that knows no service.
func New(o Options) *Board {
	return &Board{o: o, services: map[string]*service{}, clients: map[netip.AddrPort]*client{}}
}

// Ask takes in a query by UDP. What is to be sent is Due.
func (b *Board) Ask(now time.Time, from netip.AddrPort, q message.Query) {
	c := b.visit(now, from)
	if c.retired {
		b.stats.Silent++
		return
	}
	switch q.Kind {
	case message.Endpoints:
		b.stats.Services++
		b.askService(now, c, q)
	case message.Address, message.Identity:
		b.stats.Hosts++
		if len(c.hosts) == maxHosts {
			c.hosts, b.load, b.stats.Dropped = c.hosts[1:], b.load-1, b.stats.Dropped+1
		}
		if s := b.services[q.Service]; q.Kind == message.Identity && !q.V6 && s != nil {
			if a := s.asker(c); a != nil {
				a.unasked--
			}
		}
		c.hosts, b.load = append(c.hosts, q), b.load+1
		b.enqueue(c)
	default:
	}
	b.shed()
}

// Question is a query that is kept back.
type Question struct {
	From    netip.AddrPort
	ID      uint16
	Service string
}

// Questions gives what is parked.
func (b *Board) Questions() []Question {
	out := make([]Question, len(b.parked))
	for i, a := range b.parked {
		out[i] = Question{a.client.addr, a.id, a.service.name}
	}
	return out
}

func (b *Board) askService(now time.Time, c *client, q message.Query) {
	s := b.services[q.Service]
	if s == nil {
		s = b.add(q.Service)
	}
	a := s.asker(c)
	if a == nil {
		a = b.join(c, s)
	}
	same := a.id == q.ID
	a.id = q.ID
	switch {
	case s.version == 0: // before the first Set, or an old worker of nginx that drains
		b.park(a, now.Add(patience))
	case a.state == queued: // the newest query gets the answer
	case a.state == parked && same: // nginx repeats itself every 5 s
	case a.state == parked: // nginx has given up, or it has died and another has its port
		b.doubt(c)
		a.doubtful = false
	case a.version == s.version && !same && a.unasked <= 0 && now.Sub(a.at) < trust:
		if now.Sub(a.at) > calm {
			b.promote(c)
		}
		b.stats.Held++
		least := b.o.Hold/2 + b.o.Hold/together
		b.park(a, now.Add(least+time.Duration(b.o.Rand(int64(b.o.Hold-least)+1))))
	default:
		a.doubtful = false
		b.queue(a)
	}
}

// AskTCP answers a query by TCP, nil if there is nothing to say. nginx comes with
// the query whose answer by UDP was too long, and only then, so it is not parked.
func (b *Board) AskTCP(now time.Time, from netip.Addr, q message.Query) []byte {
	b.stats.TCP++
	if q.Kind != message.Endpoints {
		return b.host(q)
	}
	s := b.services[q.Service]
	if s == nil || s.version == 0 {
		b.stats.Silent++
		return nil
	}
	for _, a := range s.askers {
		if a.client.addr.Addr() == from && a.state == answered && a.id == q.ID {
			b.give(now, a)
		}
	}
	b.gave(now, s)
	b.stats.Answers++
	return message.WithID(b.message(s), q.ID)
}

// doubt answers all that a client has parked, as it may not be who it was. Then it
// may not be who asked that, either.
func (b *Board) doubt(c *client) {
	for _, a := range c.askers {
		a.version, a.doubtful = 0, true
		if a.state == parked && a.service.version != 0 {
			b.queue(a)
		}
	}
}

// give notes that the client is given the newest version. For each target nginx asks
// the address, unless it did within the same second, though the TTL is 0. Then it may
// use an old one, so it is given the version once more.
func (b *Board) give(now time.Time, a *asker) {
	a.unasked, a.at = 0, now
	if a.doubtful {
		a.doubtful = false
		return
	}
	if a.version != a.service.version {
		for _, e := range a.service.endpoints {
			if e.Target != "" {
				a.unasked++
			}
		}
	}
	a.version = a.service.version
}

// gave notes that somebody has been given the newest version.
func (b *Board) gave(now time.Time, s *service) {
	if s.given != s.version {
		s.given = s.version
		b.behind--
		b.stats.Told++
		b.stats.Took += now.Sub(s.changed)
	}
}

// message is the answer with all endpoints, to any query.
func (b *Board) message(s *service) []byte {
	if s.answer == nil {
		endpoints := s.endpoints
		if len(endpoints) == 0 {
			endpoints = []Endpoint{{Addr: b.o.Empty, Weight: 1}}
		}
		s.answer = message.Services(s.name, endpoints)
	}
	return s.answer
}

// host answers a query of a host, nil for one that is not known.
func (b *Board) host(q message.Query) []byte {
	addr := q.Addr
	if q.Kind == message.Identity {
		s := b.services[q.Service]
		if s == nil || !s.targets.Addr(q.Target).IsValid() {
			b.stats.Silent++
			return nil
		}
		addr = s.targets.Addr(q.Target)
	}
	b.stats.Answers++
	return message.Host(q, addr)
}
