package traffic

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestReloadsLoseNothing: 200 requests a second on kept connections through 20
// reloads, some of which change the very Pods that answer: none fails.
func TestReloadsLoseNothing(t *testing.T) {
	t.Parallel()
	const reloads, clients, pause = 20, 8, 40 * time.Millisecond
	a, b := newPod(t, "shop", "a", at("/app")), newPod(t, "shop", "b", at("/app"))
	other := newPod(t, "shop", "other", at("/before"))
	d := start(t, namespace("shop", "www.example.com"), a, b, other)

	var asked atomic.Int64
	var load sync.WaitGroup
	done := make(chan struct{})
	for range clients {
		client := d.client()
		load.Go(func() {
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for {
				select {
				case <-done:
					return
				case <-tick.C:
				}
				asked.Add(1)
				r, err := client.Get("http://www.example.com/app")
				if err != nil {
					t.Errorf("request failed: %v", err)
					continue
				}
				_, err = io.Copy(io.Discard, r.Body)
				_ = r.Body.Close()
				if r.StatusCode != http.StatusOK || err != nil {
					t.Errorf("status %d, %v", r.StatusCode, err)
				}
			}
		})
	}
	before := d.lives()
	for i := range reloads {
		d.apply(b.ready(i%4 != 1), other.paths(at(fmt.Sprintf("/reload-%d", i))))
		d.serves("www.example.com", fmt.Sprintf("/reload-%d", i), "other")
	}
	close(done)
	load.Wait()
	if n := d.lives() - before; n < reloads-1 {
		t.Errorf("only %d reloads took place", n)
	}
	if asked.Load() < 100 || b.hits.Load() == 0 {
		t.Errorf("%d requests, %d of them to Pod b: too few to tell", asked.Load(), b.hits.Load())
	}
	t.Logf("%d requests through %d reloads", asked.Load(), reloads)
}

// TestTemplates: templates of an operator are used, a change to them is served at
// once, and one that fails leaves the last good configuration in service: if
// nginx refuses the result, its message and line are reported.
func TestTemplates(t *testing.T) {
	t.Parallel()
	builtIn := readFile("../../templates/default-server.tmpl")
	extra := func(directive string) string {
		return strings.Replace(builtIn, "access_log off;", "access_log off; "+directive, 1)
	}
	folder, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	template := filepath.Join(folder, "default-server.tmpl")
	replaceFile(t, template, extra("add_header X-Template 1;"))

	web := newPod(t, "shop", "web", at("/app"))
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web)
	d.run("--template-dir=" + folder)
	header := func() string { return d.try("unknown", "/dispatcher/status").Received.Get("X-Template") }
	if header() != "1" {
		t.Fatal("the template is not used")
	}
	master := d.masterPID()
	for i, bad := range []struct{ text, complaint string }{
		{extra("no_such_directive on;"), "unknown directive"},
		{extra("return 200 'never ends;"), "nginx.conf"},
		{extra("{{.NoSuchField}}"), "NoSuchField"},
		{extra("{{if}}"), "default-server.tmpl:"},
	} {
		logged := len(d.log())
		replaceFile(t, template, bad.text)
		d.eventually("the bad template is reported", func() bool {
			log := d.log()[logged:]
			return strings.Contains(log, "level=ERROR") && strings.Contains(log, bad.complaint) && strings.Contains(log, "last good")
		})
		// A good change of manifests still gets through.
		path := fmt.Sprintf("/after-%d", i)
		d.apply(web.paths(at(path)))
		d.serves("www.example.com", path, "web")
		if header() != "1" {
			t.Errorf("%s: the last good template is not in use", bad.complaint)
		}
		if status, text := d.probe("/readyz"); status != http.StatusOK {
			t.Errorf("%s: not ready: %s", bad.complaint, text)
		}
	}
	if log := d.log(); !strings.Contains(log, `unknown directive \"no_such_directive\"`) || !strings.Contains(log, "nginx.conf.") {
		t.Error("nginx's own message and line are not reported")
	}
	replaceFile(t, template, extra("add_header X-Template 2;"))
	d.eventually("the good template is used", func() bool { return header() == "2" })
	if d.masterPID() != master {
		t.Error("nginx was restarted")
	}
}
