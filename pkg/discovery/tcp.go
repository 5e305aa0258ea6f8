package discovery

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/30x/dispatcher/pkg/discovery/internal/message"
)

const (
	// maxConns limits the connections. nginx has one for each worker that asks, as
	// long as it needs it.
	maxConns = 64
	// patience limits how long a connection may take for the next query, and how
	// long its answer; nginx gives up after 5 s.
	patience = 10 * time.Second
	// rest is how long no connection is accepted when the system can't.
	rest = 100 * time.Millisecond
)

// conns are the open connections, the oldest first.
type conns struct {
	mu   sync.Mutex
	open []net.Conn
}

// accept serves connections until ctx is done.
func (r *Responder) accept(ctx context.Context) error {
	var all conns
	var wg sync.WaitGroup
	defer wg.Wait()
	defer all.close()
	for {
		conn, err := r.tcp.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept nginx's connections: %w", err)
		case err != nil: // too many open files, say
			time.Sleep(rest)
			continue
		}
		if all.add(conn) {
			r.reject.Add(1)
		}
		wg.Go(func() {
			defer all.remove(conn)
			r.converse(conn)
		})
	}
}

// converse answers the queries of a connection.
func (r *Responder) converse(conn net.Conn) {
	from := addrPort(conn.RemoteAddr()).Addr().Unmap()
	if !from.IsLoopback() {
		r.ignored.Add(1)
		return
	}
	var buf [2 + maxQuery]byte
	for {
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(conn, buf[:2]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(buf[:2]))
		if n > maxQuery {
			return
		}
		packet := buf[2 : 2+n]
		if _, err := io.ReadFull(conn, packet); err != nil {
			return
		}
		answer := r.stream(packet, from)
		if answer == nil {
			continue
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
		r.tell()
	}
}

// stream answers a query by TCP; nil is silence.
func (r *Responder) stream(packet []byte, from netip.Addr) []byte {
	switch q := message.Parse(packet); q.Kind {
	case message.Silence:
		r.ignored.Add(1)
		return nil
	case message.Refuse:
		r.refused.Add(1)
		return message.Refusal(packet)
	default:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.board.AskTCP(time.Now(), from, q)
	}
}

// add takes in a connection, and says whether it closed the oldest for that.
func (c *conns) add(conn net.Conn) (closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, conn)
	if len(c.open) > maxConns {
		_ = c.open[0].Close()
		c.open = c.open[1:]
		return true
	}
	return false
}

func (c *conns) remove(conn net.Conn) {
	_ = conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = slices.DeleteFunc(c.open, func(open net.Conn) bool { return open == conn })
}

func (c *conns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		_ = conn.Close()
	}
}
