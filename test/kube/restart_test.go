package kube

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// road leads to an API server, and can be closed.
type road struct {
	net.Listener
	to    string
	tries atomic.Int64 // connections
	mu    sync.Mutex
	conns map[net.Conn]bool // nil: closed
}

// newRoad opens a road to the scenario's API server.
func (s *scenario) newRoad() *road {
	s.t.Helper()
	l, err := new(net.ListenConfig).Listen(s.ctx, "tcp", "127.0.0.1:0")
	s.must(err)
	r := &road{Listener: l, to: strings.Trim(strings.TrimPrefix(s.config.Host, "https:"), "/"), conns: map[net.Conn]bool{}}
	s.t.Cleanup(func() { _ = l.Close(); r.set(false) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.tries.Add(1)
			go r.lead(conn)
		}
	}()
	return r
}

// set opens the road or closes it, with all that is under way.
func (r *road) set(open bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
	if open {
		r.conns = map[net.Conn]bool{}
	}
}

// lead joins a connection with one to the API server, or closes it.
func (r *road) lead(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer out.Close()
	r.mu.Lock()
	open := r.conns != nil
	if open {
		r.conns[in], r.conns[out] = true, true
	}
	r.mu.Unlock()
	if !open {
		return
	}
	go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
	_, _ = io.Copy(in, out)
}

// by makes a Dispatcher reach the API server on this road.
func (s *scenario) by(r *road, d *dispatcher.Dispatcher) (flag string) {
	s.t.Helper()
	path := filepath.Join(d.Folder, "kubeconfig")
	s.must(s.tokenKubeconfig(s.ctx, path, "dispatcher", "dispatcher"))
	config, err := clientcmd.LoadFromFile(path)
	s.must(err)
	for _, c := range config.Clusters {
		c.Server = "https://" + r.Addr().String()
	}
	s.must(clientcmd.WriteToFile(*config, path))
	return "--kubeconfig=" + path
}

// TestRestartWithoutAPI: DX20. Dispatcher, and nginx with it, is started again while
// the API server can't be reached: the last good configuration serves at once, with
// its keys, marked as stale, until all objects are known. With other settings, or if
// that is switched off, nothing is served meanwhile.
func TestRestartWithoutAPI(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.own = "restart-" + rand.String(6) // what it resumes is of one moment, whatever others make
	shop := s.namespace("shop")
	shop.secret("routing", "api-key", "first")
	web := shop.pod("web", "/app").run()
	programs, err := findPrograms()
	d := dispatcher.New(t, dispatcher.Need(t, programs, err), "--routable-label-selector="+routable+"="+s.mark())
	api := s.newRoad()
	flag := s.by(api, d)
	d.Run(flag)
	d.Serves(shop.host, "/app", "web", key("first"))
	end := func() {
		t.Helper()
		d.Signal(syscall.SIGTERM)
		if code := d.Wait(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	stale := func(want string) bool {
		_, metrics := d.Probe("/metrics")
		return strings.Contains(metrics, "\ndispatcher_stale "+want+"\n")
	}
	end()
	api.set(false)

	for name, flags := range map[string][]string{"switched off": {"--serve-stale=false"}, "other settings": {"--api-key-header=X-OTHER-KEY"}} {
		tries := api.tries.Load()
		d.Begin(append(flags, flag)...)
		d.Eventually(name+": it tries to reach the API server", func() bool {
			status, _ := d.Probe("/healthz")
			return status == http.StatusOK && api.tries.Load() > tries
		})
		if status, text := d.Probe("/readyz"); status != http.StatusServiceUnavailable || !stale("0") {
			t.Errorf("%s: /readyz answers %d %q", name, status, text)
		}
		if got := d.Try(shop.host, "/app", key("first")); got.Err == nil {
			t.Errorf("%s: served with status %d", name, got.Status)
		}
		end()
	}

	d.Run(flag)
	if status, text := d.Probe("/readyz"); status != http.StatusOK || !strings.HasPrefix(text, "ok, but stale: ") || !stale("1") {
		t.Errorf("/readyz answers %d %q", status, text)
	}
	if got := d.Ask(shop.host, "/app", key("first")); got.Pod != "web" {
		t.Errorf("with the key: status %d", got.Status)
	}
	if got := d.Ask(shop.host, "/app"); got.Status != http.StatusForbidden {
		t.Errorf("without the key: status %d", got.Status)
	}
	for _, name := range []string{"nginx.conf", "nginx.conf.good"} {
		if info, err := os.Stat(filepath.Join(d.Work, name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}

	// What has changed meanwhile is there soon after the API server is.
	shop.secret("routing", "api-key", "second")
	web.annotate(pathsKey, web.paths("/app", "/new"))
	api.set(true)
	d.Serves(shop.host, "/new", "web", key("second"))
	if got := d.Ask(shop.host, "/app", key("first")); got.Status != http.StatusForbidden {
		t.Errorf("with the old key: status %d", got.Status)
	}
	if status, text := d.Probe("/readyz"); status != http.StatusOK || strings.Contains(text, "stale") || !stale("0") {
		t.Errorf("/readyz answers %d %q", status, text)
	}
}
