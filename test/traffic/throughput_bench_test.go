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
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	programs "github.com/30x/dispatcher/test/internal/process"
)

// BenchmarkThroughput compares Dispatcher's nginx and one with a configuration written
// by hand, for the same Pod, in rounds that take turns: by requests a second, and by
// the CPU time of nginx's workers for each request. All share this machine with the
// client and the Pod, so ratios count; that of CPU time hardly depends on what else
// the machine does.
func BenchmarkThroughput(b *testing.B) {
	pod := newPod(b, "shop", "web", at("/app"))
	_ = pod.server.Close()
	nginx(b, fmt.Sprintf(`server { listen %s:%d; location / { return 200 "hello"; } }`, pod.ip, pod.port))
	d := prepare(b)
	d.apply(namespace("shop", "www.example.com"), pod)
	d.run("--access-log=false")
	addr := freeAddresses(b, newLoopback(), 1)[0]
	ours := server{d.addr, workers(d.masterPID())}
	byHand := server{addr, workers(nginx(b, fmt.Sprintf(`
		map $http_upgrade $connection_header { default upgrade; "" ""; }
		upstream web { server %s:%d; keepalive 32; }
		server { listen %s; server_name www.example.com;
			proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header Connection $connection_header;
			proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Real-IP $remote_addr;
			proxy_set_header X-Request-ID $request_id;
			location /app/ { proxy_pass http://web; } }`, pod.ip, pod.port, addr)))}
	for b.Loop() {
		const rounds, each = 10, 2 * time.Second
		var rates, costs []float64
		for i := range rounds {
			var our, their cost
			if i%2 == 0 {
				our, their = ours.load(b, each), byHand.load(b, each)
			} else {
				their, our = byHand.load(b, each), ours.load(b, each)
			}
			b.Logf("round %2d: %6.0f/s and %5.1f µs, by hand %6.0f/s and %5.1f µs: %.3f and %.3f", i+1, our.rate, our.cpu, their.rate, their.cpu, our.rate/their.rate, our.cpu/their.cpu)
			rates, costs = append(rates, our.rate/their.rate), append(costs, our.cpu/their.cpu)
		}
		for name, ratios := range map[string][]float64{"": rates, "CPU-": costs} {
			slices.Sort(ratios)
			b.ReportMetric((ratios[rounds/2-1]+ratios[rounds/2])/2, name+"ratio")
			b.ReportMetric(ratios[0], "least-"+name+"ratio")
			b.ReportMetric(ratios[rounds-1], "greatest-"+name+"ratio")
		}
	}
}

// server is an nginx: where it listens, and the ids of its workers.
type server struct {
	addr    string
	workers []int
}

// cost is how many requests a second an nginx answers, and the time that its workers
// use for each, in microseconds.
type cost struct{ rate, cpu float64 }

// load asks an nginx for a while.
func (s server) load(b *testing.B, lasts time.Duration) cost {
	b.Helper()
	before := s.cpu(b)
	answers := rate(b, s.addr, lasts) * lasts.Seconds()
	return cost{answers / lasts.Seconds(), float64((s.cpu(b) - before).Microseconds()) / answers}
}

// cpu is the time that the workers have used, in user space and in the kernel.
func (s server) cpu(b *testing.B) (sum time.Duration) {
	b.Helper()
	const tick = time.Second / 100 // Linux tells in hundredths of a second, whatever its own
	if len(s.workers) == 0 {
		b.Fatal("nginx has no workers")
	}
	for _, pid := range s.workers {
		text := readFile(fmt.Sprintf("/proc/%d/stat", pid))
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // from the third
		for _, n := range []int{14 - 3, 15 - 3} {
			if len(fields) <= n {
				b.Fatalf("worker %d has ended", pid)
			}
			ticks, err := strconv.Atoi(fields[n])
			if err != nil {
				b.Fatal(err)
			}
			sum += time.Duration(ticks) * tick
		}
	}
	return sum
}

// nginx runs one with what stands in its http block, and gives its id when it serves.
func nginx(b *testing.B, http string) (master int) {
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
	for deadline := time.Now().Add(patience); len(workers(p.PID())) < runtime.NumCPU(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatal("nginx does not start its workers")
		}
	}
	return p.PID()
}

// rate asks on 32 connections for a while, and gives the answers a second.
func rate(b *testing.B, addr string, length time.Duration) float64 {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context()) // a deadline could end a dial before it ends ctx
	defer cancel()
	defer time.AfterFunc(length, cancel).Stop()
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
