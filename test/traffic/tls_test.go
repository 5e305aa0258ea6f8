package traffic

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// secureWorld is a Dispatcher with secure.dev and plain.dev of one Namespace, and
// keyed.dev, which demands an API key, of another one.
func secureWorld(t *testing.T) (d *dispatcher, web, keyed *pod) {
	t.Helper()
	d = prepareTLS(t)
	web, keyed = newPod(t, "shop", "web", at("/app")), newPod(t, "keys", "keyed", at("/app"))
	door := d.certified("keys", "keyed.dev")
	door.Data["api-key"] = []byte("supersecret")
	d.apply(hosts(namespace("shop"), map[string]option{"secure.dev": overTLS(), "plain.dev": {}}), d.certified("shop", "secure.dev"),
		hosts(namespace("keys"), map[string]option{"keyed.dev": overTLS()}), door, web, keyed)
	d.run()
	return d, web, keyed
}

// TestTLSHosts: DF15, DF20, DF22. TLS hosts are served with their certificates,
// over HTTP/1.1 and HTTP/2; no other host is, also not one that has no TLS.
func TestTLSHosts(t *testing.T) {
	t.Parallel()
	d, web, keyed := secureWorld(t)
	for version, proto := range map[int]string{1: "HTTP/1.1", 2: "HTTP/2.0"} {
		client := d.web(d.wary(), version)
		got := fetch(client, "https://secure.dev/app/x%2Fy?z=%20", "", "X-Forwarded-Proto: http", "X-Forwarded-Port: 1")
		if got.Pod != "web" || got.URI != "/app/x%2Fy?z=%20" || got.Over != proto || got.Host != "secure.dev" {
			t.Errorf("%s: %+v", proto, got)
		}
		for name, want := range map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Port": d.securePort(), "X-Forwarded-Host": "secure.dev", "X-Forwarded-For": "127.0.0.1"} {
			if text := strings.Join(got.Sent[name], "|"); text != want {
				t.Errorf("%s: %s is %q, want %q", proto, name, text, want)
			}
		}
		if h := got.Received.Get("Strict-Transport-Security"); h != "" {
			t.Errorf("%s: HSTS is off, and yet there is %q", proto, h)
		}
		if got := fetch(client, "https://keyed.dev/app", ""); got.Status != http.StatusForbidden {
			t.Errorf("%s: without its API key: status %d, %v", proto, got.Status, got.Err)
		}
		if got := fetch(client, "https://keyed.dev/app", "", key("supersecret")); got.Pod != "keyed" || got.Sent.Get("X-Routing-Api-Key") != "" {
			t.Errorf("%s: with its API key: %+v", proto, got)
		}
		// The others' requests may be tried by a client that takes any certificate.
		reckless := d.web(hello(""), version)
		for _, host := range []string{"plain.dev", "unknown.dev", "www.secure.dev", "127.0.0.1"} {
			if got := fetch(reckless, "https://"+host+"/app", ""); !got.closed() {
				t.Errorf("%s: %s is answered: %+v", proto, host, got)
			}
		}
		if got := fetch(reckless, "https://unknown.dev/dispatcher/status", ""); got.Status != http.StatusOK {
			t.Errorf("%s: the status path answers %d, %v", proto, got.Status, got.Err)
		}
		if got := fetch(client, "https://secure.dev/dispatcher/status", ""); got.Status != http.StatusNotFound {
			t.Errorf("%s: the status path of a TLS host answers %d, %v", proto, got.Status, got.Err)
		}
		// What counts is the request's host, if its certificate demands nothing.
		if got := fetch(client, "https://secure.dev/app", "plain.dev"); !got.closed() {
			t.Errorf("%s: a plain host behind a TLS host's name: %+v", proto, got)
		}
	}
	if n := web.hits.Load() + keyed.hits.Load(); n != 4 {
		t.Errorf("Pods had %d requests, want 4", n)
	}
	for _, host := range []string{"plain.dev", "unknown.dev", "", "www.secure.dev", "x..y", "-", strings.Repeat("x", 250)} {
		if wrong := unserved(d.sendTLS(hello(host), get("unknown.dev", "/app"))); wrong != "" {
			t.Errorf("name %q: %s", host, wrong)
		}
	}
	if got := d.tryTLS("SECURE.dev", "/app"); got.Pod != "web" || got.Leaf.DNSNames[0] != "secure.dev" {
		t.Errorf("in upper case: %+v", got)
	}
	if got := d.ask("plain.dev", "/app"); got.Pod != "web" || got.Sent.Get("X-Forwarded-Proto") != "http" {
		t.Errorf("plain.dev: %+v", got)
	}
	if got := d.send("GET /app HTTP/1.1\r\nHost: secure.dev\r\nConnection: close\r\n\r\n"); got.Status != http.StatusPermanentRedirect {
		t.Errorf("secure.dev on plain HTTP: status %d", got.Status)
	}
	if log := d.log(); strings.Contains(log, "[alert]") || strings.Contains(log, "[emerg]") || strings.Contains(log, "[warn]") {
		t.Error("nginx complains")
	}
}

