package board

import (
	"container/heap"
	"net/netip"
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/discovery/internal/message"
)

// together is the part of Hold by which a query may be answered earlier if another
// one is: few times many are less work than many times few.
const together = 200

// Packet is an answer by UDP.
type Packet struct {
	To   netip.AddrPort
	Data []byte
}

// Due appends what is to be sent now to out, and says when Due is to be called
// next, unless somebody asks or Set is called before: the zero time if never.
func (b *Board) Due(now time.Time, out []Packet) ([]Packet, time.Time) {
	b.expire(now)
	b.looked = false
	until := now
	if len(b.parked) > 0 && !b.parked[0].until.After(now) {
		until = now.Add(b.o.Hold / together)
	}
	for len(b.parked) > 0 && !b.parked[0].until.After(until) {
		if a := b.parked[0]; a.service.version == 0 {
			b.leave(a) // nobody told us of the name
		} else {
			b.stats.Expired++
			b.queue(a)
		}
	}
	waiting := b.ready[:0]
	for _, c := range b.ready {
		out = b.serve(now, c, out)
		if c.ready = c.pending(); c.ready {
			waiting = append(waiting, c)
		}
	}
	clear(b.ready[len(waiting):])
	b.ready = waiting
	return out, b.Next()
}

// Next says when Due is to be called.
func (b *Board) Next() (next time.Time) {
	if len(b.parked) > 0 {
		next = b.parked[0].until
	}
	for _, c := range b.ready {
		if t := c.pace.Next(); next.IsZero() || t.Before(next) {
			next = t
		}
	}
	return next
}

// serve sends what c has room for: hosts first, since services make more of them.
func (b *Board) serve(now time.Time, c *client, out []Packet) []Packet {
	for c.pending() && c.pace.Ready(now, func() (int, bool) { return b.unreadOf(c) }) {
		var answer []byte
		if len(c.hosts) > 0 {
			answer = b.host(c.hosts[0])
			c.hosts, b.load = c.hosts[1:], b.load-1
		} else {
			a := c.services[0]
			c.services = c.services[1:]
			if a.state == queued {
				answer = b.reply(now, a)
			}
		}
		if answer != nil {
			out = append(out, Packet{c.addr, answer})
			c.pace.Sent(now, len(answer))
		}
	}
	return out
}

// unreadOf asks Options.Unread, once for all clients of one call of Due.
func (b *Board) unreadOf(c *client) (bytes int, ok bool) {
	if !b.looked {
		b.unread, b.looked = b.o.Unread(), true
	}
	bytes, ok = b.unread[c.addr]
	return bytes, ok
}

// reply answers the asker's query.
func (b *Board) reply(now time.Time, a *asker) []byte {
	a.state, a.at = answered, now
	b.stats.Answers++
	answer := b.message(a.service)
	if len(answer) > message.MaxUDP {
		b.stats.Truncated++
		return message.Truncated(a.id, a.service.name)
	}
	b.give(now, a)
	b.gave(now, a.service)
	return message.WithID(answer, a.id)
}

func (c *client) pending() bool { return len(c.hosts)+len(c.services) > 0 }

func (b *Board) enqueue(c *client) {
	if !c.ready {
		c.ready = true
		b.ready = append(b.ready, c)
	}
}

// queue lets the asker be answered.
func (b *Board) queue(a *asker) {
	b.unpark(a)
	a.state = queued
	a.client.services = append(a.client.services, a)
	b.enqueue(a.client)
}

// park keeps the asker's query until then, or until there is news.
func (b *Board) park(a *asker, until time.Time) {
	b.unpark(a)
	a.state, a.until = parked, until
	heap.Push(&b.parked, a)
}

func (b *Board) unpark(a *asker) {
	if a.state == parked {
		heap.Remove(&b.parked, a.place)
	}
}

// deadlines is a heap of what is parked, the first to end first.
type deadlines []*asker

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].until.Before(d[j].until) }
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

// Push is for package heap.
func (d *deadlines) Push(x any) {
	a := x.(*asker)
	a.place = len(*d)
	*d = append(*d, a)
}

// Pop is for package heap.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	a := (*d)[last]
	*d = slices.Delete(*d, last, last+1)
	return a
}
