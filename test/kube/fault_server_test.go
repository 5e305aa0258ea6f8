package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/30x/dispatcher/test/internal/backend"
	"github.com/30x/dispatcher/test/internal/process"
)

// fragile is a cluster of its own for tests that break one: nobody else uses it. Its
// first API server stays well, so that a test can change objects meanwhile; the
// second one, on the same etcd, is for Dispatcher and may be killed.
type fragile struct {
	*cluster
	second *server
	mu     sync.Mutex // held by the test that breaks it
}

// broken is the fragile cluster, if a test has needed it.
var broken *fragile

var startFragile = sync.OnceValues(func() (*fragile, error) {
	folder := filepath.Join(folder, "fragile")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	c, err := startCluster(os.Getenv("KUBEBUILDER_ASSETS"), folder)
	if err != nil {
		return nil, err
	}
	broken = &fragile{cluster: c}
	broken.second, err = c.another()
	return broken, err
})

// stop ends it.
func (f *fragile) stop() error {
	if f.second != nil {
		f.second.kill()
		_ = f.second.etcd.Close()
	}
	return f.cluster.stop()
}

// beginFragile is begin for a test that breaks its cluster. One of them runs at a
// time, and finds all as it was.
func beginFragile(t *testing.T) (*scenario, *fragile) {
	t.Helper()
	needAssets(t)
	f, err := startFragile()
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	t.Cleanup(f.mu.Unlock)
	s := &scenario{cluster: f.cluster, t: t, ctx: t.Context()}
	s.need(t, "kubectl")
	s.must(s.base())
	f.second.t = t
	f.second.start()
	return s, f
}

// server is another API server of a cluster.
type server struct {
	t       testing.TB
	c       *cluster
	config  *rest.Config
	args    []string
	etcd    *wire // its way to etcd
	process *process.Process
}

// another makes another API server of the cluster, which does not run yet.
func (c *cluster) another() (*server, error) {
	first, err := c.find("kube-apiserver", "--cert-dir=")
	if err != nil {
		return nil, err
	}
	line, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(first.PID), "cmdline"))
	if err != nil {
		return nil, err
	}
	s := &server{c: c, config: rest.CopyConfig(c.config)}
	to := strings.TrimPrefix(c.env.ControlPlane.Etcd.URL.String(), "http://")
	if s.etcd, err = newWire(net.JoinHostPort(backend.Loopback(), "0")); err != nil {
		return nil, err
	}
	go s.etcd.forward(to)
	host := backend.Loopback()
	port := "6443"
	s.config.Host = "https://" + net.JoinHostPort(host, port)
	s.config.ServerName = "127.0.0.1" // of the certificate that both have
	own := map[string]string{
		"--secure-port": port, "--bind-address": host, "--etcd-servers": "http://" + s.etcd.Addr().String(),
		"--feature-gates": "WatchList=false", // as older servers
	}
	for arg := range strings.SplitSeq(strings.Trim(string(line), "\x00"), "\x00") {
		if flag, _, _ := strings.Cut(arg, "="); own[flag] == "" {
			s.args = append(s.args, arg)
		}
	}
	s.args = s.args[1:]
	for flag, value := range own {
		s.args = append(s.args, flag+"="+value)
	}
	return s, nil
}

// forward carries connections to an address.
func (w *wire) forward(to string) {
	for {
		c, err := w.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			d, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer d.Close()
			go func() { _, _ = io.Copy(d, c); _ = d.Close() }()
			_, _ = io.Copy(c, d)
		}()
	}
}

// pauseEtcd stops etcd, and gives what lets it go on.
func (f *fragile) pauseEtcd(s *scenario) (resume func()) {
	s.t.Helper()
	etcd, err := f.find("etcd", "--data-dir=")
	s.must(err)
	s.must(syscall.Kill(etcd.PID, syscall.SIGSTOP))
	return func() { s.must(syscall.Kill(etcd.PID, syscall.SIGCONT)) }
}

// find finds a process of the cluster by its program and by a flag whose value names
// the cluster's folder.
func (c *cluster) find(program, flag string) (process.Info, error) {
	for _, p := range process.All() {
		if args := strings.Fields(p.Command); len(args) > 0 && filepath.Base(args[0]) == program && slices.ContainsFunc(args, func(arg string) bool {
			return strings.HasPrefix(arg, flag+c.folder+"/")
		}) && !p.Zombie {
			return p, nil
		}
	}
	return process.Info{}, errors.New("not found: the process of " + program)
}

// start starts the server, if it doesn't run, and waits until it is ready.
func (s *server) start() {
	s.t.Helper()
	if err := s.etcd.mend(); err != nil {
		s.t.Fatal(err)
	}
	if s.process == nil || s.process.Ended() {
		output, err := os.OpenFile(filepath.Join(s.c.folder, "second.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			s.t.Fatal(err)
		}
		defer output.Close()
		cmd := exec.Command(filepath.Join(s.c.assets, "kube-apiserver"), s.args...)
		cmd.Stdout, cmd.Stderr = output, output
		if s.process, err = process.Start(cmd, syscall.SIGKILL); err != nil {
			s.t.Fatal(err)
		}
	}
	client, err := kubernetes.NewForConfig(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := client.RESTClient().Get().AbsPath("/readyz").Do(context.Background()).Error()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || s.process.Ended() {
			s.t.Fatalf("the second API server: %v", err)
		}
	}
}

// kill ends the server as a machine ends that loses its power.
func (s *server) kill() {
	if s.process != nil {
		_ = s.process.Signal(syscall.SIGKILL)
		_, _ = s.process.Wait(patience)
	}
}

// compact makes etcd forget all versions but the newest.
func (c *cluster) compact() error {
	ask := func(path string, question, answer any) error {
		text, err := json.Marshal(question)
		if err != nil {
			return err
		}
		r, err := http.Post(c.env.ControlPlane.Etcd.URL.String()+path, "application/json", bytes.NewReader(text))
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			text, _ := io.ReadAll(r.Body)
			return fmt.Errorf("etcd answers %s: %s", r.Status, text)
		}
		return json.NewDecoder(r.Body).Decode(answer)
	}
	var now struct{ Header struct{ Revision string } }
	if err := ask("/v3/kv/range", map[string]any{"key": []byte("x")}, &now); err != nil {
		return err
	}
	return ask("/v3/kv/compaction", map[string]any{"revision": now.Header.Revision, "physical": true}, &struct{}{})
}
