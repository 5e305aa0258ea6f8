package board

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/30x/dispatcher/pkg/discovery/internal/message"
	"github.com/30x/dispatcher/pkg/discovery/internal/targets"
)

const hold = 20 * time.Second

var nginx = netip.MustParseAddrPort("127.0.0.1:40000")

// play is a Board and its time.
type play struct {
	*Board
	t      *testing.T
	now    time.Time
	unsent map[netip.AddrPort]int
}

func newPlay(t *testing.T) *play {
	t.Helper()
	p := &play{t: t, now: time.Unix(1_000_000_000, 0)}
	p.Board = New(Options{Hold: hold, Empty: netip.MustParseAddrPort("127.0.0.1:503"),
		Rand:   func(n int64) int64 { return n - 1 },
		Unread: func() map[netip.AddrPort]int { return p.unsent }})
	return p
}

// pass lets time pass; nothing may be due before that.
func (p *play) pass(d time.Duration) { p.now = p.now.Add(d) }

// ask asks for a service, and says what is due.
func (p *play) ask(from netip.AddrPort, name string, id uint16) []string {
	p.Ask(p.now, from, message.Query{ID: id, Kind: message.Endpoints, Service: name})
	return p.due()
}

// host asks for the address of a target, and says what is due.
func (p *play) host(from netip.AddrPort, name, target string, id uint16) []string {
	p.Ask(p.now, from, message.Query{ID: id, Kind: message.Identity, Service: name, Target: target})
	return p.due()
}

// set sets services, and says what is due.
func (p *play) set(changed int, services ...Service) []string {
	p.t.Helper()
	if n := p.Set(p.now, services); n != changed {
		p.t.Errorf("%d services have changed, want %d", n, changed)
	}
	return p.due()
}

// due says what is sent: port, ID and the SRV records' ports or the addresses.
func (p *play) due() (out []string) {
	p.t.Helper()
	packets, next := p.Due(p.now, nil)
	for _, packet := range packets {
		out = append(out, fmt.Sprintf("%d: %s", packet.To.Port(), say(p.t, packet.Data)))
	}
	if !next.IsZero() && !next.After(p.now) {
		p.t.Errorf("something is still due: %v", next.Sub(p.now))
	}
	return out
}

func say(t *testing.T, answer []byte) string {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(answer); err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprint(binary.BigEndian.Uint16(answer))
	if m.Truncated {
		out += " truncated"
	}
	for _, a := range m.Answers {
		switch body := a.Body.(type) {
		case *dnsmessage.SRVResource:
			out += fmt.Sprintf(" %d", body.Port)
		case *dnsmessage.AResource:
			out += fmt.Sprintf(" %v", netip.AddrFrom4(body.A))
		}
	}
	return out
}

// on is a service with endpoints on these ports.
func on(name string, ports ...uint16) Service {
	s := Service{Name: name}
	for _, port := range ports {
		s.Endpoints = append(s.Endpoints, Endpoint{Addr: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port)})
	}
	return s
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %q is sent, want %q", what, got, want)
	}
}

// Who asks first is answered, and after that when there is news, or when the time
// is over.
func TestPark(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.set(1, on("a", 1))
	expect(t, "the first query", p.ask(nginx, "a", 1), "40000: 1 1")
	p.pass(time.Second)
	expect(t, "the next", p.ask(nginx, "a", 2))
	for range 3 {
		p.pass(5 * time.Second)
		expect(t, "again", p.ask(nginx, "a", 2))
	}
	expect(t, "news", p.set(1, on("a", 2)), "40000: 2 2")
	expect(t, "a lost answer", p.ask(nginx, "a", 2), "40000: 2 2")
	p.pass(time.Second)
	expect(t, "nothing new", p.ask(nginx, "a", 3))
	expect(t, "the same set", p.set(0, on("a", 2)))
	p.pass(hold - time.Millisecond)
	expect(t, "shortly before its time", p.due())
	p.pass(time.Millisecond)
	expect(t, "its time", p.due(), "40000: 3 2")
	expect(t, "news while none asks", p.set(1, on("a")))
	p.pass(time.Second)
	expect(t, "none", p.ask(nginx, "a", 4), "40000: 4 503")
	if s := p.Stats(p.now); s.Told != 3 || s.Took != time.Second || s.Lag != 0 || s.Answers != 5 || s.Held != 2 || s.Woken != 1 || s.Expired != 1 || s.Clients != 1 || s.Parked != 0 || s.Behind != 0 {
		t.Errorf("the Stats are %+v", s)
	}
}

// Each client, and each service, is told for itself.
func TestClients(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	old, next := nginx, netip.MustParseAddrPort("127.0.0.1:40001")
	p.set(2, on("a", 1), on("b", 9))
	expect(t, "old", p.ask(old, "a", 1), "40000: 1 1")
	expect(t, "old, b", p.ask(old, "b", 1), "40000: 1 9")
	expect(t, "new", p.ask(next, "a", 1), "40001: 1 1")
	p.pass(time.Second)
	expect(t, "parked", append(append(p.ask(old, "a", 2), p.ask(next, "a", 3)...), p.ask(old, "b", 4)...))
	expect(t, "news", p.set(1, on("b", 9), on("a", 2)), "40000: 2 2", "40001: 3 2")
	p.pass(time.Second)
	expect(t, "the other", p.set(1, on("b", 8), on("a", 2)), "40000: 4 8")
}

