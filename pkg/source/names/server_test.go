package names

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// record is one of a zone: "A 192.0.2.1 60" or "CNAME b.example.com 60" for an owner.
type record struct {
	owner, kind, data string
	ttl               uint32
}

// zone is a DNS server's data, and how it fails.
type zone struct {
	mu      sync.Mutex
	records []record
	rcode   map[string]dnsmessage.RCode // by "name" or "name A"
	asked   []string                    // "udp a.example.com A"
	large   bool                        // answers by UDP are truncated
	stray   bool                        // others' packets come before the answer
}

func (z *zone) set(records ...record) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records = records
}

func (z *zone) fail(at string, code dnsmessage.RCode) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.rcode = map[string]dnsmessage.RCode{at: code}
}

// questions gives what was asked since the last time.
func (z *zone) questions() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	asked := z.asked
	z.asked = nil
	return asked
}

// answer gives the packets that come back for a query. All records of the zone are in
// the answer if any is asked for, in their order.
func (z *zone) answer(t *testing.T, network string, query []byte) [][]byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 || !m.RecursionDesired {
		t.Errorf("a query that can't be read: %v", err)
		return nil
	}
	q := m.Questions[0]
	name, kind := strings.TrimSuffix(q.Name.String(), "."), strings.TrimPrefix(q.Type.String(), "Type")
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked = append(z.asked, network+" "+name+" "+kind)
	m.Response = true
	for _, at := range []string{"", name, name + " " + kind} {
		if code, ok := z.rcode[at]; ok {
			m.RCode = code
		}
	}
	m.Truncated = z.large && network == "udp"
	for _, r := range z.records {
		if m.RCode == dnsmessage.RCodeSuccess && !m.Truncated && (r.kind == kind || r.kind == "CNAME") {
			m.Answers = append(m.Answers, r.resource())
		}
	}
	var packets [][]byte
	if z.stray {
		packets = append(packets, []byte("?"), pack(t, m, func(m *dnsmessage.Message) { m.ID++ }), pack(t, m, func(m *dnsmessage.Message) { m.Response = false }),
			pack(t, m, func(m *dnsmessage.Message) { m.Questions = nil }),
			pack(t, m, func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("other.example.com.") }))
	}
	return append(packets, pack(t, m, func(*dnsmessage.Message) {}))
}

func pack(t *testing.T, m dnsmessage.Message, change func(*dnsmessage.Message)) []byte {
	m.Questions = append([]dnsmessage.Question(nil), m.Questions...)
	change(&m)
	packet, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	return packet
}

func (r record) resource() dnsmessage.Resource {
	res := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(r.owner + "."), Class: dnsmessage.ClassINET, TTL: r.ttl}}
	switch r.kind {
	case "A":
		res.Body = &dnsmessage.AResource{A: netip.MustParseAddr(r.data).As4()}
	case "AAAA":
		res.Body = &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(r.data).As16()}
	case "CNAME":
		res.Body = &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(r.data + ".")}
	}
	return res
}

// exchange is the zone without a network.
func (z *zone) exchange(t *testing.T) exchange {
	return func(_ context.Context, network string, _ netip.AddrPort, query []byte, ours func([]byte) (bool, error)) error {
		for _, packet := range z.answer(t, network, query) {
			if done, err := ours(packet); done {
				return err
			}
		}
		return io.EOF
	}
}

// serve is the zone as a server on 127.0.0.1, by UDP and TCP.
func (z *zone) serve(t *testing.T) netip.AddrPort {
	t.Helper()
	for range 10 {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := tcp.Addr().(*net.TCPAddr).AddrPort()
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
		if err != nil {
			_ = tcp.Close() // somebody has that port
			continue
		}
		var running sync.WaitGroup
		running.Go(func() { z.byUDP(t, udp) })
		running.Go(func() { z.byTCP(t, tcp) })
		t.Cleanup(func() { _, _ = tcp.Close(), udp.Close(); running.Wait() })
		return addr
	}
	t.Fatal("no port is free")
	return netip.AddrPort{}
}

func (z *zone) byUDP(t *testing.T, conn *net.UDPConn) {
	buf := make([]byte, 512)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		for _, packet := range z.answer(t, "udp", buf[:n]) {
			_, _ = conn.WriteToUDPAddrPort(packet, from)
		}
	}
}

func (z *zone) byTCP(t *testing.T, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err == nil {
			query := make([]byte, binary.BigEndian.Uint16(size[:]))
			_, _ = io.ReadFull(conn, query)
			for _, packet := range z.answer(t, "tcp", query) {
				_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...))
			}
		}
		_ = conn.Close()
	}
}
