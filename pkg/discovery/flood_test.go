package discovery_test

import (
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/30x/dispatcher/pkg/discovery"
)

// While others on the machine send some ten thousand queries a second, nginx is
// told of changes, and memory does not grow.
func TestFlood(t *testing.T) {
	p := pods(t, 2)
	b := newBed(t, conf{upstreams: []string{"a"}}, service("a", p[0]))
	b.settled(1)
	var packets [][]byte
	for _, name := range []string{"_http._tcp.a.endpoints.internal.", "_http._tcp.b.endpoints.internal.", "0a000001.endpoints.internal.", "x.a.endpoints.internal.", "example.com."} {
		packets = append(packets, query(t, 1, name, dnsmessage.TypeSRV), query(t, 1, name, dnsmessage.TypeA))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() {
		r := rand.New(rand.NewPCG(1, 1))
		for open := true; open; {
			conn, err := net.Dial("udp", b.opts.Addr.String())
			if err != nil {
				t.Error(err)
				return
			}
			for range 20 {
				packet := slices.Clone(packets[r.IntN(len(packets))])
				packet[0], packet[1] = byte(r.Uint32()), byte(r.Uint32())
				if i := slices.Index(packet, 'b'); i > 0 && r.IntN(2) == 0 {
					packet[i] = byte('c' + r.IntN(20))
				}
				_, _ = conn.Write(packet)
			}
			_ = conn.Close()
			select { // faster than the Responder reads, the kernel would drop nginx's queries, too
			case <-stop:
				open = false
			case <-time.After(time.Millisecond):
			}
		}
	})
	var took []time.Duration
	for i := range 5 {
		time.Sleep(1500 * time.Millisecond) // nginx asks 1 s after each answer
		to := p[(i+1)%2]
		b.responder.Set([]discovery.Service{service("a", to)})
		took = append(took, b.answers("a", 200, to.String()))
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s := b.responder.Stats()
	t.Logf("changes took %v; %d MB; %+v", took, m.HeapAlloc>>20, s)
	slices.Sort(took)
	if took[len(took)/2] > time.Second || s.Dropped == 0 || s.Clients > 1024 || m.HeapAlloc > 256<<20 {
		t.Error("the flood was felt")
	}
}
