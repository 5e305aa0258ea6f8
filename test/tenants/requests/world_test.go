package requests

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// tlsPort is where nginx speaks TLS: nobody else has its IP.
const tlsPort = "9443"

// ranges is the field of a path that lets in nobody of this machine.
const ranges = `"allowSourceRanges": "192.0.2.0/24"`

// world is a Dispatcher with the tenants of testdata/tenants.yaml.
type world struct {
	*dispatcher.Dispatcher
	Certificate, Key, Clients string // of TLS hosts, encoded as in a Secret

	t      *testing.T
	pods   map[string]*rawPod // by name
	client tls.Certificate    // one that mutual.test takes
}

// Pods are those of the manifests.
func (w *world) Pods() map[string]*rawPod { return w.pods }

// prepare makes the tenants and their Pods. Flags are those of dispatcher run.
func prepare(t *testing.T, flags ...string) *world {
	t.Helper()
	programs, err := findPrograms()
	programs = dispatcher.Need(t, programs, err)
	w := &world{t: t, pods: map[string]*rawPod{}}
	for _, p := range []*rawPod{
		newRawPod(t, "alpha", "alpha-web", path("/")),
		newRawPod(t, "alpha", "alpha-admin", path("/admin", ranges)),
		newRawPod(t, "alpha", "alpha-exact", path("/exact", `"match": "exact"`, ranges)),
		newRawPod(t, "alpha", "alpha-target", path("/t", `"targetPath": "/inner"`)),
		newRawPod(t, "alpha", "alpha-both", path("/both"), path("/both/secret", ranges)),
		newRawPod(t, "alpha", "alpha-room", path("/room", `"policy": "hash"`, `"key": "segment:1"`)),
		newRawPod(t, "beta", "beta-web", path("/b")),
		newRawPod(t, "beta", "beta-target", path("/bt", `"targetPath": "/"`)),
		newRawPod(t, "keyed", "keyed-web", path("/k")),
		newRawPod(t, "secure", "secure-web", path("/")),
		newRawPod(t, "evil", "evil-pod", path("/evil"), path("/dispatcher/status"), path("/generation"), path("/version"), path("/status")),
		newRawPod(t, "witness-1", "witness-one", path("/")),
		newRawPod(t, "witness-2", "witness-two", path("/")),
	} {
		w.pods[p.Name] = p
	}
	servers, clients := pki.NewAuthority(t, "servers"), pki.NewAuthority(t, "clients")
	chain, key := servers.Server(t, []string{"secure.test", "mutual.test"})
	w.Certificate, w.Key, w.Clients = encode(chain), encode(key), encode(clients.PEM())
	if w.client, err = tls.X509KeyPair(both(clients.Client(t, "alice"))); err != nil {
		t.Fatal(err)
	}

	w.Dispatcher = dispatcher.New(t, programs, flags...)
	chain, key = servers.Server(t, []string{"default.test"})
	manifests := filepath.Join(w.Folder, "manifests")
	if err := os.Mkdir(manifests, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"default.crt": chain, "default.key": key, "manifests/tenants.yaml": w.manifests()} {
		if err := os.WriteFile(filepath.Join(w.Folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.Env = []string{"SOURCE=" + manifests, "SSL_PORT=" + tlsPort, "SSL_CERT=" + filepath.Join(w.Folder, "default.crt"), "SSL_KEY=" + filepath.Join(w.Folder, "default.key")}
	return w
}

// begin is prepare, and Dispatcher runs and serves.
func begin(t *testing.T, flags ...string) *world {
	t.Helper()
	w := prepare(t, flags...)
	w.Run()
	for _, host := range witnesses() {
		w.Answers(host, "/ready", 200)
	}
	return w
}

// witnesses are hosts of tenants who have nothing to do with all that.
func witnesses() []string { return []string{"one.witness.test", "two.witness.test"} }

func (w *world) manifests() string {
	w.t.Helper()
	text, err := template.ParseFiles(filepath.Join("testdata", "tenants.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	var out strings.Builder
	if err := text.Execute(&out, w); err != nil {
		w.t.Fatal(err)
	}
	return out.String()
}

// path is an entry of a Pod's annotation, with further fields.
func path(base string, fields ...string) string {
	return strings.Join(append([]string{fmt.Sprintf("%q: %q", "basePath", base)}, fields...), ", ")
}

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func both(chain, key string) (a, b []byte) { return []byte(chain), []byte(key) }

// ip is nginx's own address here.
func (w *world) ip() string {
	ip, _, _ := net.SplitHostPort(w.Addr)
	return ip
}
