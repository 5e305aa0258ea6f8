package nginx

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Reloads under steady requests on reused connections lose none.
func TestReloadsLoseNoRequest(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g0"))
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var mu sync.Mutex
	asked, failed := 0, []string{}
	for range 4 {
		clients.Go(func() {
			c := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			defer c.CloseIdleConnections()
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				problem := ""
				resp, err := c.Get("http://" + b.addr)
				if err == nil {
					var body []byte
					body, err = io.ReadAll(resp.Body)
					_ = resp.Body.Close()
					if resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), "g") {
						problem = fmt.Sprintf("%s %q", resp.Status, body)
					}
				}
				if err != nil {
					problem = err.Error()
				}
				mu.Lock()
				asked++
				if problem != "" {
					failed = append(failed, problem)
				}
				mu.Unlock()
			}
		})
	}
	for i := range 20 {
		b.apply(b.conf(fmt.Sprintf("g%d", i+1)))
	}
	close(stop)
	clients.Wait()
	if asked < 100 || len(failed) > 0 {
		t.Errorf("%d of %d requests failed: %q", len(failed), asked, failed)
	}
}

// A response in flight survives reloads.
func TestStreamSurvivesReloads(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	lines := make(chan string)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	backend := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Accel-Buffering", "no")
		for line := range lines {
			_, _ = fmt.Fprintln(w, line)
			_ = http.NewResponseController(w).Flush()
		}
	})}
	go func() { _ = backend.Serve(l) }()
	defer backend.Close()

	pass := fmt.Sprintf("location / { proxy_pass http://%s; }", l.Addr())
	b.apply(b.conf("g0", pass))
	c := http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	go func() { lines <- "line 0" }()
	resp, err := c.Get("http://" + b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	for i := range 4 {
		if want := fmt.Sprintf("line %d", i); !in.Scan() || in.Text() != want {
			t.Fatalf("got %q (%v), want %q", in.Text(), in.Err(), want)
		}
		b.apply(b.conf(fmt.Sprintf("g%d", i+1), pass))
		if i < 3 {
			lines <- fmt.Sprintf("line %d", i+1)
		}
	}
	// It survives for as long as nginx is told to let it, and no longer.
	short := b.conf("g5", pass)
	short.Conf = []byte(strings.Replace(string(short.Conf), "shutdown_timeout 20s", "shutdown_timeout 100ms", 1))
	b.apply(short)
	lines <- "line 4"
	if !in.Scan() || in.Text() != "line 4" {
		t.Errorf("got %q (%v): a new limit is not for old workers", in.Text(), in.Err())
	}
	close(lines)
}

// DX19: no descriptor and no goroutine is lost, however often nginx reloads,
// refuses, or is left alone. Not parallel: it counts those of the process.
func TestNothingLeaks(t *testing.T) {
	b := newBed(t)
	b.run()
	turns := 100
	if testing.Short() {
		turns = 20
	}
	b.apply(b.conf("start"))
	files, routines := descriptors(t), runtime.NumGoroutine()
	for i := range turns {
		f := b.conf(fmt.Sprintf("g%d", i))
		b.apply(f)
		b.apply(f)
		if i%10 == 0 {
			if err := b.Apply(t.Context(), b.conf("bad", "nonsense on;")); err == nil {
				t.Fatal("nonsense was accepted")
			}
		}
	}
	// Goroutines that are ending may take a moment.
	waitFor(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= routines })
	if now := descriptors(t); now > files {
		t.Errorf("%d descriptors became %d", files, now)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir(filepath.Join("/proc", "self", "fd"))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}
