package traffic

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// patience is how long a condition may take to come true, and how long a
// request may take.
const patience = 15 * time.Second

// answer is what came of one request.
type answer struct {
	echo            // what the Pod saw, if a Pod answered
	Status   int    // 0: the connection was closed without an answer
	Text     string // the body
	Received http.Header
	Over     string            // the protocol of the answer
	Last     bool              // the server closes the connection after it
	Leaf     *x509.Certificate // that the server has shown; nil without TLS
	Err      error             // why there is no answer
}

// closed reports whether the connection was closed without an answer: nobody who
// asks in vain, or whose handshake fails, has been closed on.
func (a answer) closed() bool {
	return a.Status == 0 && !errors.Is(a.Err, context.DeadlineExceeded) && !errors.Is(a.Err, os.ErrDeadlineExceeded) && !errors.Is(a.Err, errNoConnection)
}

// errNoConnection means that no request could be sent.
var errNoConnection = errors.New("no connection")

// ask sends a GET request, byte for byte, and wants an answer.
func (d *dispatcher) ask(host, uri string, headers ...string) answer {
	d.t.Helper()
	a := d.try(host, uri, headers...)
	if a.Err != nil {
		d.t.Fatalf("GET %s%s: %v", host, uri, a.Err)
	}
	return a
}

// try is ask without a demand for an answer.
func (d *dispatcher) try(host, uri string, headers ...string) answer {
	return d.send(get(host, uri, append([]string{"Connection: close"}, headers...)...))
}

// get is the text of a GET request.
func get(host, uri string, headers ...string) string {
	lines := append([]string{"GET " + uri + " HTTP/1.1", "Host: " + host}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// send writes raw bytes on a connection of its own and reads one answer.
func (d *dispatcher) send(raw string) answer {
	conn, err := net.DialTimeout("tcp", d.addr, patience)
	if err != nil {
		return answer{Err: fmt.Errorf("%w: %w", errNoConnection, err)}
	}
	defer conn.Close()
	return exchange(conn, bufio.NewReader(conn), raw)
}

// exchange writes raw bytes on a connection and reads one answer.
func exchange(conn net.Conn, from *bufio.Reader, raw string) answer {
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, raw); err != nil {
		return answer{Err: err}
	}
	return read(http.ReadResponse(from, nil))
}

// read reads an answer whole.
func read(r *http.Response, err error) answer {
	if err != nil {
		return answer{Err: err}
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	a := answer{Status: r.StatusCode, Text: string(body), Received: r.Header, Over: r.Proto, Last: r.Close, Err: err}
	if r.TLS != nil {
		a.Leaf = r.TLS.PeerCertificates[0]
	}
	if r.Header.Get("Content-Type") == "application/json" {
		a.Err = errors.Join(err, json.Unmarshal(body, &a.echo))
	}
	return a
}

// pods asks n times and counts who answered.
func (d *dispatcher) pods(n int, host, uri string) map[string]int {
	d.t.Helper()
	count := map[string]int{}
	for range n {
		count[d.ask(host, uri).Pod]++
	}
	return count
}

// client is an HTTP client that reaches this Dispatcher's nginx under any host
// name and keeps its connections.
func (d *dispatcher) client() *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, d.addr)
		},
		MaxIdleConnsPerHost: 32,
	}
	d.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// eventually waits until a condition holds.
func (d *dispatcher) eventually(what string, holds func() bool) {
	d.t.Helper()
	d.within(patience, what, holds)
}

// within waits until a condition holds, for a limited time.
func (d *dispatcher) within(limit time.Duration, what string, holds func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// serves waits until a Pod answers; Pods' names are unique in a test.
func (d *dispatcher) serves(host, uri, pod string) {
	d.t.Helper()
	d.eventually(fmt.Sprintf("%s answers %s%s", pod, host, uri), func() bool { return d.try(host, uri).Pod == pod })
	d.settle()
}

// answers waits until a request gets a status; 0 is a closed connection.
func (d *dispatcher) answers(host, uri string, status int) {
	d.t.Helper()
	d.eventually(fmt.Sprintf("status %d for %s%s", status, host, uri), func() bool {
		a := d.try(host, uri)
		return a.Status == status && (status != 0 || a.closed())
	})
	d.settle()
}

// settle waits until the configuration on disk is the one that Dispatcher has
// seen confirmed: for a moment after a reload nginx's old workers answer, too.
func (d *dispatcher) settle() {
	d.t.Helper()
	generation := regexp.MustCompile(`generation [0-9a-f]+`)
	d.eventually("nginx has confirmed its configuration", func() bool {
		disk := generation.FindString(readFile(filepath.Join(d.work, "nginx.conf")))
		_, text := d.probe("/readyz")
		return disk != "" && disk == generation.FindString(text)
	})
}
