package discovery_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/discovery"
)

// bed is real nginx, a Responder that it asks, and Pods.
type bed struct {
	t         testing.TB
	binary    string
	dir       string
	http      netip.AddrPort // nginx's
	empty     netip.AddrPort // nginx's, too: answers 503
	opts      discovery.Options
	responder *discovery.Responder
	stop      func()
	nginx     *exec.Cmd
	client    *http.Client
	conf      conf
	relay     *relay // nginx asks it, not the Responder; nil: none
}

// conf is what differs between nginx's configurations.
type conf struct {
	resolver  string // more parameters
	upstream  string // more directives
	upstreams []string
	relayed   bool
}

// current gives the nginx to test with. It has to be one that can resolve.
func current(t testing.TB) string {
	t.Helper()
	named := os.Getenv("NGINX_BINARY")
	path := named
	if path == "" {
		path = filepath.Join("..", "..", ".cache", "nginx", "nginx") // as scripts/current-nginx.sh leaves it
	}
	path, err := exec.LookPath(path)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		if named != "" && os.Getenv("CI") == "true" {
			t.Fatalf("NGINX_BINARY: %v", err)
		}
		t.Skipf("NOT TESTED: no nginx that resolves upstreams (%v): run scripts/current-nginx.sh, or set NGINX_BINARY", err)
	}
	said, err := exec.Command(path, "-v").CombinedOutput()
	if err != nil {
		t.Fatalf("%s -v: %v: %s", path, err, said)
	}
	var major, minor, patch int
	version := regexp.MustCompile(`nginx/\d+\.\d+\.\d+`).Find(said)
	if _, err := fmt.Sscanf(string(version), "nginx/%d.%d.%d", &major, &minor, &patch); err != nil {
		t.Fatalf("%s -v says %s", path, said)
	}
	if major*1_000_000+minor*1000+patch < 1_027_003 {
		t.Skipf("NOT TESTED: %s is older than 1.27.3, which resolves upstreams: run scripts/current-nginx.sh, or set NGINX_BINARY", version)
	}
	return path
}

// newBed starts a Responder and nginx.
func newBed(t testing.TB, c conf, services ...discovery.Service) *bed {
	t.Helper()
	b := &bed{t: t, conf: c, binary: current(t)}
	dir, err := os.MkdirTemp("", "discovery")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b.dir = dir
	b.http, b.empty = freeAddr(t), freeAddr(t)
	b.opts = discovery.Options{Hold: 20 * time.Second, Addr: freeAddr(t), Empty: b.empty, Log: slog.New(slog.DiscardHandler)}
	b.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	t.Cleanup(b.client.CloseIdleConnections)
	b.serve()
	if c.relayed {
		b.relay = newRelay(t, b.opts.Addr)
	}
	if services != nil {
		b.responder.Set(services)
	}
	b.write()
	b.start()
	t.Cleanup(func() {
		b.kill(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("nginx said:\n%s", b.log())
		}
	})
	return b
}

// start starts nginx.
func (b *bed) start() {
	b.t.Helper()
	b.nginx = exec.Command(b.binary, "-p", b.dir, "-c", filepath.Join(b.dir, "nginx.conf"), "-e", filepath.Join(b.dir, "error.log"))
	b.nginx.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := b.nginx.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.wait("nginx", func() bool { status, _ := b.get("/alive"); return status == http.StatusOK })
}

// kill ends nginx, all its processes.
func (b *bed) kill(sig syscall.Signal) {
	if b.nginx.ProcessState == nil {
		_ = syscall.Kill(-b.nginx.Process.Pid, sig)
		_ = b.nginx.Wait()
	}
}

// log is the end of nginx's log.
func (b *bed) log() string {
	text, err := os.ReadFile(filepath.Join(b.dir, "error.log"))
	if err != nil {
		b.t.Log(err)
	}
	return string(text[max(0, len(text)-4000):])
}

