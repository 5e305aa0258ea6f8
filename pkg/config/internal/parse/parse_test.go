package parse

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// check runs a parser over values that it must accept, each with what it gives
// as fmt prints it, and values that it must refuse.
func check[T any](t *testing.T, parse func(string) (T, error), accept map[string]string, refuse ...string) {
	t.Helper()
	for in, want := range accept {
		if got, err := parse(in); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q gives %v, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range refuse {
		got, err := parse(in)
		if err == nil {
			t.Errorf("%q is accepted as %v", in, got)
		} else if !strings.Contains(err.Error(), "give ") {
			t.Errorf("%q: the message doesn't say what to give: %v", in, err)
		}
	}
}

func accept(values ...string) map[string]string {
	m := map[string]string{}
	for _, v := range values {
		m[v] = v
	}
	return m
}

func TestNumbers(t *testing.T) {
	check(t, Port, accept("1", "80", "65535"), "", "0", "65536", "-1", "+443", "0443", " 80", "80\n", "8e1", "0x50", "http", "٨٠")
	check(t, Number("x", 2, 3), accept("2", "3"), "1", "4", "99999999999999999999")
	check(t, WorkerProcesses, accept("auto", "1", "512"), "", "0", "513", "Auto", "-1")
	check(t, Size, accept("0", "1", "10k", "10K", "5m", "3g", "9223372036854775807", "8589934591g"),
		"", "k", "1t", "1kk", "-1", "+1", "1.5m", "1 m", "9223372036854775808", "8589934592g", "1_0")
	check(t, Boolean, map[string]string{"true": "true", "false": "false", "1": "true", "F": "false"}, "", "yes", "on", "tRue")
}

func TestDurations(t *testing.T) {
	check(t, Duration(10*time.Millisecond, 10*time.Minute),
		map[string]string{"10ms": "10ms", "1.5s": "1.5s", "10m": "10m0s"}, "", "9ms", "601s", "2", "-2s", "2 s")
	check(t, Seconds, map[string]string{"1s": "1s", "1h30m": "1h30m0s", "2000ms": "2s"}, "", "0", "1", "999ms", "1500ms", "-5s", "1d")
}

func TestMessagesNameTheBounds(t *testing.T) {
	for _, tc := range []struct {
		err  func(string) error
		want string
	}{
		{failure(Duration(time.Second, 24*time.Hour)), "is not a duration from 1s to 24h: give"},
		{failure(Duration(90*time.Minute, 100*time.Minute)), "is not a duration from 1h30m to 1h40m: give"},
		{failure(Number("a year", 1, 9)), "is not a year: give a number from 1 to 9"},
		{failure(OneOf("a", "b", "c")), "is unknown: give a, b or c"},
		{failure(ListOf(Address)), "is not an IP: give"},
		{failure(WorkDir), "is not a folder: give"},
	} {
		if err := tc.err(""); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("got %v, want %s…", err, tc.want)
		}
	}
}

func failure[T any](parse func(string) (T, error)) func(string) error {
	return func(s string) error {
		_, err := parse(s)
		return err
	}
}

func TestNames(t *testing.T) {
	check(t, QualifiedName, accept("a", "A_b.c-d", "github.com/30x.dispatcher.hosts", "e.com/"+strings.Repeat("n", 63)),
		"", "/a", "a/", "a/b/c", "E.com/a", "a b", "-a", "a-", "ä", "a\n", strings.Repeat("n", 64))
	check(t, Selector, map[string]string{"a": "a", "!a": "!a", "a!=b": "a!=b", "github.com/30x.dispatcher.routable=true": "github.com/30x.dispatcher.routable=true"},
		"", " ", ",", "a=b=c", "a in", "=a", "a=ä")
	check(t, SecretName, accept("routing", "a.b-1"), "", "A", "a_b", "a/b", "-a", strings.Repeat("a", 254))
	check(t, SecretField, accept("api-key", "ssl.crt", "A_b"), "", "a b", "a/b", "..", strings.Repeat("a", 254))
	// DF17: whatever nginx would have to guess at is refused.
	check(t, HeaderName, accept("X-ROUTING-API-KEY", "x_key", "1a"), "", "-", "_a", "X Key", "X:Key", "X\nY", "X$", "Ключ", "Host", "x-forwarded-for", "X-SSL-Client-Subject", "x_ssl_client_subject", strings.Repeat("a", 129))
	check(t, UserName, accept("nginx", "www-data", "_x"), "", "0", "a b", "a;", "-a", strings.Repeat("a", 33))
	check(t, NginxVersion, map[string]string{"1.22": "1.22.0", "1.30.6": "1.30.6", "2.0": "2.0.0"}, "", "1", "1.21.99", "0.9", "v1.30", "1.30.x", "1.30.0.1")
	check(t, OneOf("a", "b"), accept("a", "b"), "", "A", "ab", "a ")
	check(t, LogLevel, map[string]string{"debug": "DEBUG", "info": "INFO", "warn": "WARN", "error": "ERROR"}, "", "INFO", "info+1", "fatal")
	check(t, Program, accept("nginx", "/opt/nginx 1/nginx"), "", "a\x00", "a\n")
}

