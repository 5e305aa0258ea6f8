package discovery

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// What a connected socket has not read is seen, in both families, and nothing of
// others.
func TestUnread(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/net/udp6"); err != nil {
		t.Skipf("this system does not tell: %v", err)
	}
	for _, host := range []string{"127.0.0.1", "127.9.8.7", "::1"} {
		server, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		local := addrPort(server.LocalAddr())
		var clients []netip.AddrPort
		for range 2 {
			client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(local))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			clients = append(clients, addrPort(client.LocalAddr()))
		}
		for range 10 {
			if _, err := server.WriteToUDPAddrPort(make([]byte, 100), clients[0]); err != nil {
				t.Fatal(err)
			}
		}
		deadline := time.Now().Add(10 * time.Second)
		for unread(local)[clients[0]] < 1000 {
			if time.Now().After(deadline) {
				t.Fatalf("%s: 1000 bytes are not read, and the system tells of %v", host, unread(local))
			}
		}
		if n, ok := unread(local)[clients[1]]; n != 0 || !ok || len(unread(local)) != 2 {
			t.Errorf("%s: the system tells of %v", host, unread(local))
		}
	}
}

// Whatever a table holds, it is read without harm.
func TestParseSockets(t *testing.T) {
	t.Parallel()
	remote := netip.MustParseAddrPort("127.0.0.1:53")
	for _, table := range []string{"", "\n", "a b c", "a b c d e", "0: 0100007F:1 0100007F:0035 01 0:g", "0: 0100007F:FFFFF 0100007F:0035 01 0:1", "0: : : : :"} {
		if got := parseSockets([]byte(table), remote); len(got) != 0 {
			t.Errorf("%q tells of %v", table, got)
		}
	}
}
