package discovery_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/30x/dispatcher/pkg/discovery"
)

// responder runs one until the test ends.
func responder(t *testing.T, addr string) *discovery.Responder {
	t.Helper()
	r, err := discovery.Listen(t.Context(), discovery.Options{Addr: netip.MustParseAddrPort(addr), Empty: netip.MustParseAddrPort("127.0.0.1:503")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

func dial(t *testing.T, network string, r *discovery.Responder) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func query(t *testing.T, id uint16, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// exchange sends a query and reads an answer.
func exchange(t *testing.T, conn net.Conn, packet []byte) (m dnsmessage.Message) {
	t.Helper()
	if conn.LocalAddr().Network() == "tcp" {
		packet = append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
	}
	if _, err := conn.Write(packet); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1<<16)
	if conn.LocalAddr().Network() == "tcp" {
		if _, err := io.ReadFull(conn, answer[:2]); err != nil {
			t.Fatal(err)
		}
		answer = answer[:binary.BigEndian.Uint16(answer)]
		if _, err := io.ReadFull(conn, answer); err != nil {
			t.Fatal(err)
		}
	} else {
		n, err := conn.Read(answer)
		if err != nil {
			t.Fatal(err)
		}
		answer = answer[:n]
	}
	if err := m.Unpack(answer); err != nil {
		t.Fatal(err)
	}
	return m
}

// Both ports answer the same, in both families.
func TestSockets(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:0", "127.3.2.1:0", "[::1]:0"} {
		r := responder(t, addr)
		r.Set([]discovery.Service{service("a", netip.MustParseAddrPort("10.0.0.1:80"))})
		for _, network := range []string{"udp", "tcp"} {
			conn := dial(t, network, r)
			for id, c := range []struct {
				name string
				kind dnsmessage.Type
				want string
			}{
				{"_http._tcp.a.endpoints.internal.", dnsmessage.TypeSRV, "0a000001.endpoints.internal."},
				{"0a000001.endpoints.internal.", dnsmessage.TypeA, "10, 0, 0, 1"},
				{"example.com.", dnsmessage.TypeA, "RCodeRefused"},
			} {
				m := exchange(t, conn, query(t, uint16(id), c.name, c.kind))
				if m.ID != uint16(id) || !strings.Contains(m.GoString(), c.want) {
					t.Errorf("%s, %s: %s is answered with %s", addr, network, c.name, m.GoString())
				}
			}
		}
	}
}

// The limits of connections: how many there are, and how long a query is.
func TestConnections(t *testing.T) {
	t.Parallel()
	r := responder(t, "127.0.0.1:0")
	r.Set([]discovery.Service{service("a", netip.MustParseAddrPort("10.0.0.1:80"))})
	var conns []net.Conn
	packet := query(t, 1, "_http._tcp.a.endpoints.internal.", dnsmessage.TypeSRV)
	for range 100 {
		conns = append(conns, dial(t, "tcp", r))
		exchange(t, conns[len(conns)-1], packet)
	}
	if _, err := conns[0].Read(make([]byte, 1)); err == nil {
		t.Error("the oldest connection is still open")
	}
	if s := r.Stats(); s.Rejected != 36 || s.TCP != 100 {
		t.Errorf("the Stats are %+v", s)
	}
	exchange(t, conns[99], packet)
	for _, bad := range []string{"\xff\xff", "\x02\x01"} { // a query of 65535 bytes, one of 513
		conn := dial(t, "tcp", r)
		if _, err := io.WriteString(conn, bad); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%x is answered with %d bytes", bad, n)
		}
	}
	conn := dial(t, "tcp", r)
	fmt.Fprint(conn, "\x00\x03bad") // no query, so no answer, but the next one gets one
	exchange(t, conn, packet)
}

// A port must be of this machine alone, and free.
func TestListen(t *testing.T) {
	t.Parallel()
	empty := netip.MustParseAddrPort("127.0.0.1:503")
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:53", "[::ffff:192.0.2.1]:53"} {
		if _, err := discovery.Listen(t.Context(), discovery.Options{Addr: netip.MustParseAddrPort(addr), Empty: empty}); err == nil {
			t.Errorf("it listens on %s", addr)
		}
	}
	if _, err := discovery.Listen(t.Context(), discovery.Options{Empty: empty}); err == nil {
		t.Error("it listens on no address")
	}
	if _, err := discovery.Listen(t.Context(), discovery.Options{Addr: netip.MustParseAddrPort("127.0.0.1:0")}); err == nil {
		t.Error("it listens though services without endpoints have no place")
	}
	r := responder(t, "127.0.0.1:0")
	if _, err := discovery.Listen(t.Context(), discovery.Options{Addr: r.Addr(), Empty: empty}); err == nil {
		t.Errorf("two listen on %v", r.Addr())
	}
	other, err := discovery.Listen(t.Context(), discovery.Options{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Empty: empty})
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	again, err := discovery.Listen(t.Context(), discovery.Options{Addr: other.Addr(), Empty: empty})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
