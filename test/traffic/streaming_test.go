package traffic

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const large = 100 << 20 // bytes

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestStreamingResponse: DF30. With X-Accel-Buffering: no, the client has the
// first line before the Pod has written the second.
func TestStreamingResponse(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"), at("/foo").to("/app"))
	open := make(chan struct{}, 1)
	web.on("/app/events", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Accel-Buffering", "no")
		w.Header().Set("Content-Length", "13") // without it, nginx would hardly buffer
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		<-open
		_, _ = io.WriteString(w, "second\n")
	})
	d := start(t, namespace("shop", "www.example.com"), web)
	for _, uri := range []string{"/app/events", "/foo/events"} {
		_, body := d.request(http.MethodGet, uri, nil)
		lines := bufio.NewScanner(body)
		if !lines.Scan() || lines.Text() != "first" {
			t.Fatalf("%s: no first line before the second is written: %v", uri, lines.Err())
		}
		open <- struct{}{}
		if !lines.Scan() || lines.Text() != "second" {
			t.Errorf("%s: no second line: %v", uri, lines.Err())
		}
	}
}

// TestStreamingRequest: DF30. The Pod has the first bytes of a body before the
// client has sent the last.
func TestStreamingRequest(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"))
	got := make(chan string, 10)
	web.on("/app/upload", func(w http.ResponseWriter, r *http.Request) {
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			got <- lines.Text()
		}
		web.echo(w, r)
	})
	d := start(t, namespace("shop", "www.example.com"), web)
	body, writer := io.Pipe()
	go func() {
		for _, line := range []string{"first", "second"} {
			_, _ = io.WriteString(writer, line+"\n")
			select {
			case <-got:
			case <-time.After(patience / 3):
				_ = writer.CloseWithError(errors.New("the Pod has not seen a line of the body"))
				return
			}
		}
		_ = writer.Close()
	}()
	if status, _ := d.request(http.MethodPost, "/app/upload", body); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

// TestLargeBodies: DF30. 100 MB pass in both directions without a size limit,
// and nothing of them is written to disk, not even halfway.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"))
	d := start(t, namespace("shop", "www.example.com"), web)
	check := func(when string) {
		if n := d.temporaryBytes(); n > 64<<10 {
			t.Errorf("%s: %d bytes in temporary files", when, n)
		}
	}
	web.on("/app/up", func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.CopyN(io.Discard, r.Body, large/2)
		check("upload")
		m, _ := io.Copy(io.Discard, r.Body)
		if n+m != large {
			t.Errorf("upload: the Pod got %d bytes", n+m)
		}
	})
	web.on("/app/down", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, large) })

	if status, _ := d.request(http.MethodPost, "/app/up", io.LimitReader(zeros{}, large)); status != http.StatusOK {
		t.Errorf("upload: status %d", status)
	}
	_, body := d.request(http.MethodGet, "/app/down", nil)
	n, _ := io.CopyN(io.Discard, body, large/2)
	check("download")
	if m, err := io.Copy(io.Discard, body); n+m != large || err != nil {
		t.Errorf("download: %d bytes, %v", n+m, err)
	}
}

// TestBodyLimit: DF30. The limit is off by default and can be set.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"))
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web)
	d.run("--nginx-max-client-body-size=1k")
	for size, want := range map[int]int{1024: http.StatusOK, 1025: http.StatusRequestEntityTooLarge} {
		if status, _ := d.request(http.MethodPost, "/app", strings.NewReader(strings.Repeat("x", size))); status != want {
			t.Errorf("%d bytes: status %d, want %d", size, status, want)
		}
	}
}

// TestUpstreamKeepalive: DF30. Many requests take few connections to the Pod,
// with and without a target path.
func TestUpstreamKeepalive(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"), at("/foo").to("/app"))
	d := prepare(t)
	d.apply(namespace("shop", "www.example.com"), web)
	d.run("--worker-processes=1")
	for range 50 {
		d.ask("www.example.com", "/app/x")
		d.ask("www.example.com", "/foo/x")
	}
	if n := web.connections.Load(); n > 4 || web.hits.Load() != 100 {
		t.Errorf("%d requests took %d connections", web.hits.Load(), n)
	}
}

// request sends a request to www.example.com through a client of its own, and
// returns when the head of the answer is there.
func (d *dispatcher) request(method, uri string, body io.Reader) (status int, answer io.Reader) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, "http://www.example.com"+uri, body)
	if err != nil {
		d.t.Fatal(err)
	}
	res, err := d.client().Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = res.Body.Close() })
	return res.StatusCode, res.Body
}

// temporaryBytes sums up nginx's temporary files, with those that are deleted
// but still open.
func (d *dispatcher) temporaryBytes() int64 {
	folder := filepath.Join(d.work, "tmp")
	var sum int64
	_ = filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	for _, pid := range workers(d.masterPID()) {
		files, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*"))
		for _, f := range files {
			if target, _ := os.Readlink(f); strings.HasPrefix(target, folder) && strings.HasSuffix(target, "(deleted)") {
				if info, err := os.Stat(f); err == nil {
					sum += info.Size()
				}
			}
		}
	}
	return sum
}
