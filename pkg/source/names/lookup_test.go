package names

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// EX9: addresses of both kinds are found, by way of aliases, in whatever order they
// come, and count for the shortest TTL of what they hang on.
func TestLookup(t *testing.T) {
	t.Parallel()
	z := &zone{}
	r := &Resolver{Servers: []netip.AddrPort{z.serve(t)}}
	many := make([]record, 300)
	for i := range many {
		many[i] = record{"a.example.com", "A", fmt.Sprintf("192.0.%d.%d", i/200, i%200), 60}
	}
	for _, tc := range []struct {
		name    string
		records []record
		v4, v6  string // addresses and TTL, or the error
	}{
		{"none", nil, "[] 0s", "[] 0s"},
		{"one", []record{{"a.example.com", "A", "192.0.2.1", 60}}, "[192.0.2.1] 1m0s", "[] 0s"},
		{"sorted, each once", []record{{"a.example.com", "A", "192.0.2.2", 60}, {"A.Example.COM", "A", "192.0.2.1", 30}, {"a.example.com", "A", "192.0.2.2", 90}}, "[192.0.2.1 192.0.2.2] 30s", "[] 0s"},
		{"both kinds", []record{{"a.example.com", "A", "192.0.2.1", 60}, {"a.example.com", "AAAA", "2001:db8::1", 7}}, "[192.0.2.1] 1m0s", "[2001:db8::1] 7s"},
		{"aliases", []record{{"c.example.net", "A", "192.0.2.1", 60}, {"b.example.net", "CNAME", "c.example.net", 5}, {"a.example.com", "CNAME", "B.example.net", 10}}, "[192.0.2.1] 5s", "[] 0s"},
		{"others' records", []record{{"a.example.com", "A", "192.0.2.1", 60}, {"b.example.com", "A", "127.0.0.1", 1}, {"b.example.com", "CNAME", "d.example.com", 1}}, "[192.0.2.1] 1m0s", "[] 0s"},
		{"an alias of nothing", []record{{"a.example.com", "CNAME", "b.example.com", 10}}, "[] 0s", "[] 0s"},
		{"an alias of itself", []record{{"a.example.com", "CNAME", "b.example.com", 10}, {"b.example.com", "CNAME", "a.example.com", 10}}, "it is an alias of an alias, without end", "it is an alias of an alias, without end"},
		{"an IPv4 address in disguise", []record{{"a.example.com", "AAAA", "::ffff:192.0.2.1", 60}}, "[] 0s", "[192.0.2.1] 1m0s"},
	} {
		z.set(tc.records...)
		v4, v6 := r.lookup(t.Context(), "a.example.com")
		for i, got := range []answer{v4, v6} {
			want := []string{tc.v4, tc.v6}[i]
			if text := fmt.Sprint(got.addrs, " ", got.ttl*time.Duration(min(1, len(got.addrs)))); text != want && (got.err == nil || !strings.HasSuffix(got.err.Error(), want)) {
				t.Errorf("%s: got %s, %v; want %s", tc.name, text, got.err, want)
			}
		}
		if got := z.questions(); len(tc.records) > 0 && tc.records[0].kind != "CNAME" && len(got) != 2 {
			t.Errorf("%s: asked %q, want two questions", tc.name, got)
		}
	}

	// What does not fit into a packet is asked for by TCP; the number is bounded.
	z = &zone{large: true}
	z.set(many...)
	r.Servers = []netip.AddrPort{z.serve(t)}
	v4, _ := r.lookup(t.Context(), "a.example.com")
	if len(v4.addrs) != maxAddrs || v4.err != nil {
		t.Errorf("by TCP: %d addresses, %v", len(v4.addrs), v4.err)
	}
	got := z.questions()
	slices.Sort(got)
	if want := []string{"tcp a.example.com A", "tcp a.example.com AAAA", "udp a.example.com A", "udp a.example.com AAAA"}; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
}

