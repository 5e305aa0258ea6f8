package traffic

import (
	"bufio"
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/internal/pki"
)

// clients are certificates of clients, and the authority that has signed them.
type clients struct {
	ca    *pki.Authority
	alice tls.Certificate
}

func newClients(t testing.TB) clients {
	t.Helper()
	ca := pki.NewAuthority(t, "authority of clients")
	chain, key := ca.Client(t, "alice")
	return clients{ca, pair(t, chain, key)}
}

// clientsWorld is a Dispatcher with hosts that demand certificates of clients:
// clients.dev, two.dev with two authorities, and deep.dev with an authority and
// one below it; secure.dev demands none, and plain.dev is without TLS.
func clientsWorld(t *testing.T) (d *dispatcher, web *pod, c clients, second, middle *pki.Authority) {
	t.Helper()
	d, web, c = prepareTLS(t), newPod(t, "shop", "web", at("/")), newClients(t)
	second, middle = pki.NewAuthority(t, "second authority"), c.ca.Intermediate(t, "middle")
	door := d.certified("shop", "clients.dev", "two.dev", "deep.dev", "secure.dev")
	door.Data["client.crt"] = []byte(c.ca.PEM())
	door.Data["two.crt"] = []byte("the old one\n" + c.ca.PEM() + second.PEM())
	door.Data["deep.crt"] = []byte(middle.PEM() + c.ca.PEM())
	d.apply(hosts(namespace("shop"), map[string]option{
		"clients.dev": overTLS().clients("client.crt"), "two.dev": overTLS().clients("two.crt"), "deep.dev": overTLS().clients("deep.crt"),
		"secure.dev": overTLS(), "plain.dev": {},
	}), door, web)
	d.run()
	return d, web, c, second, middle
}

