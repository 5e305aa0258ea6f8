package tenants

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/test/internal/backend"
	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// world is a Dispatcher with its nginx, the tenants, and their Pods' servers.
type world struct {
	*dispatcher.Dispatcher
	ca        *pki.Authority
	manifests string // folder
	secure    string // nginx listens here for TLS
	pods      map[string]*backend.Backend
	witness   *witness
	exclusive bool            // no host is shared
	routes    int             // that the newcomer has added
	delays    []time.Duration // until each was live
}

// newWorld starts a Dispatcher with the well-behaved tenants.
func newWorld(t *testing.T, programs dispatcher.Programs, settings ...string) *world {
	t.Helper()
	w := &world{Dispatcher: dispatcher.New(t, programs), ca: pki.NewAuthority(t, "authority"), pods: map[string]*backend.Backend{}}
	w.exclusive = slices.Contains(settings, "HOST_POLICY=exclusive")
	w.manifests = filepath.Join(w.Folder, "manifests")
	if err := os.Mkdir(w.manifests, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"witness-0", "witness-1", "open", "vault", "newcomer", "evil"} {
		b, err := backend.Start(t.Context(), name, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		w.pods[name] = b
	}
	ip, _, _ := net.SplitHostPort(w.Addr)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	w.secure = l.Addr().String()
	_ = l.Close() // nobody else has the IP, so the port stays free
	_, port, _ := net.SplitHostPort(w.secure)
	chain, key := w.ca.Server(t, []string{"default.example"})
	w.put(t, "../default.crt", chain)
	w.put(t, "../default.key", key)
	w.put(t, "../ca.crt", w.ca.PEM())
	w.Env = append([]string{"SSL_PORT=" + port, "SSL_CERT=" + w.Folder + "/default.crt", "SSL_KEY=" + w.Folder + "/default.key",
		"BACKEND_CA=" + w.Folder + "/ca.crt", "INGRESS_TLS=true", "LOG_FORMAT=json", "WORKER_PROCESSES=2", "ENDPOINTS=" + os.Getenv("ENDPOINTS")}, settings...)
	w.put(t, "witness.json", list(w.bystanders(t)...))
	w.put(t, "newcomer.json", list(w.newcomers()...))
	w.Run("--source=" + w.manifests)
	w.witness = newWitness(t, w)
	return w
}

// put writes a manifest file whole.
func (w *world) put(t *testing.T, name, text string) {
	t.Helper()
	if err := w.write(name, text); err != nil {
		t.Fatal(err)
	}
}

// write is put for any goroutine.
func (w *world) write(name, text string) error {
	path := filepath.Join(w.manifests, name)
	next := filepath.Join(filepath.Dir(path), ".next-"+filepath.Base(name))
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// list is a manifest of several objects.
func list(objects ...any) string {
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": objects})
	if err != nil {
		panic(err) // a mistake in the test
	}
	return string(text)
}

// await waits until a condition holds.
func (w *world) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(dispatcher.Patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if w.Ended() {
			t.Fatal("dispatcher has ended")
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", dispatcher.Patience, what)
		}
	}
}

// add has the newcomer add a route, and waits until it is served: one of a Pod's, and
// one of a Service, which is read after all of the hostile tenant's objects.
func (w *world) add(t *testing.T) {
	t.Helper()
	w.routes++
	path := "/n" + strconv.Itoa(w.routes)
	began := time.Now()
	w.put(t, "newcomer.json", list(w.newcomers()...))
	w.await(t, "the newcomer's route is served", func() bool { return w.Try("new.example", path).Pod == "newcomer" })
	w.delays = append(w.delays, time.Since(began))
	w.await(t, "the newcomer's Service is read", func() bool { return strings.HasPrefix(w.Try("service.new.example", "/").URI, path) })
	w.await(t, "nginx has confirmed its configuration", w.Settled)
}

// lines are the log's from an offset on: the values of each, with bars between them.
func (w *world) lines(from int) (lines []logged) {
	for line := range strings.Lines(w.Log()[from:]) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) != nil {
			continue // nginx's
		}
		l := logged{}
		l.level, _ = fields["level"].(string)
		for _, name := range []string{"msg", "object", "key", "reason", "document", "problem", "file", "error"} {
			text, _ := fields[name].(string)
			l.text += text + "|"
		}
		lines = append(lines, l)
	}
	return lines
}

// logged is a line of the log.
type logged struct{ level, text string }

// tells reports whether a line holds all the parts, which have bars between them.
func (l logged) tells(parts string) bool {
	for part := range strings.SplitSeq(parts, "|") {
		if !strings.Contains(l.text, part) {
			return false
		}
	}
	return true
}

// idle stands for the status of a path whose Pods are there, but can't serve.
const idle = -1

// idle is that status: where nginx learns of endpoints without a reload, the path stays.
func (w *world) idle() int {
	if strings.Contains(w.Log(), `"endpoints":"dynamic"`) {
		return http.StatusServiceUnavailable
	}
	return http.StatusNotFound
}