func TestAddresses(t *testing.T) {
	check(t, ListOf(Address), map[string]string{"0.0.0.0": "[0.0.0.0]", "::, 127.0.0.1 ,::": "[:: 127.0.0.1]", "::ffff:10.0.0.1": "[10.0.0.1]"},
		"", ",", "1.2.3.4,", "localhost", "1.2.3", "01.2.3.4", "fe80::1%eth0", "[::1]", "1.2.3.4:80")
	check(t, ListOf(Prefix), map[string]string{"10.9.8.7/8": "[10.0.0.0/8]", "192.0.2.1,fd00::/8,192.0.2.1/32": "[192.0.2.1/32 fd00::/8]", "0.0.0.0/0": "[0.0.0.0/0]"},
		"", "10.0.0.0/33", "10.0.0/8", "host", "10.0.0.0/8;", "fe80::1%eth0", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "unix:")
	check(t, HostPort, accept("127.0.0.1:9254", ":9254", "[::1]:0", "localhost:80", "admin.example.com:65535"),
		"", "9254", "localhost", "localhost:", "a b:80", "::1:80", "1.2.3:80", ":http", ":080", ":65536", "*:80", "*.example.com:80")
	check(t, APIServer, map[string]string{"10.0.0.1:6443": "http://10.0.0.1:6443", "[::1]:80": "http://[::1]:80",
		"https://k8s.example.com/k8s/clusters/c-1": "https://k8s.example.com/k8s/clusters/c-1", "http://localhost:8001": "http://localhost:8001"},
		"", "k8s.example.com", "k8s:80/x", "ftp://k8s", "https://", "https://me:pw@k8s", "https://k8s?x=1", "https://k8s/#x", "://k8s:1")
}

// DF14; a URL goes into nginx.conf, so it may hold nothing but plain parts. Its
// path does not run into the request's.
func TestStatusOrURL(t *testing.T) {
	check(t, StatusOrURL, map[string]string{"http://e.com/errors": "http://e.com/errors/"})
	check(t, StatusOrURL, accept("100", "404", "999", "http://e.com", "https://e.com:8443/a/b_c~d/", "http://192.0.2.1/", "http://[2001:db8::1]:80/", "http://fallback.default.svc.cluster.local:8080"),
		"", "99", "1000", "4xx", "+404", "404 ", "e.com", "//e.com", "ftp://e.com", "HTTP://e.com", "http://", "http:///a", "http://*.e.com",
		"http://e.com:", "http://e.com:0", "http://e.com:080", "http://e.com:x", "http://me@e.com", "http://me:pw@e.com", "http://e.com?a=b", "http://e.com/?", "http://e.com/#",
		"http://e.com/$host", "http://$host/", "http://e.com/;", "http://e.com/ x", "http://e.com/\"", "http://e.com/{", "http://e.com/%2f", "http://e.com/\n", "http://e_f.com",
		"http://unix:/run/x", "http://1.2.3/", "http://300.1.1.1/", "http://2001:db8::1/", "http://[1.2.3.4]/", "http://[::1", "http://[fe80::1%25eth0]/", "http://-e.com")
}

func TestStatusPath(t *testing.T) {
	check(t, StatusPath, accept("/dispatcher/status", "/ok/", "/a.b/..c/~d_e-f"),
		"", "/", "ok", "//", "/a//b", "/.", "/./a", "/a/..", "/../a", "/a b", "/a;", "/a{", "/$a", "/a?b", "/a#", "/%41", "/a\n", "= /a")
}

func TestFilesAndFolders(t *testing.T) {
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"file", "a;b", "secret"} {
		if err := os.WriteFile(at(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(at("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", at("sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })

	refused := []string{"", at("none"), dir, at("fifo"), at("sock"), at("a;b")}
	if os.Getuid() != 0 { // root may read it all the same
		if err := os.Chmod(at("secret"), 0); err != nil {
			t.Fatal(err)
		}
		refused = append(refused, at("secret"))
	}
	check(t, ReadableFile, accept(at("file")), refused...)
	check(t, Except(ReadableFile, at("none")), map[string]string{at("file"): at("file"), at("none"): at("none"), "none": ""}, "", dir, at("none")+"x", "None")
	check(t, Folder, accept(dir), "", at("none"), at("file"))
	check(t, Source("kube"), accept("kube", dir, at("file")), "", at("none"), "Kube")
	check(t, AbsoluteFolder, map[string]string{"/": "/", "/a//b/": "/a/b"}, "", "a", "./a", "/a b", "/a;", "/a\"", "/$a", "/a\nb")

	longest := "/" + strings.Repeat("a", maxSocketPath-len("/run/control.sock")-1)
	check(t, WorkDir, accept("/d", longest), "", longest+"a", "/a b", "/a{", "/a#")
	if n := len(filepath.Join(longest, "run/control.sock")); n >= 100 {
		t.Errorf("a socket path of %d bytes is accepted", n)
	}
}

func TestOptional(t *testing.T) {
	check(t, Optional(Port), map[string]string{"": "0", "80": "80"}, " ", "x")
}

// A program given by a relative path is found from any folder.
func TestProgramPath(t *testing.T) {
	t.Chdir("/usr")
	if got, err := Program("sbin/nginx"); got != "/usr/sbin/nginx" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}
