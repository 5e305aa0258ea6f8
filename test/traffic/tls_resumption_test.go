package traffic

import (
	"bufio"
	"crypto/tls"
	"net"
	"os"
	"strings"
	"testing"
)

// resumed counts the connections that resume a session, of three to each name.
func resumed(t *testing.T, config *tls.Config, address string, names ...string) (count int) {
	t.Helper()
	config.ClientSessionCache = tls.NewLRUClientSessionCache(16)
	for range 3 {
		for _, name := range names {
			config.ServerName = name
			conn, err := tls.Dial("tcp", address, config.Clone())
			if err != nil {
				t.Fatal(err)
			}
			// A session of TLS 1.3 comes after the handshake, with the answer at the latest.
			if a := exchange(conn, bufio.NewReader(conn), get(name, "/", "Connection: close")); a.Status == 0 {
				t.Fatal(a.Err)
			}
			if conn.ConnectionState().DidResume {
				count++
			}
			_ = conn.Close()
		}
	}
	return count
}

// TestResumption: DF20, DF23. No session is ever resumed, neither at its own host
// nor at another one: nginx would not ask for the certificates that the other one
// demands.
func TestResumption(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	clients := newClients(t)
	door := d.certified("shop", "one.dev", "two.dev", "clients.dev")
	door.Data["client.crt"] = []byte(clients.ca.PEM())
	d.apply(hosts(namespace("shop"), map[string]option{"one.dev": overTLS(), "two.dev": overTLS(), "clients.dev": overTLS().clients("client.crt")}),
		door, newPod(t, "shop", "web", at("/")))
	d.run()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := func() *tls.Config {
			c := hello("", clients.alice)
			c.MinVersion, c.MaxVersion = version, version
			return c
		}
		if n := resumed(t, config(), d.secure, "one.dev", "two.dev", "clients.dev"); n != 0 {
			t.Errorf("%s: %d sessions were resumed", tls.VersionName(version), n)
		}
		// A server that resumes shows that this test would see it.
		if n := resumed(t, config(), resuming(t, d), "one.dev", "two.dev"); n == 0 {
			t.Fatalf("%s: the test can't see a resumed session", tls.VersionName(version))
		}
	}
	session := d.beside("session")
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		for _, next := range []string{"one.dev", "two.dev", "unknown.dev"} {
			_ = os.Remove(session)
			first, err := tool(t, get("one.dev", "/", "Connection: close"), "openssl", "s_client", "-connect", d.secure, version, "-servername", "one.dev", "-ign_eof", "-sess_out", session)
			if err != nil || !strings.Contains(first, "New, TLSv1") {
				t.Fatalf("%s: %v\n%s", version, err, first)
			}
			if _, err := os.Stat(session); err != nil {
				continue // there is none, so none can be resumed
			}
			again, err := tool(t, "Q\n", "openssl", "s_client", "-connect", d.secure, version, "-servername", next, "-sess_in", session)
			if err != nil || !strings.Contains(again, "New, TLSv1") || strings.Contains(again, "Reused") {
				t.Errorf("%s, then %s: %v\n%s", version, next, err, again)
			}
		}
	}
}

// resuming starts a server that resumes sessions.
func resuming(t *testing.T, d *dispatcher) (address string) {
	t.Helper()
	chain, key := d.ca.Server(t, []string{"one.dev", "two.dev"})
	listener, err := tls.Listen("tcp", newLoopback()+":0", &tls.Config{Certificates: []tls.Certificate{pair(t, chain, key)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func(conn net.Conn) {
				defer conn.Close()
				if _, err := conn.Read(make([]byte, 4096)); err == nil {
					_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
				}
			}(conn)
		}
	}()
	return listener.Addr().String()
}