// TestTLSWithCommonTools: DF20. What curl and openssl say of a TLS host.
func TestTLSWithCommonTools(t *testing.T) {
	t.Parallel()
	d, _, _ := secureWorld(t)
	authority := d.beside("ca.crt")
	if err := os.WriteFile(authority, []byte(d.ca.PEM()), 0o600); err != nil {
		t.Fatal(err)
	}
	port := d.securePort()
	ip := strings.TrimSuffix(d.secure, ":"+port)
	curl := func(args ...string) (string, error) {
		return tool(t, "", "curl", append([]string{
			"--silent", "--show-error", "--noproxy", "*", "--cacert", authority, "--resolve", "*:" + port + ":" + ip, "--write-out", "\n%{http_code} HTTP/%{http_version}",
		}, args...)...)
	}
	for flag, want := range map[string]string{"--http1.1": "200 HTTP/1.1", "--http2": "200 HTTP/2"} {
		out, err := curl(flag, "https://secure.dev:"+port+"/app")
		if err != nil || !strings.HasSuffix(out, want) || !strings.Contains(out, `"Pod":"web"`) {
			t.Errorf("curl %s: %v\n%s", flag, err, out)
		}
	}
	if out, err := curl("https://plain.dev:" + port + "/app"); err == nil || !strings.Contains(out, "no alternative certificate subject name matches") {
		t.Errorf("curl of a host without TLS: %v\n%s", err, out)
	}
	openssl := func(args ...string) (string, error) {
		return tool(t, "Q\n", "openssl", append([]string{"s_client", "-connect", d.secure, "-CAfile", authority, "-verify_return_error"}, args...)...)
	}
	out, err := openssl("-servername", "secure.dev", "-verify_hostname", "secure.dev", "-alpn", "h2,http/1.1")
	if err != nil || !strings.Contains(out, "ALPN protocol: h2") || !strings.Contains(out, "Verify return code: 0 (ok)") || !strings.Contains(out, "TLSv1.3") {
		t.Errorf("openssl: %v\n%s", err, out)
	}
	if out, err := openssl("-servername", "unknown.dev", "-verify_hostname", defaultName); err != nil {
		t.Errorf("openssl with another name: %v\n%s", err, out)
	}
	// openssl needs its leave for what is obsolete, which the server must not give.
	for version, cipher := range map[string]string{"-tls1": "ALL", "-tls1_1": "ALL", "-tls1_2": "ECDHE-ECDSA-AES128-SHA256"} {
		out, err := openssl(version, "-cipher", cipher+":@SECLEVEL=0", "-servername", "secure.dev")
		if err == nil || !strings.Contains(out, "SSL alert number") {
			t.Errorf("openssl %s with %s: %v\n%s", version, cipher, err, out)
		}
	}
}

// TestTLSProtocols: DF20. TLS 1.2 and 1.3 with modern ciphers, nothing older.
func TestTLSProtocols(t *testing.T) {
	t.Parallel()
	d, _, _ := secureWorld(t)
	for _, host := range []string{"secure.dev", "unknown.dev", ""} {
		for _, c := range []struct {
			name    string
			version uint16
			cipher  uint16
			taken   bool
		}{
			{"TLS 1.0", tls.VersionTLS10, 0, false},
			{"TLS 1.1", tls.VersionTLS11, 0, false},
			{"TLS 1.2", tls.VersionTLS12, 0, true},
			{"TLS 1.3", tls.VersionTLS13, 0, true},
			{"forward secrecy and AEAD", tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true},
			{"ChaCha20", tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, true},
			{"CBC", tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, false},
			{"CBC with SHA-256", tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, false},
			{"RC4", tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, false},
			{"no forward secrecy", tls.VersionTLS12, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, false},
		} {
			config := hello(host)
			config.MinVersion, config.MaxVersion = c.version, c.version
			if c.cipher != 0 {
				config.CipherSuites = []uint16{c.cipher}
			}
			conn, err := d.dialTLS(config)
			if err == nil {
				_ = conn.Close()
			}
			if taken := err == nil; taken != c.taken || !taken && !strings.Contains(err.Error(), "remote error") {
				t.Errorf("%q, %s: %v", host, c.name, err)
			}
		}
	}
}

// TestWebSocketOverTLS: DF20, DX22.
func TestWebSocketOverTLS(t *testing.T) {
	t.Parallel()
	d, web, keyed := secureWorld(t)
	web.on("/app/chat", chat)
	keyed.on("/app/chat", chat)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	open := func(url string, header http.Header) (*websocket.Conn, error) {
		c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: d.web(d.wary(), 1), HTTPHeader: header})
		return c, err
	}
	withKey := http.Header{"X-Routing-Api-Key": {"c3VwZXJzZWNyZXQ="}}
	for url, header := range map[string]http.Header{"wss://secure.dev/app/chat": nil, "wss://keyed.dev/app/chat": withKey} {
		c, err := open(url, header)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		for _, text := range []string{"one", "two"} {
			if err := echoes(c, text); err != nil {
				t.Errorf("%s: %v", url, err)
			}
		}
		_ = c.CloseNow()
	}
	before := keyed.hits.Load()
	if _, err := open("wss://keyed.dev/app/chat", nil); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("without its key: %v", err)
	}
	if n := keyed.hits.Load() - before; n != 0 {
		t.Errorf("%d requests without a key have reached the Pod", n)
	}
}