// TestClientCertificates: DF23. Nobody comes to a Pod of a host that demands
// certificates but with one of its authorities', shown to that very host.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	d, web, c, second, middle := clientsWorld(t)
	client := func(ca *pki.Authority, options ...pki.Option) tls.Certificate {
		chain, key := ca.Client(t, "mallory", options...)
		return pair(t, chain, key)
	}
	cut := client(middle) // without the one in the middle
	cut.Certificate = cut.Certificate[:1]
	server := func(ca *pki.Authority) tls.Certificate {
		chain, key := ca.Server(t, []string{"clients.dev"})
		return pair(t, chain, key)
	}
	self, selfKey := pki.SelfSigned(t, "alice")
	other := pki.NewAuthority(t, "authority of clients") // of the same name
	const bad, misdirected = http.StatusBadRequest, http.StatusMisdirectedRequest
	own := []tls.Certificate{c.alice}
	for name, r := range map[string]struct {
		sni, host string
		own       []tls.Certificate
		status    int // 0: closed
	}{
		"no certificate":         {"clients.dev", "clients.dev", nil, bad},
		"self-signed":            {"clients.dev", "clients.dev", []tls.Certificate{pair(t, self, selfKey)}, bad},
		"another authority's":    {"clients.dev", "clients.dev", []tls.Certificate{client(second)}, bad},
		"authority of that name": {"clients.dev", "clients.dev", []tls.Certificate{client(other)}, bad},
		"expired":                {"clients.dev", "clients.dev", []tls.Certificate{client(c.ca, pki.Expires(time.Now().Add(-time.Minute)))}, bad},
		"not valid yet":          {"clients.dev", "clients.dev", []tls.Certificate{client(c.ca, pki.NotBefore(time.Now().Add(time.Minute)))}, bad},
		"a server's":             {"clients.dev", "clients.dev", []tls.Certificate{server(c.ca)}, bad},
		"the servers' authority": {"clients.dev", "clients.dev", []tls.Certificate{client(d.ca)}, bad},
		"chain cut":              {"clients.dev", "clients.dev", []tls.Certificate{cut}, bad},
		"expired, two":           {"two.dev", "two.dev", []tls.Certificate{client(second, pki.Expires(time.Now().Add(-time.Minute)))}, bad},
		"second is not deep":     {"deep.dev", "deep.dev", []tls.Certificate{client(second)}, bad},
		"self-signed, deep":      {"deep.dev", "deep.dev", []tls.Certificate{pair(t, self, selfKey)}, bad},
		// The certificate was shown to somebody else.
		"no name":                       {"", "clients.dev", own, misdirected},
		"no name, no certificate":       {"", "clients.dev", nil, misdirected},
		"unknown name":                  {"unknown.dev", "clients.dev", own, misdirected},
		"unknown name, no certificate":  {"unknown.dev", "clients.dev", nil, misdirected},
		"plain host's name":             {"plain.dev", "clients.dev", own, misdirected},
		"open host's name":              {"secure.dev", "clients.dev", own, misdirected},
		"open host's, no certificate":   {"secure.dev", "clients.dev", nil, misdirected},
		"another one's name":            {"two.dev", "clients.dev", own, misdirected},
		"another one's, no certificate": {"two.dev", "clients.dev", nil, misdirected},
		"another one's, its own":        {"two.dev", "clients.dev", []tls.Certificate{client(second)}, misdirected},
		"back to the open host":         {"clients.dev", "secure.dev", own, misdirected},
		"back, not verified":            {"clients.dev", "secure.dev", []tls.Certificate{client(second)}, misdirected},
		"back to a plain host":          {"clients.dev", "plain.dev", own, 0},
		"back to nowhere":               {"clients.dev", "unknown.dev", own, 0},
	} {
		if got := d.sendTLS(hello(r.sni, r.own...), get(r.host, "/", "Connection: close")); got.Status != r.status || r.status == 0 && !got.closed() {
			t.Errorf("%s: status %d, want %d; %v", name, got.Status, r.status, got.Err)
		}
		url := "https://" + r.sni + "/"
		if r.sni == "" {
			url = "https://127.0.0.1/" // clients don't send addresses as names
		}
		if got := fetch(d.web(hello("", r.own...), 2), url, r.host); got.Status != r.status || r.status == 0 && !got.closed() {
			t.Errorf("%s, over HTTP/2: status %d, want %d; %v", name, got.Status, r.status, got.Err)
		}
	}
	if got := d.try("clients.dev", "/"); got.Status != http.StatusPermanentRedirect {
		t.Errorf("on plain HTTP: %+v", got)
	}
	// However the host is written.
	for _, raw := range []string{
		"GET / HTTP/1.1\r\nHost: clients.dev:" + d.securePort() + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: CLIENTS.Dev\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: clients.dev.\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: clients.dev\r\n\r\n",
		"GET https://clients.dev/ HTTP/1.1\r\nHost: secure.dev\r\n\r\n",
		"GET https://clients.dev:1/ HTTP/1.1\r\nHost: clients.dev\r\n\r\n",
		"GET http://CLIENTS.dev/ HTTP/1.1\r\nHost: unknown.dev\r\n\r\n",
	} {
		if got := d.sendTLS(hello("clients.dev"), raw); got.Status != bad {
			t.Errorf("without a certificate: %q: status %d, %v", raw, got.Status, got.Err)
		}
		for _, sni := range []string{"secure.dev", "two.dev", "unknown.dev", ""} {
			if got := d.sendTLS(hello(sni, own...), raw); got.Status != misdirected {
				t.Errorf("with the name %q: %q: status %d, %v", sni, raw, got.Status, got.Err)
			}
		}
		if n := web.hits.Load(); n != 0 {
			t.Fatalf("%d refused requests have reached the Pod, the last one with %q", n, raw)
		}
		if got := d.sendTLS(hello("clients.dev", own...), raw); got.Pod != "web" {
			t.Errorf("with a certificate: %q: status %d, %v", raw, got.Status, got.Err)
		}
		web.hits.Store(0)
	}
	if got := d.sendTLS(hello("CLIENTS.dev"), get("clients.dev", "/")); got.Status != bad && got.Status != misdirected || web.hits.Load() != 0 {
		t.Errorf("name in upper case, no certificate: status %d, %v", got.Status, got.Err)
	}
	if got := d.sendTLS(hello("CLIENTS.dev", own...), get("clients.dev", "/")); got.Pod != "web" {
		t.Errorf("name in upper case: status %d, %v", got.Status, got.Err)
	}
	for _, raw := range []string{
		"GET /\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: secure.dev\r\nHost: clients.dev\r\n\r\n", "GET / HTTP/1.1\r\nHost: clients.dev\r\nHost: secure.dev\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [clients.dev]\r\n\r\n", "GET / HTTP/1.1\r\nHost: clients.dev..\r\n\r\n", "GET / HTTP/1.1\r\nHost: clients.dev\x00\r\n\r\n",
	} {
		web.hits.Store(0)
		for _, sni := range []string{"clients.dev", "secure.dev", "two.dev", "unknown.dev", ""} {
			if got := d.sendTLS(hello(sni), raw); got.Status != bad && got.Status != misdirected && !got.closed() || web.hits.Load() != 0 {
				t.Errorf("no host to tell, name %q: %q: status %d, %v", sni, raw, got.Status, got.Err)
			}
		}
	}
	// Those who may come in, and only they.
	strangeChain, strangeKey := c.ca.Client(t, "a,b\r\nX-Admin: 1")
	fromSecond := client(second)
	for _, r := range []struct {
		host    string
		own     tls.Certificate
		subject string
		issuer  string
	}{
		{"clients.dev", c.alice, "CN=alice", "CN=authority of clients"},
		{"clients.dev", pair(t, strangeChain, strangeKey), `CN=a\,b\0D\0AX-Admin: 1`, "CN=authority of clients"},
		{"two.dev", c.alice, "CN=alice", "CN=authority of clients"},
		{"two.dev", fromSecond, "CN=mallory", "CN=second authority"},
		{"deep.dev", c.alice, "CN=alice", "CN=authority of clients"},
		{"deep.dev", cut, "CN=mallory", "CN=middle"},
		{"clients.dev", client(middle), "CN=mallory", "CN=middle"}, // the client sends the one in the middle
	} {
		sum := sha1.Sum(r.own.Certificate[0])
		for version := 1; version <= 2; version++ {
			got := fetch(d.web(d.wary(r.own), version), "https://"+r.host+"/", "")
			for name, want := range map[string]string{"Subject": r.subject, "Issuer": r.issuer, "Fingerprint": hex.EncodeToString(sum[:])} {
				if text := strings.Join(got.Sent["X-Ssl-Client-"+name], "|"); got.Pod != "web" || text != want {
					t.Errorf("%s, HTTP/%d, %s: %q, want %q; status %d, %v", r.host, version, name, text, want, got.Status, got.Err)
				}
			}
		}
	}
}

