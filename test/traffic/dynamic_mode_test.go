package traffic

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDynamicConfiguration: DX15. nginx.conf holds no address of a Pod, whatever their
// number; those that it does hold are nginx's own and the responder's.
func TestDynamicConfiguration(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app").with("weight", 7), at("/from").to("/to"), entry{"basePath": "/exact", "match": "exact"})
	other := newPod(t, "shop", "other", at("/app"))
	d := startDynamic(t, namespace("shop", "www.example.com"), web, other)
	path := filepath.Join(d.work, "nginx.conf")
	before := readFile(path)
	d.apply(other.ready(false), web.paths(at("/app").with("weight", 9), at("/from").to("/to"), entry{"basePath": "/exact", "match": "exact"}))
	d.eventually("endpoints live", func() bool { return d.told() > 0 })
	if readFile(path) != before {
		t.Error("nginx.conf has changed with endpoints")
	}
	ip, port, _ := net.SplitHostPort(d.addr)
	own := []string{d.addr, ip + ":9252", ip + ":9253"} // where it listens, and where the responder does
	servers, addresses := 0, regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(?::[0-9]+)?|\[[0-9a-f:]+\]`)
	lines := bufio.NewScanner(strings.NewReader(before))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "server ") && !strings.HasPrefix(line, "server {") {
			servers++
			if !regexp.MustCompile(`^server pods-[0-9a-f]{32}\.endpoints\.internal service=http resolve max_fails=0;$`).MatchString(line) {
				t.Errorf("the upstream says %q", line)
			}
		}
		for _, found := range addresses.FindAllString(line, -1) {
			if !slices.Contains(own, found) {
				t.Errorf("%q has the address %s", line, found)
			}
		}
	}
	if servers != 3 || strings.Contains(before, fmt.Sprint(web.port)) || strings.Contains(before, "weight") || port == "" {
		t.Errorf("%d servers of upstreams, want 3, or a Pod's port or weight is there", servers)
	}
}

// sockets lists the addresses at which a process listens, or takes packets, as /proc
// has them.
func sockets(t *testing.T, pid int) (out []netip.AddrPort) {
	t.Helper()
	inodes := map[string]bool{}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		to, _ := os.Readlink(link)
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	for name, state := range map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"} {
		for line := range strings.Lines(readFile("/proc/net/" + name)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != state || !inodes[f[9]] {
				continue
			}
			var port uint16
			host, hexPort, _ := strings.Cut(f[1], ":")
			raw, err := hex.DecodeString(host)
			if _, bad := fmt.Sscanf(hexPort, "%X", &port); err != nil || bad != nil {
				t.Fatalf("%s: %v", line, err)
			}
			for i := 0; i < len(raw); i += 4 { // this machine writes numbers of 32 bits
				slices.Reverse(raw[i : i+4])
			}
			addr, _ := netip.AddrFromSlice(raw)
			out = append(out, netip.AddrPortFrom(addr, port))
		}
	}
	return out
}

// TestDynamicResponder: nobody else can use what tells nginx the endpoints. It takes
// queries on its loopback address alone, and answers none but of endpoints.
func TestDynamicResponder(t *testing.T) {
	t.Parallel()
	d := startDynamic(t, namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
	ip, _, _ := net.SplitHostPort(d.addr)
	responder, empty := netip.MustParseAddrPort(ip+":9252"), netip.MustParseAddrPort(ip+":9253")
	open := sockets(t, d.process.Process.Pid)
	for _, a := range open {
		if !a.Addr().IsLoopback() {
			t.Errorf("Dispatcher is open at %v", a)
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(open), func(a netip.AddrPort) bool { return a != responder })); n != 2 {
		t.Errorf("Dispatcher is open at %v, want %v twice, by UDP and TCP", open, responder)
	}
	if nginx := sockets(t, d.masterPID()); !slices.Contains(nginx, empty) || slices.ContainsFunc(nginx, func(a netip.AddrPort) bool { return !a.Addr().IsLoopback() }) {
		t.Errorf("nginx is open at %v, want %v among others", nginx, empty)
	}
	// Each of this machine's addresses that is not loopback.
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		here, ok := a.(*net.IPNet)
		if !ok || here.IP.IsLoopback() || here.IP.IsLinkLocalUnicast() {
			continue
		}
		for _, port := range []string{"9252", "9253"} {
			if c, err := net.DialTimeout("tcp", net.JoinHostPort(here.IP.String(), port), time.Second); err == nil {
				_ = c.Close()
				t.Errorf("%v answers at port %s", here.IP, port)
			}
		}
	}
	// example.com, A: refused, and nothing of it is known.
	query := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01")
	conn, err := net.Dial("udp", responder.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	answer := make([]byte, 512)
	if _, err := conn.Write(query); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(answer)
	if err != nil || n < 12 || answer[3]&0x0f != 5 || answer[7] != 0 {
		t.Errorf("a query of example.com is answered by % x, %v", answer[:n], err)
	}
	// What answers for services without endpoints does nothing else.
	r, err := http.Get("http://" + empty.String() + "/app")
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%v answers %d", empty, r.StatusCode)
	}
}

// TestEndpointsModes: DF28, DX4. With the same nginx, Pods come, go and come back both
// ways; only where endpoints stand in nginx.conf that takes reloads.
func TestEndpointsModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"dynamic", "reload"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			a, b := newPod(t, "shop", "a", at("/app")), newPod(t, "shop", "b", at("/app"))
			d := prepareDynamic(t)
			d.apply(namespace("shop", "www.example.com"), a, b.ready(false))
			d.run("--endpoints=" + mode)
			if d.dynamic() != (mode == "dynamic") {
				t.Fatalf("ENDPOINTS=%s, but Dispatcher does the other", mode)
			}
			check, lives := d.unreloaded(), d.lives()
			serve := func(names ...string) {
				t.Helper()
				d.eventually(fmt.Sprintf("%v serve", names), func() bool {
					count := d.pods(32, "www.example.com", "/app") // each worker may begin anew with the first
					return len(count) == len(names) && !slices.ContainsFunc(names, func(name string) bool { return count[name] == 0 })
				})
				d.settle()
			}
			serve("a")
			d.apply(b.ready(true))
			serve("a", "b")
			d.apply(a.ready(false))
			serve("b")
			d.apply(b.ready(false))
			idle := http.StatusServiceUnavailable
			if mode == "reload" {
				idle = http.StatusNotFound // a path without endpoints is not there
			}
			d.answers("www.example.com", "/app", idle)
			d.apply(a.ready(true))
			serve("a")
			if mode == "dynamic" {
				check()
			} else if n := d.lives() - lives; n != 4 || d.told() != 0 {
				t.Errorf("%d configurations, want 4, and %d times endpoints alone", n, d.told())
			}
		})
	}
}

// TestDynamicWithOldNginx: an nginx that can't learn of endpoints is refused if that
// is demanded, with status 2, and the message says what to do.
func TestDynamicWithOldNginx(t *testing.T) {
	t.Parallel()
	d := prepare(t)
	d.runsBy("nginx", &d.programs.Nginx, `case "$*" in *-V*) echo "nginx version: nginx/1.22.1" >&2; exit;; esac; `)
	d.apply(namespace("shop", "www.example.com"))
	d.begin("--endpoints=dynamic")
	if code := d.wait(); code != 2 {
		t.Errorf("status %d, want 2", code)
	}
	for _, part := range []string{"ENDPOINTS=dynamic needs nginx 1.27.3 or newer", "1.22.1", "NGINX_BINARY", "unset it"} {
		if !strings.Contains(d.log(), part) {
			t.Errorf("the message lacks %q", part)
		}
	}
}
