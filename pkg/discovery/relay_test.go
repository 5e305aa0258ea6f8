package discovery_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/30x/dispatcher/pkg/discovery/internal/message"
)

// relay carries UDP packets between one nginx and the Responder, and loses some.
type relay struct {
	addr netip.AddrPort // nginx's resolver

	mu   sync.Mutex
	lose func(q message.Query, answer bool) bool
}

func newRelay(t testing.TB, to netip.AddrPort) *relay {
	t.Helper()
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(freeAddr(t)))
	if err != nil {
		t.Fatal(err)
	}
	back, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: front.LocalAddr().(*net.UDPAddr).AddrPort()}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { _, _ = front.Close(), back.Close() })
	var nginx netip.AddrPort
	wg.Go(func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := front.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			r.mu.Lock()
			nginx = from
			r.mu.Unlock()
			if !r.loses(buf[:n], false) {
				_, _ = back.Write(buf[:n])
			}
		}
	})
	wg.Go(func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := back.Read(buf)
			if err != nil {
				if _, _, closed := front.ReadFromUDPAddrPort(nil); closed != nil {
					return
				}
				continue
			}
			if r.loses(buf[:n], true) {
				continue
			}
			r.mu.Lock()
			to := nginx
			r.mu.Unlock()
			_, _ = front.WriteToUDPAddrPort(buf[:n], to)
		}
	})
	return r
}

func (r *relay) loses(packet []byte, answer bool) bool {
	r.mu.Lock()
	lose := r.lose
	r.mu.Unlock()
	if lose == nil {
		return false
	}
	packet = append([]byte(nil), packet...)
	packet[2] &^= 0x80 // so that an answer is read as its query
	return lose(message.Parse(packet), answer)
}

// loseIf replaces the rule; it is called for each packet, from two goroutines.
func (r *relay) loseIf(lose func(q message.Query, answer bool) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lose = lose
}
