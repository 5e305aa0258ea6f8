package requests

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// closed is the outcome of a request whose connection ends without a byte.
const closed = "closed"

// limit is how long a connection may stay open after the last answer that is
// waited for. Requests that are to be answered more than once say that the last
// one closes it.
const limit = 3 * time.Second

// get is a GET request whose connection ends after it. Headers are whole lines.
func get(host, uri string, headers ...string) string {
	return request(http.MethodGet, host, uri, headers...)
}

// request is one without a body.
func request(method, host, uri string, headers ...string) string {
	lines := append([]string{method + " " + uri + " HTTP/1.1", "Host: " + host, "Connection: close"}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// post is a POST request to alpha-web with these headers, and what follows them.
func post(body string, headers ...string) string {
	lines := append([]string{"POST /post HTTP/1.1", "Host: alpha.test", "Connection: close"}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// dial connects to nginx: over TLS, with a name in the handshake, if sni is set.
// "none" is a handshake without a name; a name with "+" shows the certificate.
func (w *world) dial(sni string, protocols ...string) (net.Conn, error) {
	if sni == "" {
		return net.DialTimeout("tcp", w.Addr, limit)
	}
	name, shown := strings.CutSuffix(sni, "+")
	config := &tls.Config{ServerName: strings.TrimPrefix(name, "none"), InsecureSkipVerify: true, NextProtos: protocols}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if shown {
			return &w.client, nil
		}
		return new(tls.Certificate), nil
	}
	return tls.DialWithDialer(&net.Dialer{Timeout: limit}, "tcp", net.JoinHostPort(w.ip(), tlsPort), config)
}

// send writes raw bytes and reads until the connection ends. An error is one of
// the test's: that it did not end.
func (w *world) send(sni, raw string) (received string, err error) {
	conn, err := w.dial(sni)
	if err != nil {
		return "", err
	}
	return read(conn, raw)
}

// read is send with a connection, which it closes.
func read(conn net.Conn, raw string) (received string, err error) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(limit))
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(conn, raw) // nginx may close before it has read all
	}()
	var in bytes.Buffer
	_, err = io.Copy(&in, conn)
	_ = conn.SetDeadline(time.Now())
	<-written
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return in.String(), errors.New("the connection stays open")
	}
	return in.String(), nil // that it is reset is an end like another
}

// statuses reads the answers to requests with a method: their statuses, in order.
// What is no answer is "raw", and one that ends too early is followed by "cut".
func statuses(method, received string) string {
	if received == "" {
		return closed
	}
	var out []string
	in := bufio.NewReader(strings.NewReader(received))
	for {
		if _, err := in.Peek(1); err != nil {
			return strings.Join(out, " ")
		}
		r, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return strings.Join(append(out, "raw"), " ")
		}
		out = append(out, strconv.Itoa(r.StatusCode))
		if r.StatusCode == http.StatusSwitchingProtocols {
			continue
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			out = append(out, "cut")
		}
		_ = r.Body.Close()
	}
}