// serve starts the Responder, always on the same port.
func (b *bed) serve() {
	b.t.Helper()
	r, err := discovery.Listen(b.t.Context(), b.opts)
	if err != nil {
		b.t.Fatal(err)
	}
	b.responder, b.opts.Addr = r, r.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
	b.t.Cleanup(b.stop)
}

// write writes nginx.conf.
func (b *bed) write() {
	b.t.Helper()
	c := b.conf
	resolver := b.opts.Addr
	if b.relay != nil {
		resolver = b.relay.addr
	}
	var text strings.Builder
	fmt.Fprintf(&text, "daemon off;\nworker_processes 2;\npid %s/pid;\nworker_rlimit_nofile 8192;\nevents { worker_connections 4096; }\nhttp {\n", b.dir)
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&text, "%s_temp_path %s/%s;\n", name, b.dir, name)
	}
	fmt.Fprintf(&text, "access_log off;\nkeepalive_requests 1000000;\nkeepalive_min_timeout 2s;\nresolver %s %s;\nresolver_timeout 30s;\n", resolver, c.resolver)
	for _, name := range c.upstreams {
		fmt.Fprintf(&text, "upstream %s { zone endpoints 64m; server %s.%s service=http resolve max_fails=0; %s }\n", name, name, discovery.Domain, c.upstream)
	}
	fmt.Fprintf(&text, "server { listen %s; return 503; }\nserver { listen %s;\nlocation = /alive { return 200; }\n", b.empty, b.http)
	for _, name := range c.upstreams {
		fmt.Fprintf(&text, "location /%s/ { proxy_pass http://%s; }\n", name, name)
	}
	text.WriteString("} }\n")
	if err := os.WriteFile(filepath.Join(b.dir, "nginx.conf"), []byte(text.String()), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// get gives nginx's status, and which Pod has answered.
func (b *bed) get(path string) (status int, pod string) {
	resp, err := b.client.Get("http://" + b.http.String() + path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

// wait waits for a condition, and says how long that took.
func (b *bed) wait(what string, ok func() bool) time.Duration {
	b.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > 20*time.Second {
			b.t.Fatalf("waited in vain for %s; the Responder: %+v", what, b.responder.Stats())
		}
	}
	return time.Since(began)
}

// answers waits until the service's next answer is such.
func (b *bed) answers(service string, status int, pod string) time.Duration {
	b.t.Helper()
	return b.wait(fmt.Sprintf("%d from %s %s", status, service, pod), func() bool {
		s, p := b.get("/" + service + "/")
		return s == status && (pod == "" || p == pod)
	})
}

// settled waits until nginx's queries are parked: a change is told at once now.
func (b *bed) settled(services int) {
	b.t.Helper()
	b.wait("parked queries", func() bool { time.Sleep(time.Millisecond); return b.responder.Stats().Parked >= services })
}

// pods starts n servers that answer with their address.
func pods(t testing.TB, n int) []netip.AddrPort {
	t.Helper()
	prefix := [2]byte{127, byte(64 + rand.IntN(190))}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Context().Value(http.LocalAddrContextKey))
	})}
	t.Cleanup(func() { _ = server.Close() })
	var out []netip.AddrPort
	for i := range n {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{prefix[0], prefix[1], byte(i >> 8), byte(i)}), 0)
		if i > 0 {
			addr = netip.AddrPortFrom(addr.Addr(), out[0].Port())
		}
		out = append(out, start(t, server, addr))
	}
	return out
}

func start(t testing.TB, server *http.Server, addr netip.AddrPort) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// freeAddr gives an address of its own kind, so that no connection that somebody
// makes meanwhile takes the port.
func freeAddr(t testing.TB) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(63), rand.IntN(256), 1+rand.IntN(254)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func service(name string, addrs ...netip.AddrPort) discovery.Service {
	s := discovery.Service{Name: name}
	for _, a := range addrs {
		s.Endpoints = append(s.Endpoints, discovery.Endpoint{Addr: a})
	}
	return s
}
