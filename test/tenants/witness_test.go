package tenants

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// want is a request, and what must come of it: the answer of a Pod, or a status; 0 is a
// connection that is closed.
type want struct {
	host, uri string
	pod       string
	status    int
	header    string // a whole line; "" is none
	tls       bool
}

// apiKey is the line that lets a client in to the witness.
func apiKey(key string) string {
	return "X-ROUTING-API-KEY: " + base64.StdEncoding.EncodeToString([]byte(key))
}

// steady is what the witness's clients ask, and get, whatever anybody else does.
func (w *world) steady() []want {
	key, open := apiKey("witness's key"), "www.witness.example"
	if w.exclusive {
		open = "open.witness.example"
	}
	return []want{
		{host: "www.witness.example", uri: "/app/x?y=1", pod: "witness-0", header: key},
		{host: "www.witness.example", uri: "/app", status: http.StatusForbidden},
		{host: open, uri: "/open/x", pod: "open"},
		{host: "www.witness.example", uri: "/rooms/red/x", pod: "witness-0", header: key},
		{host: "www.witness.example", uri: "/rooms/blue", pod: "witness-1", header: key},
		{host: "service.witness.example", uri: "/x", pod: "open"},
		{host: "tls.witness.example", uri: "/app", status: http.StatusPermanentRedirect},
		{host: "tls.witness.example", uri: "/app", pod: "witness-0", header: key, tls: true},
		{host: "tls.witness.example", uri: "/app", status: http.StatusForbidden, tls: true},
		{host: "vault.example", uri: "/vault", status: http.StatusForbidden},
	}
}

// ask sends a request on a connection of its own.
func (w *world) ask(q want) dispatcher.Answer {
	var headers []string
	if q.header != "" {
		headers = append(headers, q.header)
	}
	if !q.tls {
		return w.Try(q.host, q.uri, headers...)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(w.ca.PEM()))
	ctx, cancel := context.WithTimeout(context.Background(), dispatcher.Patience)
	defer cancel()
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: q.host}}
	conn, err := dialer.DialContext(ctx, "tcp", w.secure)
	if err != nil {
		return dispatcher.Answer{Err: err}
	}
	defer conn.Close()
	return exchange(conn, strings.Join(append([]string{"GET " + q.uri + " HTTP/1.1", "Host: " + q.host, "Connection: close"}, headers...), "\r\n")+"\r\n\r\n")
}

func exchange(conn net.Conn, raw string) (a dispatcher.Answer) {
	_ = conn.SetDeadline(time.Now().Add(dispatcher.Patience))
	if _, a.Err = io.WriteString(conn, raw); a.Err != nil {
		return a
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return dispatcher.Answer{Err: err}
	}
	defer r.Body.Close()
	a.Status, a.Received = r.StatusCode, r.Header
	body, err := io.ReadAll(r.Body)
	a.Text, a.Err = string(body), err
	if r.Header.Get("Content-Type") == "application/json" {
		a.Err = json.Unmarshal(body, &a.Echo)
	}
	return a
}

// wrong asks, and says what is wrong with the answer; "" if it is right.
func (w *world) wrong(q want) string {
	a := w.ask(q)
	over := "http"
	if q.tls {
		over = "https"
	}
	name := fmt.Sprintf("%s://%s%.60q", over, q.host, q.uri)
	switch {
	case strings.Contains(a.Text, "pwned") && a.Pod == "":
		return name + " is answered with the words of the hostile tenant"
	case q.pod != "" && (a.Pod != q.pod || a.Status != http.StatusOK):
		return fmt.Sprintf("%s: status %d, Pod %q, %v; want Pod %s", name, a.Status, a.Pod, a.Err, q.pod)
	case q.pod == "" && (a.Status != q.status || a.Pod != "" || q.status == 0 && !a.Closed()):
		return fmt.Sprintf("%s: status %d, Pod %q, %v; want status %d", name, a.Status, a.Pod, a.Err, q.status)
	}
	return ""
}

// witness asks all the time, and notes what is wrong.
type witness struct {
	lock  sync.Mutex
	found []string
	asked int
	worst time.Duration // until an answer was there
}

// newWitness begins to ask. It ends before Dispatcher does.
func newWitness(t *testing.T, w *world) *witness {
	t.Helper()
	v := &witness{}
	for _, q := range w.steady() {
		w.await(t, "the witness is served: "+q.host+q.uri, func() bool { return w.wrong(q) == "" })
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	all := w.steady()
	for turn := range 2 { // so that a slow answer does not hide what happens meanwhile
		running.Go(func() {
			for i := turn * 4; ctx.Err() == nil; i++ {
				began := time.Now()
				v.note(w.wrong(all[i%len(all)]), time.Since(began))
				time.Sleep(4 * time.Millisecond)
			}
		})
	}
	t.Cleanup(func() { cancel(); running.Wait() })
	return v
}

func (v *witness) note(wrong string, took time.Duration) {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.asked++
	v.worst = max(v.worst, took)
	if wrong != "" {
		v.found = append(v.found, time.Now().Format("15:04:05.000 ")+wrong)
	}
	if took > 2*time.Second {
		v.found = append(v.found, fmt.Sprintf("an answer took %v", took))
	}
}

// sums tells how often was asked, and the longest wait for an answer.
func (v *witness) sums() (asked int, worst time.Duration) {
	v.lock.Lock()
	defer v.lock.Unlock()
	return v.asked, v.worst
}

// check reports what was wrong since the last check.
func (v *witness) check(t *testing.T) {
	t.Helper()
	v.lock.Lock()
	defer v.lock.Unlock()
	if len(v.found) > 0 {
		t.Errorf("the witness was harmed %d times:\n%s", len(v.found), strings.Join(v.found[:min(len(v.found), 10)], "\n"))
	}
	v.found = nil
}
