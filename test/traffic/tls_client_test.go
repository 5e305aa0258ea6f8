package traffic

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/30x/dispatcher/internal/pki"
)

// defaultName is the name in the default server's certificate.
const defaultName = "default.example"

// prepareTLS is prepare with TLS turned on by a default certificate.
func prepareTLS(t testing.TB) *dispatcher {
	t.Helper()
	d := prepare(t)
	d.ca = pki.NewAuthority(t, "authority of servers")
	d.setDefault(d.ca.Server(t, []string{defaultName}))
	d.env = append(d.env, "SSL_PORT="+d.securePort(), "SSL_CERT="+d.beside("default.crt"), "SSL_KEY="+d.beside("default.key"))
	return d
}

// setDefault replaces the files of the default certificate, one after the other.
func (d *dispatcher) setDefault(chain, key string) {
	d.t.Helper()
	replaceFile(d.t, d.beside("default.crt"), chain)
	replaceFile(d.t, d.beside("default.key"), key)
}

// beside is a path beside the work folder.
func (d *dispatcher) beside(name string) string { return filepath.Join(filepath.Dir(d.work), name) }

func (d *dispatcher) securePort() string {
	_, port, _ := net.SplitHostPort(d.secure)
	return port
}

// runsBy has a program run by a script beside the work folder, after some words of
// the shell's.
func (d *dispatcher) runsBy(name string, program *string, before string) {
	d.t.Helper()
	script := d.beside(name)
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"+before+"exec "+*program+" \"$@\"\n"), 0o700); err != nil {
		d.t.Fatal(err)
	}
	*program = script
}

// option is what the hosts annotation says of a host.
type option map[string]any

// overTLS is the option of a host with TLS, from the usual fields of the Secret.
func overTLS() option {
	return option{"ssl": map[string]any{"certificate": field("ssl.crt"), "certificateKey": field("ssl.key")}}
}

// clients demands certificates that a field's have signed.
func (o option) clients(name string) option { return o.set("clientCertificate", field(name)) }

// redirect says what becomes of plain HTTP.
func (o option) redirect(yes bool) option { return o.set("redirect", yes) }

func (o option) set(name string, value any) option {
	o["ssl"].(map[string]any)[name] = value
	return o
}

// field refers to a field of the Namespace's Secret.
func field(name string) any {
	return map[string]any{"valueFrom": map[string]any{"secretKeyRef": map[string]any{"key": name}}}
}

// hosts replaces a Namespace's hosts.
func hosts(ns *corev1.Namespace, options map[string]option) *corev1.Namespace {
	ns.Annotations[hostsKey] = toJSON(options)
	return ns
}

// certified makes the Secret of a Namespace whose hosts have one certificate.
func (d *dispatcher) certified(namespace string, hosts ...string) *corev1.Secret {
	d.t.Helper()
	chain, key := d.ca.Server(d.t, hosts)
	return secret(namespace, "routing", "ssl.crt", chain, "ssl.key", key)
}

// pair makes a certificate for Go's clients.
func pair(t testing.TB, chain, key string) tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair([]byte(chain), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// leaf is the first certificate of a chain.
func leaf(t testing.TB, chain string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(chain))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// hello is how a client begins that names a host, "" for none, and may show a
// certificate. It takes any certificate of the server's: the answer has it.
func hello(sni string, own ...tls.Certificate) *tls.Config {
	return &tls.Config{ServerName: sni, GetClientCertificate: show(own), InsecureSkipVerify: true}
}

// wary is a client that knows the authority of the servers' certificates.
func (d *dispatcher) wary(own ...tls.Certificate) *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(d.ca.PEM()))
	return &tls.Config{RootCAs: roots, GetClientCertificate: show(own)}
}

// show shows a certificate to whoever asks, also if the server says that it wants
// those of others; left to itself, Go shows none then.
func show(own []tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if len(own) == 0 {
			return &tls.Certificate{}, nil
		}
		return &own[0], nil
	}
}

// dialTLS opens a connection and shakes hands.
func (d *dispatcher) dialTLS(config *tls.Config) (*tls.Conn, error) {
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: patience}, Config: config}
	conn, err := dialer.Dial("tcp", d.secure)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoConnection, err)
	}
	return conn.(*tls.Conn), nil
}

// sendTLS is send over TLS.
func (d *dispatcher) sendTLS(config *tls.Config, raw string) answer {
	conn, err := d.dialTLS(config)
	if err != nil {
		return answer{Err: err}
	}
	defer conn.Close()
	a := exchange(conn, bufio.NewReader(conn), raw)
	a.Leaf = conn.ConnectionState().PeerCertificates[0]
	return a
}

// tryTLS is try over TLS, with the host's name in the handshake.
func (d *dispatcher) tryTLS(host, uri string, headers ...string) answer {
	return d.sendTLS(hello(host), get(host, uri, append([]string{"Connection: close"}, headers...)...))
}

// web is an HTTP client that reaches this Dispatcher's nginx under any host
// name, keeps its connections and speaks one version of HTTP, 1 or 2.
func (d *dispatcher) web(config *tls.Config, version int) *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, d.secure)
		},
		TLSClientConfig: config,
		Protocols:       new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetHTTP2(version == 2)
	d.t.Cleanup(transport.CloseIdleConnections)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, Timeout: patience, CheckRedirect: stay}
}

// fetch asks with a client, once: Go's would repeat a request whose HTTP/2 stream
// is reset, but for its body. host may be another one than the URL's.
func fetch(c *http.Client, url, host string, headers ...string) answer {
	r, err := http.NewRequest(http.MethodPost, url, io.LimitReader(strings.NewReader("x"), 1))
	if err != nil {
		return answer{Err: err}
	}
	r.Host = host
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		r.Header.Add(name, strings.TrimSpace(value))
	}
	return read(c.Do(r))
}

// secretLines are the lines of a private key in PEM that no other text has.
func secretLines(key string) (lines []string) {
	for line := range strings.Lines(key) {
		if line = strings.TrimSpace(line); len(line) > 40 && !strings.HasPrefix(line, "-----") {
			lines = append(lines, line)
		}
	}
	return lines
}

// servesTLS waits until a Pod answers over TLS.
func (d *dispatcher) servesTLS(host, uri, pod string) {
	d.t.Helper()
	d.eventually(fmt.Sprintf("%s answers %s%s over TLS", pod, host, uri), func() bool { return d.tryTLS(host, uri).Pod == pod })
	d.settle()
}

// unserved reports what is wrong with an answer to a TLS client whose host is
// not served: it gets the default certificate and is closed on. "" is nothing.
func unserved(a answer) string {
	switch {
	case !a.closed():
		return fmt.Sprintf("status %d, %v", a.Status, a.Err)
	case a.Leaf == nil || len(a.Leaf.DNSNames) != 1 || a.Leaf.DNSNames[0] != defaultName:
		return "it is not the default certificate"
	}
	return ""
}

// neither reports what is wrong if a host is served on plain HTTP or over TLS.
func (d *dispatcher) neither(host, uri string, headers ...string) string {
	if got := d.try(host, uri, headers...); !got.closed() {
		return fmt.Sprintf("on plain HTTP: status %d, %v", got.Status, got.Err)
	}
	if wrong := unserved(d.tryTLS(host, uri, headers...)); wrong != "" {
		return "over TLS: " + wrong
	}
	return ""
}

// tool runs a program that speaks TLS and returns all it prints. Without the
// program the test is skipped, but not in CI.
func tool(t testing.TB, input, name string, args ...string) (output string, err error) {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") != "true":
		t.Skipf("there is no %s: install it (apt-get install %s)", name, name)
	default:
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