// Packets that do not answer the question are passed over: anybody could send them.
func TestStrayPackets(t *testing.T) {
	t.Parallel()
	z := &zone{stray: true}
	z.set(record{"a.example.com", "A", "192.0.2.1", 60})
	r := &Resolver{Servers: []netip.AddrPort{z.serve(t)}}
	v4, v6 := r.lookup(t.Context(), "a.example.com")
	if fmt.Sprint(v4.addrs, v6.addrs) != "[192.0.2.1] []" || v4.err != nil || v6.err != nil {
		t.Errorf("got %+v, %+v", v4, v6)
	}
}

// A name that does not exist has no addresses; a server that fails, refuses or is not
// there makes way for the next, which is asked first from then on.
func TestServersFail(t *testing.T) {
	t.Parallel()
	broken, well := &zone{}, &zone{}
	broken.fail("", dnsmessage.RCodeServerFailure)
	well.set(record{"a.example.com", "A", "192.0.2.1", 60})
	gone, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	r := &Resolver{Servers: []netip.AddrPort{broken.serve(t), gone.LocalAddr().(*net.UDPAddr).AddrPort(), well.serve(t)}}
	for range 2 {
		v4, _ := r.lookup(t.Context(), "a.example.com")
		if fmt.Sprint(v4.addrs) != "[192.0.2.1]" || v4.err != nil {
			t.Fatalf("got %+v", v4)
		}
	}
	if n := len(broken.questions()); n > 2 {
		t.Errorf("the broken server was asked %d times: the one that answers is not asked first", n)
	}
	well.fail("", dnsmessage.RCodeNameError)
	if v4, v6 := r.lookup(t.Context(), "b.example.com"); v4.err != nil || v6.err != nil || len(v4.addrs)+len(v6.addrs) > 0 {
		t.Errorf("a name that does not exist: %+v, %+v", v4, v6)
	}
	well.fail("", dnsmessage.RCodeRefused)
	v4, _ := r.lookup(t.Context(), "a.example.com")
	if v4.err == nil || !strings.Contains(v4.err.Error(), " for A: ") {
		t.Errorf("got %+v", v4)
	}
	r = &Resolver{Servers: r.Servers[1:2]}
	if v4, _ := r.lookup(t.Context(), "a.example.com"); v4.err == nil || !strings.Contains(v4.err.Error(), "refused") {
		t.Errorf("nobody is there: %+v", v4)
	}
	for _, name := range []string{"a..example.com", strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 130)} {
		if v4, _ := r.lookup(t.Context(), name); v4.err == nil {
			t.Errorf("%.20s…: no error", name)
		}
	}
}

// The servers are those of resolv.conf; search domains don't count, and a file that
// can't be read is an error for each name.
func TestResolvConf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "resolv.conf")
	r := &Resolver{ResolvConf: path}
	if v4, _ := r.lookup(t.Context(), "a.example.com"); v4.err == nil {
		t.Error("no file, and no error")
	}
	for text, want := range map[string]string{
		"# nameserver 192.0.2.9\nsearch a.b c\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # x\nnameserver x\noptions ndots:5\n": "[192.0.2.1:53 [2001:db8::1]:53]",
		"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4":                                   "[192.0.2.1:53 192.0.2.2:53 192.0.2.3:53]",
		"search a.b\n": "[]",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := r.servers()
		if fmt.Sprint(got) != want || (err != nil) != (want == "[]") {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
}

// Whatever a server sends, it is read or refused, and there are not too many addresses.
func FuzzRead(f *testing.F) {
	q := dnsmessage.Question{Name: dnsmessage.MustNewName("a.example.com."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}
	good := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, Response: true}, Questions: []dnsmessage.Question{q}, Answers: []dnsmessage.Resource{
		record{"a.example.com", "CNAME", "b.example.com", 5}.resource(), record{"b.example.com", "A", "192.0.2.1", 60}.resource(),
	}}
	packet, err := good.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packet)
	f.Fuzz(func(t *testing.T, packet []byte) {
		a, _, ours, err := read(packet, 7, q)
		if !ours && (err != nil || len(a.addrs) > 0) || len(a.addrs) > maxAddrs || err != nil && len(a.addrs) > 0 {
			t.Errorf("got %+v, %t, %v", a, ours, err)
		}
	})
}
