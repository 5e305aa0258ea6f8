package tour

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"

	"github.com/coder/websocket"

	"github.com/30x/dispatcher/demo/internal/pods"
)

// Ask makes a visit and returns what came of it; address is nginx's. An error
// means that there was no outcome to compare: nothing listens, or the answers
// of one visit differ in status.
func Ask(ctx context.Context, address string, v Visit) (Outcome, error) {
	if v.WS {
		return askSocket(ctx, address, v)
	}
	// One connection stays with one worker of nginx, which keeps the turns of
	// weighted Pods exact.
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var got Outcome
	times := max(v.Times, 1)
	for i := range times {
		path := v.Path
		if times > 1 {
			path += fmt.Sprintf("?%d", i+1)
		}
		status, a, err := get(ctx, client, "http://"+address+path, v.Host)
		if err != nil {
			return Outcome{}, err
		}
		if i > 0 && status != got.Status {
			return Outcome{}, fmt.Errorf("answers %d and %d to the same request", got.Status, status)
		}
		got.Status = status
		if a != nil {
			if got.Pods == nil {
				got.Pods = map[string]int{}
			}
			got.Pods[a.Env["HOSTNAME"]]++
			if times == 1 {
				got.Path = a.Request.Path
			}
		}
	}
	return got, nil
}

// get asks once. The status is 0 if the connection was closed without an
// answer; the answer is nil if it was not a Pod's.
func get(ctx context.Context, client *http.Client, url, host string) (int, *pods.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	req.Host = host
	res, err := client.Do(req)
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("read the answer of %s: %w", url, err)
	}
	if res.Header.Get("Content-Type") != "application/json" {
		return res.StatusCode, nil, nil
	}
	a := &pods.Answer{}
	if err := json.Unmarshal(body, a); err != nil {
		return 0, nil, fmt.Errorf("read the answer of %s: %w", url, err)
	}
	return res.StatusCode, a, nil
}

func askSocket(ctx context.Context, address string, v Visit) (Outcome, error) {
	conn, res, err := dial(ctx, "ws://"+address+v.Path, v.Host)
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
