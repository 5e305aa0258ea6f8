package traffic

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv4"
)

// ear hears what Dispatcher answers nginx by DNS. That tells when nginx learned of a
// Pod, which no request shows: the Pod's turn comes later.
type ear struct {
	d  *dispatcher
	mu sync.Mutex
	// answers are those that were heard, in their order.
	answers []overheard
}

// overheard is a packet, without its IP header.
type overheard struct {
	at   time.Time
	text []byte
}

// listenIn gives an ear. It is deaf, and says so, if this test may not hear what
// other processes send, which takes CAP_NET_RAW.
func (d *dispatcher) listenIn() *ear {
	d.t.Helper()
	ip, _, err := net.SplitHostPort(d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	responder := netip.MustParseAddr(ip).As4()
	only, err := bpf.Assemble([]bpf.Instruction{ // what the responder sends
		bpf.LoadAbsolute{Off: 12, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(responder[:]), SkipFalse: 4},
		bpf.LoadMemShift{Off: 0},
		bpf.LoadIndirect{Off: 0, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 9252, SkipFalse: 1},
		bpf.RetConstant{Val: maxPacket},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	e := &ear{d: d}
	for _, network := range []string{"ip4:udp", "ip4:tcp"} {
		conn, err := net.ListenPacket(network, "0.0.0.0")
		if err != nil {
			d.t.Logf("NOT MEASURED: when nginx is told of endpoints: %v", err)
			return e
		}
		d.t.Cleanup(func() { _ = conn.Close() })
		if err := ipv4.NewPacketConn(conn).SetBPF(only); err != nil {
			d.t.Fatal(err)
		}
		go e.hear(conn)
	}
	return e
}

const maxPacket = 1 << 17

// hear notes what comes, until the connection is closed.
func (e *ear) hear(conn net.PacketConn) {
	for packet := make([]byte, maxPacket); ; {
		n, _, err := conn.ReadFrom(packet)
		if err != nil {
			return
		}
		e.mu.Lock()
		e.answers = append(e.answers, overheard{time.Now(), bytes.Clone(packet[:n])})
		e.mu.Unlock()
	}
}

// told says when nginx was told first that a Pod serves a path, after since; false if
// that was not heard.
func (e *ear) told(p *pod, host, path string, since time.Time) (at time.Time, ok bool) {
	e.d.t.Helper()
	conf := readFile(filepath.Join(e.d.work, "nginx.conf"))
	upstream := regexp.MustCompile(`for ` + regexp.QuoteMeta(host+path) + `\n *upstream (\S+) {`).FindStringSubmatch(conf)
	if upstream == nil {
		e.d.t.Fatalf("%s%s has no upstream", host, path)
	}
	target := hex.EncodeToString(netip.MustParseAddr(p.ip).AsSlice())
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range e.answers {
		if a.at.After(since) && bytes.Contains(a.text, []byte(upstream[1])) && bytes.Contains(a.text, []byte(target)) {
			return a.at, true
		}
	}
	return time.Time{}, false
}
