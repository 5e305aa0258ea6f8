package board

import (
	"container/list"
	"net/netip"
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/discovery/internal/message"
	"github.com/30x/dispatcher/pkg/discovery/internal/pace"
)

// What is more than this is dropped. An nginx has a client for each worker that
// asks, which is one, and the old ones that drain; each has an asker for each
// service.
const (
	maxClients = 1024
	maxLoad    = 1 << 17
	// maxUnknown limits what one client may ask that is not known.
	maxUnknown = 1 << 14
	// maxHosts limits what is queued for one client.
	maxHosts = 1 << 15
	// idle is after how long a client is forgotten: nginx asks every 5 s.
	idle = time.Minute
)

// client is one address and port that asks: a worker of nginx.
type client struct {
	addr    netip.AddrPort
	element *list.Element // in Board.fresh or Board.regulars
	regular bool
	gone    bool
	retired bool // it is told nothing any more
	born    time.Time
	askers  []*asker

	asked    time.Time // when it last did
	pace     pace.Pace
	ready    bool            // it is in Board.ready
	services []*asker        // to be answered, those that are queued
	hosts    []message.Query // to be answered
}

// visit notes that somebody asks.
func (b *Board) visit(now time.Time, from netip.AddrPort) *client {
	c := b.clients[from]
	if c == nil {
		c = &client{addr: from, born: now}
		c.element = b.fresh.PushBack(c)
		b.clients[from] = c
	}
	c.asked = now
	c.pace.Asked(now)
	b.crowd(c).MoveToBack(c.element)
	return c
}

// Retire has all who first asked before that moment told nothing any more.
func (b *Board) Retire(before time.Time) {
	for _, c := range b.clients {
		if c.born.Before(before) {
			b.clear(c)
			c.retired = true
		}
	}
}

// Forget forgets all whose sockets are closed: the kernel may give such a port to the
// next worker, which must not be taken for the one that had it and was retired. Where
// nobody can tell, nothing is forgotten.
func (b *Board) Forget() {
	open := b.o.Unread()
	if open == nil {
		return
	}
	for addr, c := range b.clients {
		if _, there := open[addr]; !there {
			b.evict(c)
		}
	}
}

func (b *Board) crowd(c *client) *list.List {
	if c.regular {
		return &b.regulars
	}
	return &b.fresh
}

// promote notes that c does as nginx does: it has waited before it asked again. Such
// clients are dropped after all others, which keeps a flood from pushing nginx out.
func (b *Board) promote(c *client) {
	if !c.regular {
		b.fresh.Remove(c.element)
		c.regular, c.element = true, b.regulars.PushBack(c)
	}
}

// asker finds who asks for s; these are few.
func (s *service) asker(c *client) *asker {
	for _, a := range s.askers {
		if a.client == c {
			return a
		}
	}
	return nil
}

// join makes a new asker.
func (b *Board) join(c *client, s *service) *asker {
	if s.version == 0 && len(c.askers) >= b.known+maxUnknown {
		b.stats.Dropped++
		b.leave(c.askers[0])
	}
	a := &asker{client: c, service: s, index: len(c.askers)}
	c.askers, s.askers = append(c.askers, a), append(s.askers, a)
	b.load++
	return a
}

// leave forgets an asker.
func (b *Board) leave(a *asker) {
	b.unpark(a)
	a.state = evicted
	c, s, last := a.client, a.service, len(a.client.askers)-1
	c.askers[a.index] = c.askers[last]
	c.askers[a.index].index = a.index
	c.askers[last] = nil
	c.askers = c.askers[:last]
	i := slices.Index(s.askers, a)
	s.askers = slices.Delete(s.askers, i, i+1)
	b.load--
	b.prune(s)
}

// shed keeps the limits. What is parked for a client that is dropped gets no
// answer: nginx asks again within 5 s.
func (b *Board) shed() {
	for len(b.clients) > maxClients || b.load > maxLoad {
		oldest := b.fresh.Front()
		if oldest == nil {
			oldest = b.regulars.Front()
		}
		c := oldest.Value.(*client)
		b.stats.Dropped += uint64(len(c.askers) + len(c.hosts))
		b.evict(c)
	}
}

// expire forgets clients that have ceased to ask.
func (b *Board) expire(now time.Time) {
	for _, crowd := range []*list.List{&b.fresh, &b.regulars} {
		for e := crowd.Front(); e != nil && now.Sub(e.Value.(*client).asked) > idle; e = crowd.Front() {
			b.evict(e.Value.(*client))
		}
	}
}

func (b *Board) evict(c *client) {
	b.crowd(c).Remove(c.element)
	delete(b.clients, c.addr)
	b.clear(c)
	c.gone = true
}

// clear forgets all that a client has asked.
func (b *Board) clear(c *client) {
	for len(c.askers) > 0 {
		b.leave(c.askers[len(c.askers)-1])
	}
	b.load -= len(c.hosts)
	c.hosts, c.services = nil, nil
}
