package traffic

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// load is clients that ask until they are told to stop. Each asks every 40 ms.
type load struct {
	asked, failed atomic.Int64
	clients       sync.WaitGroup
	done          chan struct{}
}

// ask starts clients; each has what newAsker returns, which is nil if it went well.
func (l *load) ask(t *testing.T, clients int, what string, newAsker func() func() error) {
	for range clients {
		ask := newAsker()
		l.clients.Go(func() {
			tick := time.NewTicker(40 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-l.done:
					return
				case <-tick.C:
				}
				l.asked.Add(1)
				if err := ask(); err != nil {
					l.failed.Add(1)
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// asker asks with a client. HTTP lets a client repeat a GET whose connection is
// closed, and Go's does; with once it can't.
func asker(client *http.Client, url string, once bool) func() error {
	return func() error {
		var a answer
		if once {
			a = fetch(client, url, "")
		} else {
			a = read(client.Get(url))
		}
		if a.Err == nil && a.Status != http.StatusOK {
			return fmt.Errorf("status %d", a.Status)
		}
		return a.Err
	}
}

// keepsIdle reports whether this nginx takes a last request on connections that
// are idle at a reload: since 1.27.4 (keepalive_min_timeout).
func (d *dispatcher) keepsIdle() bool {
	return strings.Contains(readFile(filepath.Join(d.work, "nginx.conf")), "keepalive_min_timeout")
}

// TestRotation: DF22, DF27. While 200 requests a second come on kept connections
// and on new ones, a Secret is changed ten times: no request fails, and the new
// certificate is shown within a window and a second. With HTTP/2, nginx tells the
// clients which requests to repeat; with HTTP/1.1, old versions of it don't.
func TestRotation(t *testing.T) {
	t.Parallel()
	const rotations, window = 10, 100 * time.Millisecond
	d := prepareTLS(t)
	door := d.certified("shop", "secure.dev")
	d.apply(hosts(namespace("shop"), map[string]option{"secure.dev": overTLS()}), door, newPod(t, "shop", "web", at("/")))
	d.run("--event-window=" + window.String())
	l := &load{done: make(chan struct{})}
	stop := sync.OnceFunc(func() { close(l.done); l.clients.Wait() })
	t.Cleanup(stop) // before Dispatcher, also if the test is cut short
	l.ask(t, 3, "kept HTTP/1.1 connection", func() func() error { return asker(d.web(d.wary(), 1), "https://secure.dev/kept", d.keepsIdle()) })
	l.ask(t, 3, "kept HTTP/2 connection", func() func() error { return asker(d.web(d.wary(), 2), "https://secure.dev/kept", false) })
	l.ask(t, 2, "new connection", func() func() error {
		config := d.wary()
		config.ServerName = "secure.dev"
		return func() error {
			a := d.sendTLS(config, get("secure.dev", "/new", "Connection: close"))
			if a.Err == nil && a.Status != http.StatusOK {
				return fmt.Errorf("status %d", a.Status)
			}
			return a.Err
		}
	})
	before := d.lives()
	var took []time.Duration
	for range rotations {
		door.Data = d.certified("shop", "secure.dev").Data
		want := leaf(t, string(door.Data["ssl.crt"]))
		began := time.Now()
		d.apply(door)
		d.eventually("the new certificate is shown", func() bool { return shown(d, "secure.dev").Equal(want) })
		took = append(took, time.Since(began))
		d.settle()
		for range 5 {
			if !shown(d, "secure.dev").Equal(want) {
				t.Error("an old certificate is shown after the new one")
			}
		}
	}
	stop()
	slices.Sort(took)
	if median := took[rotations/2]; median > window+time.Second { // a machine that is busy may delay some
		t.Errorf("half of the certificates were shown after more than %v", median)
	}
	if n := d.lives() - before; n != rotations {
		t.Errorf("%d changes made %d configurations", rotations, n)
	}
	if l.asked.Load() < 100 {
		t.Errorf("%d requests are too few to tell", l.asked.Load())
	}
	t.Logf("%d requests through %d new certificates, %d failed; they were shown after %v to %v", l.asked.Load(), rotations, l.failed.Load(), took[0], took[rotations-1])
}

// shown is the certificate that a new connection is shown; nil if there is none.
func shown(d *dispatcher, host string) *x509.Certificate {
	conn, err := d.dialTLS(hello(host))
	if err != nil {
		return nil
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

// certificates lists what is in a folder of SSL_CERT_DIR, and reports whatever is
// not as private as it must be.
func (d *dispatcher) certificates(folder string) (files []string) {
	d.t.Helper()
	err := filepath.WalkDir(filepath.Join(d.work, "ssl", folder), func(path string, e fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = e.Info()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // just now removed
		}
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = fs.ModeDir | 0o700
		} else {
			files = append(files, e.Name())
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); info.Mode() != want || ok && int(stat.Uid) != os.Geteuid() {
			d.t.Errorf("%s has mode %v and belongs to user %d", path, info.Mode(), stat.Uid)
		}
		return nil
	})
	if err != nil {
		d.t.Error(err)
	}
	return files
}

// TestCertificateFiles: DF22. Files have the documented names and are private; old
// keys go from the disk when they are replaced, and all of them with their host.
// Keys are nowhere else.
func TestCertificateFiles(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	d.runsBy("open", &d.programs.Dispatcher, "umask 0\n")
	c := newClients(t)
	ns := namespace("shop")
	both := map[string]option{"secure.dev": overTLS().clients("client.crt"), "*.secure.dev": overTLS()}
	web := newPod(t, "shop", "web", at("/"))
	keys := secretLines(readFile(d.beside("default.key")))
	renew := func() map[string][]byte {
		door := d.certified("shop", "secure.dev", "*.secure.dev")
		door.Data["client.crt"] = []byte(c.ca.PEM())
		keys = append(keys, secretLines(string(door.Data["ssl.key"]))...)
		return door.Data
	}
	door := secret("shop", "routing")
	door.Data = renew()
	d.apply(hosts(ns, both), door, web)
	d.run()
	check := func(what string) {
		t.Helper()
		d.settle()
		d.eventually(what+": old files are gone", func() bool { return len(d.certificates("secure.dev")) == 6 && len(d.certificates("*.secure.dev")) == 4 })
		for name, field := range map[string]string{"certificate.crt": "ssl.crt", "certificate.key": "ssl.key", "clientCertificate.crt": "client.crt"} {
			if text := readFile(filepath.Join(d.work, "ssl", "secure.dev", name)); text != string(door.Data[field]) {
				t.Errorf("%s: %s does not hold what is served", what, name)
			}
		}
		d.certificates("") // looks at all folders
		conf := readFile(filepath.Join(d.work, "nginx.conf"))
		for _, name := range d.certificates("secure.dev") {
			documented := slices.Contains([]string{"certificate.crt", "certificate.key", "clientCertificate.crt"}, name)
			if !documented && !strings.Contains(conf, filepath.Join(d.work, "ssl", "secure.dev", name)) {
				t.Errorf("%s: %s is not in use", what, name)
			}
		}
	}
	check("at first")
	for range 3 {
		door.Data = renew()
		want := leaf(t, string(door.Data["ssl.crt"]))
		d.apply(door)
		d.eventually("the new certificate is shown", func() bool { return shown(d, "secure.dev").Equal(want) })
		check("renewed")
	}
	d.keepsSecret(keys...)
	folders := func() []string {
		entries, err := filepath.Glob(filepath.Join(d.work, "ssl", "[^.]*"))
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range entries {
			entries[i] = filepath.Base(e)
		}
		slices.Sort(entries)
		return entries
	}
	d.apply(hosts(ns, map[string]option{"secure.dev": overTLS()}))
	d.eventually("the folder of a host that is gone is gone, and its clients' file", func() bool {
		return slices.Equal(folders(), []string{"_default", "secure.dev"}) && len(d.certificates("secure.dev")) == 4
	})
	d.remove(door)
	d.eventually("the files of a host that can't be served are gone", func() bool { return slices.Equal(folders(), []string{"_default"}) })
	d.apply(door)
	d.servesTLS("secure.dev", "/", "web")
	d.signal(syscall.SIGTERM)
	d.wait()
	d.apply(hosts(ns, map[string]option{"plain.dev": {}}))
	d.run()
	d.eventually("what went while nobody looked is gone", func() bool { return slices.Equal(folders(), []string{"_default"}) })
	d.signal(syscall.SIGTERM)
	d.wait()
	d.env = nil
	d.run()
	d.eventually("without TLS nothing is left", func() bool { return len(folders()) == 0 })
	if got := d.ask("plain.dev", "/"); got.Pod != "web" {
		t.Errorf("without TLS: %+v", got)
	}
	if text := d.log(); strings.Contains(text, "BEGIN") {
		t.Error("the log holds PEM")
	}
}
