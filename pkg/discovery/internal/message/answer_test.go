package message

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// unpack reads an answer, of which it expects what nginx does: the bits of
// ngx_resolver_process_response.
func unpack(t *testing.T, answer []byte, id uint16) dnsmessage.Message {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(answer); err != nil {
		t.Fatalf("%x: %v", answer, err)
	}
	if flags := binary.BigEndian.Uint16(answer[2:]); flags&0xf870 != 0x8000 || m.ID != id || len(m.Questions) != 1 || m.RCode != 0 {
		t.Fatalf("nginx does not take %+v", m)
	}
	return m
}

func TestServices(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort
	endpoints := []Endpoint{
		{Addr: at("10.1.2.3:8080"), Weight: 1, Priority: 7},
		{Addr: at("[2001:db8::1]:80"), Weight: 65535},
		{Addr: at("10.1.2.4:65535"), Weight: 3, Target: "web-0"},
	}
	m := unpack(t, WithID(Services("shop", endpoints), 0xabcd), 0xabcd)
	var got []string
	for _, a := range m.Answers {
		srv := a.Body.(*dnsmessage.SRVResource)
		got = append(got, fmt.Sprintf("%s %d %v: %d %d %s:%d", a.Header.Name, a.Header.TTL, a.Header.Class, srv.Priority, srv.Weight, srv.Target, srv.Port))
	}
	const name = "_http._tcp.shop.endpoints.internal. 0 ClassINET: "
	want := []string{ // by priority, else as they came
		name + "0 65535 20010db8000000000000000000000001.endpoints.internal.:80",
		name + "0 3 web-0.shop.endpoints.internal.:65535",
		name + "7 1 0a010203.endpoints.internal.:8080",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, a := range m.Answers { // each target is one that Parse knows
		target := a.Body.(*dnsmessage.SRVResource).Target.String()
		if q := Parse(ask(t, 1, target, dnsmessage.TypeA)); q.Kind != Address && q.Kind != Identity {
			t.Errorf("%s is read as %+v", target, q)
		}
	}
}

// An answer has room for so many endpoints, and never more bytes than a message can
// have; what goes first is what has the lowest priority.
func TestServicesRoom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, label string
		least, most int // that fit
		address     func(i int) netip.Addr
		target      string
		udp         int // that fit by UDP
	}{
		{kind: "IPv4", label: "shop", least: 2200, most: 2300, address: ipv4, udp: 139},
		{kind: "IPv6", label: "shop", least: 1200, most: 1300, address: ipv6, udp: 76},
		{kind: "long targets", label: strings.Repeat("a", 63), least: 770, most: 790, address: ipv4, target: strings.Repeat("t", 58), udp: 47},
	} {
		endpoints := make([]Endpoint, 3000)
		for i := range endpoints {
			endpoints[i] = Endpoint{Addr: netip.AddrPortFrom(c.address(i), 80), Weight: 1, Priority: uint16(3000 - i)}
			if c.target != "" {
				endpoints[i].Target = fmt.Sprintf("%s-%04d", c.target, i)
			}
		}
		n := Fit(c.label, endpoints)
		answer := Services(c.label, endpoints)
		m := unpack(t, answer, 0)
		if n < c.least || n > c.most || len(m.Answers) != n || len(answer) > MaxTCP || m.Answers[0].Body.(*dnsmessage.SRVResource).Priority != 1 {
			t.Errorf("%s: %d fit, there are %d in %d bytes", c.kind, n, len(m.Answers), len(answer))
		}
		if full := len(Services(c.label, endpoints[:n])); full != len(answer) {
			t.Errorf("%s: %d endpoints have %d and %d bytes", c.kind, n, full, len(answer))
		}
		if fit, more := len(Services(c.label, endpoints[:c.udp])), len(Services(c.label, endpoints[:c.udp+1])); fit > MaxUDP || more <= MaxUDP {
			t.Errorf("%s: %d endpoints have %d bytes, one more %d", c.kind, c.udp, fit, more)
		}
	}
}

func ipv4(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }

func ipv6(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i)})
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	m := unpack(t, Truncated(9, "shop"), 9)
	if !m.Truncated || len(m.Answers) != 0 || m.Questions[0].Name.String() != "_http._tcp.shop.endpoints.internal." || m.Questions[0].Type != dnsmessage.TypeSRV {
		t.Errorf("it is %+v", m)
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	v4, v6 := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		query Query
		addr  netip.Addr
		want  string
	}{
		{Query{Kind: Address, Addr: v4}, v4, "0a010203.endpoints.internal. 3600 dnsmessage.AResource{A: [4]byte{10, 1, 2, 3}}"},
		{Query{Kind: Address, Addr: v4, V6: true}, v4, ""},
		{Query{Kind: Address, Addr: v6}, v6, ""},
		{Query{Kind: Identity, Target: "web-0", Service: "shop"}, v4, "web-0.shop.endpoints.internal. 0 dnsmessage.AResource{A: [4]byte{10, 1, 2, 3}}"},
		{Query{Kind: Identity, Target: "web-0", Service: "shop", V6: true}, v4, ""},
		{Query{Kind: Identity, Target: "web-0", Service: "shop"}, v6, ""},
	} {
		c.query.ID = 3
		m := unpack(t, Host(c.query, c.addr), 3)
		got := ""
		for _, a := range m.Answers {
			got += fmt.Sprintf("%s %d %s", a.Header.Name, a.Header.TTL, a.Body.GoString())
		}
		if got != c.want {
			t.Errorf("%+v is answered with %q, want %q", c.query, got, c.want)
		}
	}
	m := unpack(t, Host(Query{Kind: Address, Addr: v6, V6: true}, v6), 0)
	if len(m.Answers) != 1 || m.Answers[0].Body.(*dnsmessage.AAAAResource).AAAA != v6.As16() || m.Answers[0].Header.TTL != 3600 {
		t.Errorf("the IPv6 address is answered with %+v", m)
	}
}
