package dispatcher

import (
	"bufio"
	"context"
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

	"github.com/30x/dispatcher/test/internal/backend"
)

// Answer is what came of one request.
type Answer struct {
	backend.Echo        // what the Pod saw, if a Pod answered
	Status       int    // 0: the connection was closed without an answer
	Text         string // the body
	Received     http.Header
	Err          error // why there is no answer
}

var errNoConnection = errors.New("no connection")

// Closed reports whether the connection was closed without an answer: nobody who
// asks in vain has been closed on.
func (a Answer) Closed() bool {
	return a.Status == 0 && !errors.Is(a.Err, context.DeadlineExceeded) && !errors.Is(a.Err, os.ErrDeadlineExceeded) && !errors.Is(a.Err, errNoConnection)
}

// Ask sends a GET request, byte for byte, and wants an answer. Headers are whole
// lines ("Name: value").
func (d *Dispatcher) Ask(host, uri string, headers ...string) Answer {
	d.t.Helper()
	a := d.Try(host, uri, headers...)
	if a.Err != nil {
		d.t.Fatalf("GET %s%s: %v", host, uri, a.Err)
	}
	return a
}

// Try is Ask without a demand for an answer.
func (d *Dispatcher) Try(host, uri string, headers ...string) Answer {
	lines := append([]string{"GET " + uri + " HTTP/1.1", "Host: " + host, "Connection: close"}, headers...)
	return d.Send(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// Send writes raw bytes on a connection of its own and reads one answer.
func (d *Dispatcher) Send(raw string) Answer {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", d.Addr)
	if err != nil {
		return Answer{Err: fmt.Errorf("%w: %w", errNoConnection, err)}
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(Patience))
	if _, err := io.WriteString(conn, raw); err != nil {
		return Answer{Err: err}
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return Answer{Err: err}
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	a := Answer{Status: r.StatusCode, Text: string(body), Received: r.Header, Err: err}
	if r.Header.Get("Content-Type") == "application/json" {
		a.Err = errors.Join(err, json.Unmarshal(body, &a.Echo))
	}
	return a
}

// Pods asks n times and counts who answered.
func (d *Dispatcher) Pods(n int, host, uri string, headers ...string) map[string]int {
	d.t.Helper()
	count := map[string]int{}
	for range n {
		count[d.Ask(host, uri, headers...).Pod]++
	}
	return count
}

// Eventually waits until a condition holds.
func (d *Dispatcher) Eventually(what string, holds func() bool) {
	d.t.Helper()
	d.Within(Patience, what, holds)
}

// Within waits until a condition holds, for a limited time.
func (d *Dispatcher) Within(limit time.Duration, what string, holds func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// Serves waits until a Pod answers; Pods' names are unique in a test.
func (d *Dispatcher) Serves(host, uri, pod string, headers ...string) {
	d.t.Helper()
	d.Eventually(fmt.Sprintf("%s answers %s%s", pod, host, uri), func() bool { return d.Try(host, uri, headers...).Pod == pod })
	d.Settle()
}

// Answers waits until a request gets a status; 0 is a closed connection.
func (d *Dispatcher) Answers(host, uri string, status int, headers ...string) {
	d.t.Helper()
	d.Eventually(fmt.Sprintf("status %d for %s%s", status, host, uri), func() bool {
		a := d.Try(host, uri, headers...)
		return a.Status == status && (status != 0 || a.Closed())
	})
	d.Settle()
}

// Settle waits until the configuration is Settled.
func (d *Dispatcher) Settle() {
	d.t.Helper()
	d.Eventually("nginx has confirmed its configuration", d.Settled)
}

// Settled reports whether the configuration on disk is the one that Dispatcher has
// seen confirmed: for a moment after a reload nginx's old workers answer, too.
func (d *Dispatcher) Settled() bool {
	generation := regexp.MustCompile(`generation [0-9a-f]+`)
	disk := generation.FindString(readFile(filepath.Join(d.Work, "nginx.conf")))
	_, text := d.Probe("/readyz")
	return disk != "" && disk == generation.FindString(text)
}