// A new query while one is parked is not from the nginx that sent that one, or
// nginx has given up: nothing that it was told before counts.
func TestAnotherOnThePort(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.set(3, on("a", 1), on("b", 2), on("c", 3))
	for i, name := range []string{"a", "b", "c"} {
		p.ask(nginx, name, uint16(i))
	}
	p.pass(time.Second)
	expect(t, "parked", append(p.ask(nginx, "a", 10), p.ask(nginx, "b", 11)...))
	p.pass(time.Second)
	expect(t, "another", p.ask(nginx, "a", 20), "40000: 20 1", "40000: 11 2")
	expect(t, "its next", p.ask(nginx, "b", 21), "40000: 21 2")
	expect(t, "its last", p.ask(nginx, "c", 22), "40000: 22 3")
}

// Who comes long after an answer may not have got it.
func TestLate(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.set(1, on("a", 1))
	p.ask(nginx, "a", 1)
	p.pass(trust)
	expect(t, "late", p.ask(nginx, "a", 2), "40000: 2 1")
}

// Before the first Set nobody is answered, but remembered; afterwards that is so for
// names that are not in the set.
func TestUnknown(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	expect(t, "before", append(p.ask(nginx, "a", 1), p.ask(nginx, "old", 2)...))
	p.pass(5 * time.Second)
	expect(t, "again", append(p.ask(nginx, "a", 1), p.ask(nginx, "old", 2)...))
	expect(t, "the first Set", p.set(2, on("a", 1), on("b", 2)), "40000: 1 1")
	if s := p.Stats(p.now); s.Known != 2 || s.Waiting != 1 || s.Parked != 0 || s.Behind != 1 || p.Fetched("b") || !p.Fetched("a") || p.Fetched("old") {
		t.Errorf("the Stats are %+v", s)
	}
	expect(t, "it comes", p.set(1, on("a", 1), on("b", 2), on("old", 3)), "40000: 2 3")
	p.pass(time.Second)
	expect(t, "parked", p.ask(nginx, "old", 4))
	expect(t, "it goes", p.set(1, on("a", 1), on("b", 2)))
	p.pass(5 * time.Second)
	expect(t, "it is gone", p.ask(nginx, "old", 4))
	expect(t, "it is back as it was", p.set(1, on("a", 1), on("b", 2), on("old", 3)), "40000: 4 3")
	p.set(1, on("a", 1), on("b", 2))
	p.pass(time.Second)
	p.ask(nginx, "old", 5)
	p.pass(patience)
	expect(t, "nobody has asked for long", p.due())
	if s := p.Stats(p.now); s.Waiting != 0 || len(p.services) != 2 || s.Behind != 1 || s.Lag < patience {
		t.Errorf("the Stats are %+v", s)
	}
}

// An answer that is too long for UDP counts when it was fetched by TCP.
func TestTCP(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	ports := make([]uint16, 200)
	for i := range ports {
		ports[i] = uint16(i + 1)
	}
	p.set(1, on("a", ports...))
	expect(t, "UDP", p.ask(nginx, "a", 1), "40000: 1 truncated")
	p.pass(time.Second)
	expect(t, "it was not fetched", p.ask(nginx, "a", 2), "40000: 2 truncated")
	if p.Fetched("a") {
		t.Error("it counts as fetched")
	}
	query := message.Query{ID: 2, Kind: message.Endpoints, Service: "a"}
	if answer := say(t, p.AskTCP(p.now, nginx.Addr(), query)); len(answer) < 600 || !p.Fetched("a") {
		t.Errorf("by TCP %s", answer)
	}
	p.pass(time.Second)
	expect(t, "nothing new", p.ask(nginx, "a", 3))
	query.Service = "b"
	if answer := p.AskTCP(p.now, nginx.Addr(), query); answer != nil {
		t.Errorf("what is unknown is answered with %x", answer)
	}
}

// A target's address is the newest. When it goes, nginx still gets the last one, as
// it waits for all addresses of an answer.
func TestTargets(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	at := func(addr string) Service {
		return Service{Name: "a", Endpoints: []Endpoint{{Addr: netip.MustParseAddrPort(addr + ":80"), Target: "web-0"}}}
	}
	expect(t, "unknown", p.host(nginx, "a", "web-0", 1))
	p.set(1, at("10.0.0.1"))
	expect(t, "the service", p.ask(nginx, "a", 2), "40000: 2 80")
	expect(t, "its target", p.host(nginx, "a", "web-0", 3), "40000: 3 10.0.0.1")
	expect(t, "another's", p.host(nginx, "b", "web-0", 4))
	p.pass(time.Second)
	expect(t, "parked", p.ask(nginx, "a", 5))
	expect(t, "it moves", p.set(1, at("10.0.0.2")), "40000: 5 80")
	expect(t, "its address", p.host(nginx, "a", "web-0", 6), "40000: 6 10.0.0.2")
	p.pass(time.Second)
	expect(t, "parked again", p.ask(nginx, "a", 7))
	expect(t, "it moves again", p.set(1, at("10.0.0.3")), "40000: 7 80")
	p.pass(time.Second)
	expect(t, "nginx had an address, and did not ask", p.ask(nginx, "a", 8), "40000: 8 80")
	p.pass(time.Second)
	expect(t, "once is enough", p.ask(nginx, "a", 9))
	expect(t, "it goes", p.set(1, on("a", 81)), "40000: 9 81")
	expect(t, "its last address", p.host(nginx, "a", "web-0", 10), "40000: 10 10.0.0.3")
	p.pass(targets.Lingering + time.Second)
	p.set(1, on("a", 82))
	expect(t, "long after", p.host(nginx, "a", "web-0", 11))
}
