package message

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// ask makes a query as nginx does.
func ask(t testing.TB, id uint16, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func TestParse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	v4, v6 := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		name string
		kind dnsmessage.Type
		want Query
	}{
		{"_http._tcp.shop.endpoints.internal.", dnsmessage.TypeSRV, Query{Kind: Endpoints, Service: "shop"}},
		{"_http._tcp." + long + ".endpoints.internal.", dnsmessage.TypeSRV, Query{Kind: Endpoints, Service: long}},
		{"0a010203.endpoints.internal.", dnsmessage.TypeA, Query{Kind: Address, Addr: v4}},
		{"0a010203.endpoints.internal.", dnsmessage.TypeAAAA, Query{Kind: Address, Addr: v4, V6: true}},
		{"20010db8000000000000000000000001.endpoints.internal.", dnsmessage.TypeAAAA, Query{Kind: Address, Addr: v6, V6: true}},
		{"web-0.shop.endpoints.internal.", dnsmessage.TypeA, Query{Kind: Identity, Target: "web-0", Service: "shop"}},
		{"0a010203.shop.endpoints.internal.", dnsmessage.TypeAAAA, Query{Kind: Identity, Target: "0a010203", Service: "shop", V6: true}},
		// Not ours.
		{"_http._tcp.shop.example.", dnsmessage.TypeSRV, Query{Kind: Refuse}},
		{"endpoints.internal.", dnsmessage.TypeSRV, Query{Kind: Refuse}},
		{".", dnsmessage.TypeSRV, Query{Kind: Refuse}},
		{"_http._tcp.endpoints.internal.", dnsmessage.TypeSRV, Query{Kind: Refuse}},
		{"_http._tcp.shop.xendpoints.internal.", dnsmessage.TypeSRV, Query{Kind: Refuse}},
		{"_https._tcp.shop.endpoints.internal.", dnsmessage.TypeSRV, Query{Kind: Refuse}},
		{"shop.endpoints.internal.", dnsmessage.TypeSRV, Query{Kind: Refuse}},
		{"_http._tcp.a.b.endpoints.internal.", dnsmessage.TypeSRV, Query{Kind: Refuse}},
		{"_http._tcp.Shop.endpoints.internal.", dnsmessage.TypeSRV, Query{Kind: Refuse}},
		{"_http._tcp.sh_op.endpoints.internal.", dnsmessage.TypeSRV, Query{Kind: Refuse}},
		{"_http._tcp.shop.endpoints.internal.", dnsmessage.TypeA, Query{Kind: Refuse}},
		{"_http._tcp.shop.endpoints.internal.", dnsmessage.TypeTXT, Query{Kind: Refuse}},
		{"0a010203.endpoints.internal.", dnsmessage.TypeALL, Query{Kind: Refuse}},
		// No address, or another spelling of one.
		{"shop.endpoints.internal.", dnsmessage.TypeA, Query{Kind: Refuse}},
		{"0A010203.endpoints.internal.", dnsmessage.TypeA, Query{Kind: Refuse}},
		{"0a01020.endpoints.internal.", dnsmessage.TypeA, Query{Kind: Refuse}},
		{"0a010203ff.endpoints.internal.", dnsmessage.TypeA, Query{Kind: Refuse}},
		{"00000000000000000000ffff0a010203.endpoints.internal.", dnsmessage.TypeAAAA, Query{Kind: Refuse}},
	} {
		c.want.ID, c.want.V6 = 0x1234, c.want.V6 || c.want.Kind == Refuse && c.kind == dnsmessage.TypeAAAA
		if got := Parse(ask(t, 0x1234, c.name, c.kind)); got != c.want {
			t.Errorf("%s %v is read as %+v, want %+v", c.name, c.kind, got, c.want)
		}
	}
}

// What isn't a query of one question is not answered, or refused in as many bytes.
func TestParseMalformed(t *testing.T) {
	t.Parallel()
	good := ask(t, 7, "_http._tcp.shop.endpoints.internal.", dnsmessage.TypeSRV)
	with := func(change func(b []byte) []byte) []byte { return change(append([]byte(nil), good...)) }
	for name, c := range map[string]struct {
		packet []byte
		want   Kind
	}{
		"good":              {good, Endpoints},
		"with EDNS":         {with(func(b []byte) []byte { b[11] = 1; return append(b, 0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0) }), Endpoints},
		"nothing":           {nil, Silence},
		"short":             {good[:11], Silence},
		"an answer":         {with(func(b []byte) []byte { b[2] |= 0x80; return b }), Silence},
		"a header":          {good[:12], Refuse},
		"half a question":   {good[:30], Refuse},
		"no question":       {with(func(b []byte) []byte { b[5] = 0; return b }), Refuse},
		"two questions":     {with(func(b []byte) []byte { b[5] = 2; return append(b, b[12:]...) }), Refuse},
		"one of two":        {with(func(b []byte) []byte { b[5] = 2; return b }), Refuse},
		"an update":         {with(func(b []byte) []byte { b[2] |= 5 << 3; return b }), Refuse},
		"another class":     {with(func(b []byte) []byte { b[len(b)-1] = 3; return b }), Refuse},
		"a pointer to self": {with(func(b []byte) []byte { return append(append(b[:12], 0xc0, 12), b[len(b)-4:]...) }), Refuse},
		"a dot in a label":  {with(func(b []byte) []byte { b[15] = '.'; return b }), Refuse},
		"a long name": {with(func(b []byte) []byte { // each pointer leads to the label before it
			return append(append(append(b[:12], 20), "aaaaaaaaaaaaaaaaaaaa"...), 0xc0, 12, 0, 1, 0, 1)
		}), Refuse},
	} {
		q := Parse(c.packet)
		if q.Kind != c.want || q.Kind != Silence && q.ID != 7 {
			t.Errorf("%s is read as %+v", name, q)
		}
		if c.want != Refuse {
			continue
		}
		answer := Refusal(c.packet)
		var p dnsmessage.Parser
		h, err := p.Start(answer)
		if err != nil || len(answer) > len(c.packet) || h.ID != 7 || !h.Response || h.RCode != dnsmessage.RCodeRefused {
			t.Errorf("%s: the refusal of %d bytes has %d: %+v, %v", name, len(c.packet), len(answer), h, err)
		}
	}
	if answer := Refusal(good[:5]); answer != nil {
		t.Errorf("%x has an answer", answer)
	}
}

// Every address has one name, and the name leads back to it.
func TestAddress(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"0.0.0.0", "10.1.2.3", "255.255.255.255", "::", "::1", "2001:db8::a", "fe80::1"} {
		a := netip.MustParseAddr(s)
		if back, ok := address(label(a)); !ok || back != a || !IsLabel(label(a)) {
			t.Errorf("%s is %s is %v", a, label(a), back)
		}
	}
}
