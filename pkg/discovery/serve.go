package discovery

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/30x/dispatcher/pkg/discovery/internal/board"
	"github.com/30x/dispatcher/pkg/discovery/internal/message"
)

const (
	// maxQuery is the longest packet that is read: a name has at most 255 bytes.
	maxQuery = 512
	// refusals by UDP are so far apart, at least; there is silence meanwhile.
	refusals = time.Millisecond
)

// Run answers until ctx is done, and closes the ports. What is parked then gets no
// answer, so nginx goes on asking, and keeps what it has.
func (r *Responder) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, r.Close)
	defer stop()
	group.Go(func() error { return r.read(ctx) })
	group.Go(func() error { r.send(ctx); return nil })
	if r.tcp != nil {
		group.Go(func() error { return r.accept(ctx) })
	}
	return group.Wait()
}

// Close closes the ports. Only a Responder that does not Run needs it.
func (r *Responder) Close() {
	_ = r.udp.Close()
	if r.tcp != nil {
		_ = r.tcp.Close()
	}
}

// read takes in packets.
func (r *Responder) read(ctx context.Context) error {
	buf := make([]byte, maxQuery+1)
	for {
		n, from, err := r.udp.ReadFromUDPAddrPort(buf)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the port is closed, as it should be
		case err != nil:
			return fmt.Errorf("read nginx's queries: %w", err)
		}
		r.packet(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	}
}

// packet takes in one packet. The kernel drops packets from other machines, but a
// node can be told not to (route_localnet).
func (r *Responder) packet(packet []byte, from netip.AddrPort) {
	var q message.Query
	if len(packet) <= maxQuery && from.Addr().IsLoopback() {
		q = message.Parse(packet)
	}
	switch q.Kind {
	case message.Silence:
		r.ignored.Add(1)
	case message.Refuse:
		r.refused.Add(1)
		if now := time.Now(); now.Sub(r.lastRefusal) >= refusals { // nginx does not ask that; a flood would
			r.lastRefusal = now
			r.write(board.Packet{To: from, Data: message.Refusal(packet)})
		}
	default:
		r.mu.Lock()
		now := time.Now()
		if q.Kind != message.Endpoints {
			r.hosts = now
		}
		r.board.Ask(now, from, q)
		early := r.early()
		r.mu.Unlock()
		if early {
			r.nudge()
		}
	}
}

func (r *Responder) write(p board.Packet) {
	if _, err := r.udp.WriteToUDPAddrPort(p.Data, p.To); err != nil {
		r.unsent.Add(1)
	}
}

// early says whether the sender sleeps too long.
func (r *Responder) early() bool {
	next := r.board.Next()
	return !next.IsZero() && (r.wake.IsZero() || next.Before(r.wake))
}

func (r *Responder) nudge() {
	select {
	case r.kick <- struct{}{}:
	default: // it is on its way
	}
}

// send sends what is due.
func (r *Responder) send(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var packets []board.Packet
	for ctx.Err() == nil {
		r.mu.Lock()
		now := time.Now()
		packets, r.wake = r.board.Due(now, packets[:0])
		sleep := r.wake.Sub(now)
		forever := r.wake.IsZero()
		r.mu.Unlock()
		for _, p := range packets {
			r.write(p)
		}
		r.tell()
		if forever {
			timer.Stop()
		} else {
			timer.Reset(sleep)
		}
		select {
		case <-ctx.Done():
		case <-r.kick:
		case <-timer.C:
		}
	}
}

// tell lets those go on who Wait, and logs what an operator should know, once a
// minute if that is new.
func (r *Responder) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.release()
	if now := time.Now(); now.Sub(r.looked) >= time.Minute {
		s := r.board.Stats(now)
		news := s.Dropped != r.seen.Dropped || s.Invalid > r.seen.Invalid || s.Cut > r.seen.Cut
		r.looked, r.seen = now, s
		if news {
			r.o.Log.Warn("not all that was asked or set can be told to nginx", "queries_dropped", s.Dropped, "endpoints_invalid", s.Invalid, "endpoints_too_many", s.Cut)
		}
	}
}

// release lets those go on who Wait.
func (r *Responder) release() {
	if r.told != nil && r.board.Behind() == 0 {
		close(r.told)
		r.told = nil
	}
}

func addrPort(a net.Addr) netip.AddrPort {
	var addr netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		addr = a.AddrPort()
	case *net.TCPAddr:
		addr = a.AddrPort()
	}
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}