// TestClientCertificatesOnOneConnection: DF23. What one request on a connection
// may, another host's on the same one may not.
func TestClientCertificatesOnOneConnection(t *testing.T) {
	t.Parallel()
	d, web, c, _, _ := clientsWorld(t)
	own := []tls.Certificate{c.alice}
	for _, r := range []struct {
		first string // also the name in the handshake
		own   []tls.Certificate
		next  string
		want  int
	}{
		{"clients.dev", own, "two.dev", http.StatusMisdirectedRequest},
		{"clients.dev", own, "secure.dev", http.StatusMisdirectedRequest},
		{"clients.dev", own, "plain.dev", 0},
		{"secure.dev", own, "clients.dev", http.StatusMisdirectedRequest},
		{"secure.dev", nil, "clients.dev", http.StatusMisdirectedRequest},
		{"secure.dev", nil, "unknown.dev", 0},
		{"clients.dev", own, "clients.dev", http.StatusOK},
	} {
		web.hits.Store(0)
		conn, err := d.dialTLS(hello(r.first, r.own...))
		if err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(conn)
		if got := exchange(conn, reader, get(r.first, "/")); got.Pod != "web" {
			t.Errorf("%s: status %d, %v", r.first, got.Status, got.Err)
		}
		got := exchange(conn, reader, get(r.next, "/", "X-SSL-Client-Subject: CN=alice"))
		if got.Status != r.want || r.want == 0 && !got.closed() {
			t.Errorf("%s after %s: status %d, %v", r.next, r.first, got.Status, got.Err)
		}
		if n := web.hits.Load(); n != 1 && r.want != http.StatusOK {
			t.Errorf("%s after %s has reached the Pod", r.next, r.first)
		}
		_ = conn.Close()

		config := hello("", r.own...)
		opened := 0
		config.VerifyConnection = func(tls.ConnectionState) error { opened++; return nil }
		client := d.web(config, 2)
		for i, want := range []int{http.StatusOK, r.want, http.StatusOK} {
			got := fetch(client, "https://"+r.first+"/", []string{r.first, r.next, r.first}[i])
			if got.Status != want || want == 0 && !got.closed() {
				t.Errorf("HTTP/2, request %d, %s after %s: status %d, %v", i, r.next, r.first, got.Status, got.Err)
			}
		}
		if opened != 1 && r.want != 0 { // Go leaves a connection on which a request was closed
			t.Errorf("HTTP/2, %s after %s: %d connections", r.next, r.first, opened)
		}
	}
}

