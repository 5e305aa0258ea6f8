package discovery

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/30x/dispatcher/pkg/discovery/internal/board"
)

// wire stands for a UDP socket.
type wire struct {
	in     chan board.Packet // To is who sends it
	closed chan struct{}
	once   sync.Once

	mu  sync.Mutex
	out []board.Packet
}

func newWire() *wire { return &wire{in: make(chan board.Packet), closed: make(chan struct{})} }

func (w *wire) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-w.in:
		return copy(b, p.Data), p.To, nil
	case <-w.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (w *wire) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = append(w.out, board.Packet{To: to, Data: append([]byte(nil), b...)})
	return len(b), nil
}

func (w *wire) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53} }

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

// answers takes what was sent: the client's port, the ID, the code unless it is 0,
// and the ports of SRV records.
func (w *wire) answers(t *testing.T) string {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, p := range w.out {
		var m dnsmessage.Message
		if err := m.Unpack(p.Data); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%d:%d", p.To.Port(), m.ID)
		if m.RCode != 0 {
			text += " refused"
		}
		for _, a := range m.Answers {
			if srv, ok := a.Body.(*dnsmessage.SRVResource); ok {
				text += fmt.Sprintf(" %d", srv.Port)
			}
		}
		out = append(out, text)
	}
	w.out = nil
	return strings.Join(out, ", ")
}

// scene is a Responder whose clients the test plays.
type scene struct {
	*Responder
	*wire
	t   *testing.T
	log strings.Builder
}

func playScene(t *testing.T, act func(s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{wire: newWire(), t: t}
		s.Responder = newResponder(Options{Hold: 20 * time.Second, Empty: netip.MustParseAddrPort("127.0.0.1:503"), Log: slog.New(slog.NewTextHandler(&s.log, nil))}, s.wire, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		act(s)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// ask asks for a service, from a port of this machine.
func (s *scene) ask(port, id uint16, name string) {
	s.send(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), query(s.t, id, "_http._tcp."+name+".endpoints.internal.", dnsmessage.TypeSRV))
}

func (s *scene) send(from netip.AddrPort, packet []byte) {
	s.in <- board.Packet{To: from, Data: packet}
	synctest.Wait()
}

func query(t testing.TB, id uint16, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func (s *scene) expect(what, want string) {
	s.t.Helper()
	if got := s.answers(s.t); got != want {
		s.t.Errorf("%s: %q is sent, want %q", what, got, want)
	}
}

func on(name string, port uint16) Service {
	return Service{Name: name, Endpoints: []Endpoint{{Addr: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port)}}}
}

// A query is parked until there is news, which goes out at once, or until the hold
// is over, which is not the same for all.
func TestParked(t *testing.T) {
	t.Parallel()
	playScene(t, func(s *scene) {
		s.ask(1, 1, "a")
		s.expect("before the first Set", "")
		s.Set([]Service{on("a", 1)})
		s.expect("at the first Set", "1:1 1")
		time.Sleep(time.Second)
		s.ask(1, 2, "a")
		time.Sleep(5 * time.Second)
		s.ask(1, 2, "a")
		s.expect("parked", "")
		s.Set([]Service{on("a", 2)})
		s.expect("news", "1:2 2")
		s.ask(1, 2, "a")
		s.expect("a lost answer", "1:2 2")
		seen := map[time.Duration]bool{}
		for id := range uint16(30) {
			time.Sleep(time.Second)
			s.ask(1, 100+id, "a")
			began := time.Now()
			for n := 0; ; n++ {
				time.Sleep(100 * time.Millisecond)
				if n%50 == 49 {
					s.ask(1, 100+id, "a") // as nginx does
				}
				if got := s.answers(t); got != "" {
					break
				}
			}
			took := time.Since(began)
			seen[took.Truncate(time.Second)] = true
			if took < 10*time.Second || took > 20*time.Second+100*time.Millisecond {
				t.Errorf("it was parked for %v", took)
			}
		}
		if len(seen) < 4 {
			t.Errorf("the holds are %v", seen)
		}
	})
}

// What is not ours is refused, what nobody knows or isn't from here is ignored.
func TestForeign(t *testing.T) {
	t.Parallel()
	playScene(t, func(s *scene) {
		s.Set([]Service{on("a", 1)})
		here := netip.MustParseAddrPort("127.0.0.1:1")
		s.send(here, query(t, 1, "example.com.", dnsmessage.TypeA))
		s.expect("foreign", "1:1 refused")
		s.ask(1, 2, "b")
		s.expect("unknown", "")
		s.send(netip.MustParseAddrPort("192.0.2.1:1"), query(t, 3, "_http._tcp.a.endpoints.internal.", dnsmessage.TypeSRV))
		s.send(here, append(query(t, 4, "_http._tcp.a.endpoints.internal.", dnsmessage.TypeSRV), make([]byte, maxQuery)...))
		s.send(here, []byte("hello"))
		s.expect("not from here, too long, no query", "")
		s.send(netip.MustParseAddrPort("[::ffff:127.0.0.1]:5"), query(t, 5, "_http._tcp.a.endpoints.internal.", dnsmessage.TypeSRV))
		s.expect("from here, written in another way", "5:5 1")
		if got := s.Stats(); got.Refused != 1 || got.Ignored != 3 || got.Waiting != 1 {
			t.Errorf("the Stats are %+v", got)
		}
	})
}

// Wait waits until all is told.
func TestWait(t *testing.T) {
	t.Parallel()
	playScene(t, func(s *scene) {
		s.Set([]Service{on("a", 1), on("b", 1)})
		done := make(chan error, 1)
		go func() { done <- s.Wait(s.t.Context()) }()
		s.ask(1, 1, "a")
		select {
		case err := <-done:
			t.Fatalf("it returned early: %v", err)
		default:
		}
		s.ask(1, 2, "b")
		if err := <-done; err != nil || !s.Fetched("a") || !s.Fetched("b") {
			t.Errorf("it returned %v", err)
		}
		s.Set([]Service{on("a", 2), on("b", 1)})
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
		defer cancel()
		if err := s.Wait(ctx); err == nil || s.Fetched("a") {
			t.Error("nobody has fetched the change, and it returned")
		}
		go func() { done <- s.Wait(s.t.Context()) }()
		synctest.Wait()
		s.Set([]Service{on("b", 1)})
		if err := <-done; err != nil {
			t.Errorf("what went is waited for: %v", err)
		}
	})
}

// What is dropped or left out is logged, once a minute.
func TestLogged(t *testing.T) {
	t.Parallel()
	playScene(t, func(s *scene) {
		for i := range uint16(5) {
			s.Set([]Service{{Name: fmt.Sprintf("no name %d", i)}, on("a", 1)})
			for range 30 {
				time.Sleep(time.Second)
				s.ask(1, i, "a")
			}
		}
		if lines := strings.Count(s.log.String(), "\n"); lines != 1 || !strings.Contains(s.log.String(), "endpoints_invalid=1") {
			t.Errorf("the log says %s", s.log.String())
		}
	})
}
