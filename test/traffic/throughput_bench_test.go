package traffic

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	programs "github.com/30x/dispatcher/test/internal/process"
)

// BenchmarkThroughput compares requests a second through Dispatcher's nginx and
// through one with a configuration written by hand, for the same Pod, in rounds that
// take turns. All share this machine with the client and the Pod: the ratio counts.
func BenchmarkThroughput(b *testing.B) {
	pod := newPod(b, "shop", "web", at("/app"))
	_ = pod.server.Close()
	nginx(b, fmt.Sprintf(`server { listen %s:%d; location / { return 200 "hello"; } }`, pod.ip, pod.port))
	d := prepare(b)
	d.apply(namespace("shop", "www.example.com"), pod)
	d.run("--access-log=false")
	byHand := freeAddresses(b, newLoopback(), 1)[0]
	nginx(b, fmt.Sprintf(`
		map $http_upgrade $connection_header { default upgrade; "" ""; }
		upstream web { server %s:%d; keepalive 32; }
		server { listen %s; server_name www.example.com;
			proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header Connection $connection_header;
			proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Real-IP $remote_addr;
			proxy_set_header X-Request-ID $request_id;
			location /app/ { proxy_pass http://web; } }`, pod.ip, pod.port, byHand))
	for b.Loop() {
		const rounds, each = 10, 2 * time.Second
		var ratios []float64
		for i := range rounds {
			var ours, theirs float64
			if i%2 == 0 {
				ours, theirs = rate(b, d.addr, each), rate(b, byHand, each)
			} else {
				theirs, ours = rate(b, byHand, each), rate(b, d.addr, each)
			}
			b.Logf("round %2d: %6.0f/s, by hand %6.0f/s: %.3f", i+1, ours, theirs, ours/theirs)
			ratios = append(ratios, ours/theirs)
		}
		slices.Sort(ratios)
		b.ReportMetric((ratios[rounds/2-1]+ratios[rounds/2])/2, "ratio")
		b.ReportMetric(ratios[0], "least-ratio")
		b.ReportMetric(ratios[rounds-1], "greatest-ratio")
	}
}

// nginx runs one with what stands in its http block.
func nginx(b *testing.B, http string) {
	b.Helper()
	dir, err := os.MkdirTemp("", "n")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	temps := ""
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temps += fmt.Sprintf("%s_temp_path %s/%s;\n", name, dir, name)
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("daemon off; pid %s/pid; error_log stderr warn; worker_processes auto; events { worker_connections 1024; }\nhttp { access_log off;\n%s%s\n}\n", dir, temps, http)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(needPrograms(b).Nginx, "-c", conf, "-p", dir, "-e", "stderr")
	cmd.Stderr = os.Stderr
	p, err := programs.Start(cmd, 15)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = p.Signal(15)
		if _, err := p.Wait(patience); err != nil {
			b.Error(err)
		}
	})
}

// rate asks on 32 connections for a while, and gives the answers a second.
func rate(b *testing.B, addr string, length time.Duration) float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), length)
	defer cancel()
	var answers atomic.Int64
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			for ctx.Err() == nil {
				n, err := askOn(ctx, addr)
				answers.Add(n)
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return float64(answers.Load()) / length.Seconds()
}

// askOn asks on one connection until the server wants another one, or ctx is done.
func askOn(ctx context.Context, addr string) (answers int64, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		if ctx.Err() != nil {
			err = nil
		}
		return 0, err
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for ctx.Err() == nil {
		if _, err := io.WriteString(conn, "GET /app/x HTTP/1.1\r\nHost: www.example.com\r\n\r\n"); err != nil {
			return answers, err
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return answers, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			return answers, err
		}
		if resp.StatusCode != http.StatusOK {
			return answers, errors.New(resp.Status)
		}
		if answers++; resp.Close {
			break
		}
	}
	return answers, nil
}
