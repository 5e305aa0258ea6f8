package tour

import (
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
	transport := &http.Transport{}
	if v.TLS {
		var err error
		if transport.TLSClientConfig, err = v.tls(s); err != nil {
			return Outcome{}, err
		}
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.https())
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
		case one.Status != got.Status:
			return Outcome{}, fmt.Errorf("answers %d and %d to the same request", got.Status, one.Status)
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
	ca, err := os.ReadFile(s.Files.CA)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	c.RootCAs.AppendCertsFromPEM(ca)
	if v.Certificate {
		pair, err := tls.LoadX509KeyPair(s.Files.Client, s.Files.ClientKey)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
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
	got := Outcome{Status: res.StatusCode, Location: res.Header.Get("Location")}
	if res.Header.Get("Content-Type") == "application/json" { // it is a Pod's
		var a pods.Answer
		if err := json.Unmarshal(body, &a); err != nil {
			return Outcome{}, fmt.Errorf("read the answer of %s: %w", url, err)
		}
		got.Pods = map[string]int{a.Env["HOSTNAME"]: 1}
		got.Path, got.Client = a.Request.Path, a.Request.Headers["X-Ssl-Client-Subject"]
	}
	return got, nil
}

func askSocket(ctx context.Context, s Site, v Visit) (Outcome, error) {
	conn, res, err := dial(ctx, "ws://"+s.http()+v.Path, v.Host)
	if err != nil {
		if res != nil && res.StatusCode != http.StatusSwitchingProtocols {
			return Outcome{Status: res.StatusCode}, nil
		}
		return Outcome{}, err
	}
	defer func() { _ = conn.CloseNow() }()
	first, err := hear(ctx, conn)
	if err != nil {
		return Outcome{}, err
	}
	echo, err := tell(ctx, conn, greeting)
	if err != nil {
		return Outcome{}, err
	}
	second, err := tell(ctx, conn, "env")
	if err != nil {
		return Outcome{}, err
	}
	if second != first {
		return Outcome{}, errors.New("the WebSocket's answer to \"env\" is not what it said at first")
	}
	var a pods.Answer
	if err := json.Unmarshal([]byte(first), &a); err != nil {
		return Outcome{}, fmt.Errorf("read the WebSocket's first message: %w", err)
	}
	return Outcome{
		Status: res.StatusCode,
		Pods:   map[string]int{a.Env["HOSTNAME"]: 1},
		Path:   a.Request.Path,
		Echo:   echo,
	}, conn.Close(websocket.StatusNormalClosure, "")
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
func Talk(ctx context.Context, out io.Writer, url, host string, texts []string) error {
	conn, _, err := dial(ctx, url, host)
	if err != nil {
		return fmt.Errorf("open the WebSocket: %w; is the demo running, and is the host right?", err)
	}
	defer func() { _ = conn.CloseNow() }()
	text, err := hear(ctx, conn)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, text)
	for _, message := range texts {
		if text, err = tell(ctx, conn, message); err != nil {
			return err
		}
		fmt.Fprintln(out, text)
	}
	return conn.Close(websocket.StatusNormalClosure, "")
}

// dial opens a WebSocket; host, if not empty, stands in for the URL's host in
// the Host header.
func dial(ctx context.Context, url, host string) (*websocket.Conn, *http.Response, error) {
	return websocket.Dial(ctx, url, &websocket.DialOptions{
		Host:       host,
		HTTPClient: &http.Client{Transport: &http.Transport{}}, // no proxy from the environment
	})
}
