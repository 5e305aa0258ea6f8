package tour

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/coder/websocket"

	"github.com/30x/dispatcher/demo/internal/pods"
)

// Ask makes a visit to a Site and returns what came of it. An error means that
// there was no outcome to compare: nothing listens, its certificate is wrong, or
// the answers of one visit differ in status.
func Ask(ctx context.Context, s Site, v Visit) (Outcome, error) {
	if v.WS {
		return askSocket(ctx, s, v)
	}
	// One connection stays with one worker of nginx, which keeps the turns of
	// weighted Pods exact.
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		dialer := &net.Dialer{}
		if v.From != "" {
			dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(v.From)}
		}
		if v.TLS {
			address = s.https()
		}
		return dialer.DialContext(ctx, network, address)
	}}
	if v.TLS {
		var err error
		if transport.TLSClientConfig, err = v.tls(s); err != nil {
			return Outcome{}, err
		}
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var got Outcome
	for i := range max(v.Times, 1) {
		url := v.url(s)
		if v.Times > 1 {
			url += fmt.Sprintf("?%d", i+1)
		}
		one, err := get(ctx, client, url, v.Host)
		switch {
		case err != nil:
			return Outcome{}, err
		case i == 0:
			got = one
			continue
		case one.Status != got.Status || one.Key != got.Key:
			return Outcome{}, fmt.Errorf("answers to the same request: %s; %s", got, one)
		}
		got.Path, got.Client = "", ""
		for pod := range one.Pods {
			if got.Pods == nil {
				got.Pods = map[string]int{}
			}
			got.Pods[pod]++
		}
	}
	return got, nil
}

// tls is how the client of the visit checks the Site, and shows who it is.
func (v Visit) tls(s Site) (*tls.Config, error) {
	c, err := trusting(s.Files.CA)
	if err != nil {
		return nil, err
	}
	if v.Certificate {
		pair, err := tls.LoadX509KeyPair(s.Files.Client, s.Files.ClientKey)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// trusting believes those whose certificate an authority in a file has signed.
func trusting(file string) (*tls.Config, error) {
	ca, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	if !c.RootCAs.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return c, nil
}

// get asks once. The Outcome is zero if the connection was closed without an answer.
func get(ctx context.Context, client *http.Client, url, host string) (Outcome, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return Outcome{}, err
	}
	req.Host = host
	res, err := client.Do(req)
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return Outcome{}, nil
	}
	if err != nil {
		return Outcome{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return Outcome{}, fmt.Errorf("read the answer of %s: %w", url, err)
	}
	got := Outcome{Status: res.StatusCode, Location: res.Header.Get("Location"), Retry: res.Header.Get("Retry-After")}
	if res.Header.Get("Content-Type") == "application/json" { // it is a Pod's
		var a answer
		if err := json.Unmarshal(body, &a); err != nil {
			return Outcome{}, fmt.Errorf("read the answer of %s: %w", url, err)
		}
		a.into(&got)
	}
	return got, nil
}

// answer is what either of the Pods' apps says.
type answer struct {
	pods.Answer
	pods.Room
}

// into notes who says it, and what it has seen.
func (a *answer) into(o *Outcome) {
	o.Pods = map[string]int{cmp.Or(a.Server, a.Env["HOSTNAME"]): 1}
	o.Path, o.Client, o.Key = a.Request.Path, a.Request.Headers["X-Ssl-Client-Subject"], a.NS
}

func askSocket(ctx context.Context, s Site, v Visit) (Outcome, error) {
	url, ca := "ws://"+s.http()+v.Path, ""
	if v.TLS {
		url, ca = "wss://"+s.https()+v.Path, s.Files.CA
	}
	conn, res, err := dial(ctx, url, v.Host, ca)
	if err != nil {
		if res != nil && res.StatusCode != http.StatusSwitchingProtocols {
			return Outcome{Status: res.StatusCode, Retry: res.Header.Get("Retry-After")}, nil
		}
		return Outcome{}, err
	}
	defer func() { _ = conn.CloseNow() }()
	got := Outcome{Status: res.StatusCode}
	first, err := hear(ctx, conn)
	if err != nil {
		return Outcome{}, err
	}
	var a, b answer
	if err := json.Unmarshal([]byte(first), &a); err != nil {
		return Outcome{}, fmt.Errorf("read the WebSocket's first message: %w", err)
	}
	a.into(&got)
	second, err := tell(ctx, conn, greeting)
	if err != nil {
		return Outcome{}, err
	}
	if a.Server != "" { // it counts
		a.Counter++
		if json.Unmarshal([]byte(second), &b) != nil || b.Room != a.Room {
			return Outcome{}, fmt.Errorf("the WebSocket has said %q after %q", second, first)
		}
		return got, conn.Close(websocket.StatusNormalClosure, "")
	}
	got.Echo = second
	again, err := tell(ctx, conn, "env")
	if err != nil {
		return Outcome{}, err
	}
	if again != first {
		return Outcome{}, errors.New("the WebSocket's answer to \"env\" is not what it said at first")
	}
	return got, conn.Close(websocket.StatusNormalClosure, "")
}

// tell sends a message and returns the next one that comes.
func tell(ctx context.Context, conn *websocket.Conn, text string) (string, error) {
	if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		return "", fmt.Errorf("write to the WebSocket: %w", err)
	}
	return hear(ctx, conn)
}

func hear(ctx context.Context, conn *websocket.Conn) (string, error) {
	_, text, err := conn.Read(ctx)
	if err != nil {
		return "", fmt.Errorf("read from the WebSocket: %w", err)
	}
	return string(text), nil
}

// Talk is "demo ws": it prints the first message, then the answer to each text.
// A file ca holds the certificate of who must have signed the server's; empty: one of
// those that this machine trusts.
func Talk(ctx context.Context, out io.Writer, url, host, ca string, texts []string) error {
	conn, _, err := dial(ctx, url, host, ca)
	if err != nil {
		return fmt.Errorf("open the WebSocket: %w; is the demo running, and is the host right?", err)
	}
	defer func() { _ = conn.CloseNow() }()
	text, err := hear(ctx, conn)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, strings.TrimSuffix(text, "\n"))
	for _, message := range texts {
		if text, err = tell(ctx, conn, message); err != nil {
			return err
		}
		fmt.Fprintln(out, strings.TrimSuffix(text, "\n"))
	}
	return conn.Close(websocket.StatusNormalClosure, "")
}

// dial opens a WebSocket; host, if not empty, stands in for the URL's host in the Host
// header and on the server's certificate.
func dial(ctx context.Context, url, host, ca string) (*websocket.Conn, *http.Response, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		var err error
		if c, err = trusting(ca); err != nil {
			return nil, nil, err
		}
	}
	c.ServerName, _, _ = strings.Cut(host, ":")
	transport := &http.Transport{TLSClientConfig: c} // no proxy from the environment
	return websocket.Dial(ctx, url, &websocket.DialOptions{Host: host, HTTPClient: &http.Client{Transport: transport}})
}