// TestClientHeadersAreOurs: DF23. What a client claims of its own certificate
// never comes to a Pod, on whichever host, with TLS or without, also where TLS is
// off altogether.
func TestClientHeadersAreOurs(t *testing.T) {
	t.Parallel()
	d, _, c, _, _ := clientsWorld(t)
	off := start(t, namespace("shop", "plain.dev"), newPod(t, "shop", "web", at("/")))
	lies := []string{"Connection: close", "X-Other: stays"}
	for _, name := range []string{"Subject", "Issuer", "Fingerprint"} {
		lies = append(lies, "X-SSL-Client-"+name+": CN=root", "x-ssl-client-"+strings.ToLower(name)+": CN=root", "X_SSL_Client_"+name+": CN=root",
			"X-SSL_Client-"+name+": CN=root", "X-SSL-CLIENT-"+strings.ToUpper(name)+":")
	}
	sum := sha1.Sum(c.alice.Certificate[0])
	for what, a := range map[string]struct {
		answer
		want string
	}{
		"with a certificate": {d.sendTLS(hello("clients.dev", c.alice), get("clients.dev", "/", lies...)), "CN=alice|CN=authority of clients|" + hex.EncodeToString(sum[:])},
		"over HTTP/2":        {fetch(d.web(d.wary(c.alice), 2), "https://clients.dev/", "", lies...), "CN=alice|CN=authority of clients|" + hex.EncodeToString(sum[:])},
		"open TLS host":      {d.sendTLS(hello("secure.dev"), get("secure.dev", "/", lies...)), ""},
		"asked in vain":      {d.sendTLS(hello("secure.dev", c.alice), get("secure.dev", "/", lies...)), ""},
		"plain host":         {d.try("plain.dev", "/", lies...), ""},
		"TLS is off":         {off.try("plain.dev", "/", lies...), ""},
	} {
		var got []string
		for _, name := range []string{"X-Ssl-Client-Subject", "X-Ssl-Client-Issuer", "X-Ssl-Client-Fingerprint"} {
			got = append(got, a.Sent[name]...)
			delete(a.Sent, name)
		}
		if a.Pod != "web" || a.Sent.Get("X-Other") != "stays" || strings.Join(got, "|") != a.want {
			t.Errorf("%s: the Pod got %q, want %q; %+v", what, got, a.want, a.answer)
		}
		for name := range a.Sent {
			if strings.Contains(strings.ToLower(strings.ReplaceAll(name, "_", "-")), "ssl-client") {
				t.Errorf("%s: %s has come to the Pod", what, name)
			}
		}
	}
}
