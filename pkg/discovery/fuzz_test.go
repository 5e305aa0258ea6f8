package discovery

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/30x/dispatcher/pkg/discovery/internal/board"
	"github.com/30x/dispatcher/pkg/discovery/internal/message"
)

// Any packet, by UDP or TCP, gets one answer at most, to it and with a limited
// length; what isn't ours gets no more bytes than it had.
func FuzzPacket(f *testing.F) {
	for _, name := range []string{"_http._tcp.a.endpoints.internal.", "_http._tcp.big.endpoints.internal.", "_http._tcp.b.endpoints.internal.", "0a000001.endpoints.internal.", "web.a.endpoints.internal.", "example.com.", "."} {
		for _, kind := range []dnsmessage.Type{dnsmessage.TypeSRV, dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypeALL} {
			f.Add(query(f, 1, name, kind))
		}
	}
	a, big := on("a", 1), Service{Name: "big"}
	a.Endpoints = append(a.Endpoints, Endpoint{Addr: netip.MustParseAddrPort("[2001:db8::1]:80"), Target: "web"})
	for i := range uint16(300) {
		big.Endpoints = append(big.Endpoints, on("", i+1).Endpoints...)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		wire := newWire()
		r := newResponder(Options{Empty: netip.MustParseAddrPort("127.0.0.1:503")}, wire, nil)
		r.Set([]Service{a, big})
		from := netip.MustParseAddrPort("127.0.0.1:1")
		r.packet(packet, from)
		packets, _ := r.board.Due(time.Now(), nil)
		packets = append(packets, wire.out...)
		if len(packets) > 1 {
			t.Fatalf("%x gets %d answers", packet, len(packets))
		}
		for _, p := range packets {
			look(t, packet, p.Data, message.MaxUDP)
		}
		if len(packet) <= maxQuery {
			if answer := r.stream(packet, from.Addr()); answer != nil {
				packets = append(packets, board.Packet{Data: answer})
				look(t, packet, answer, message.MaxTCP)
			}
		}
		if q := message.Parse(packet); len(packets) > 0 && (q.Kind == message.Silence || q.Service == "b") {
			t.Fatalf("%x gets an answer", packet)
		}
	})
}

func look(t *testing.T, packet, answer []byte, limit int) {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(answer); err != nil || len(answer) > limit || !m.Response || m.ID != binary.BigEndian.Uint16(packet) {
		t.Fatalf("%x gets %d bytes: %x: %v", packet, len(answer), answer, err)
	}
	switch m.RCode {
	case dnsmessage.RCodeSuccess:
		if q := message.Parse(packet); q.Kind == message.Refuse || len(m.Questions) != 1 {
			t.Fatalf("%x is answered: %+v", packet, m)
		}
	case dnsmessage.RCodeRefused:
		if len(answer) > len(packet) || len(m.Answers) > 0 {
			t.Fatalf("%x of %d bytes gets %d: %+v", packet, len(packet), len(answer), m)
		}
	default:
		t.Fatalf("%x gets %v", packet, m.RCode)
	}
}
