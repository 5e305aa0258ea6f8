package requests

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// doors: Dispatcher's own paths and ports are reached as documented, by no name
// that a tenant declares, and no tenant stands in front of them.
func doors(w *world) []exchange {
	status := func(name, sni, raw string) exchange {
		return exchange{name: "status path: " + name, sni: sni, raw: raw, want: "200", gets: []string{"\r\nContent-Length: 0\r\n"}, row: "`NGINX_STATUS_PATH` on an unknown host"}
	}
	own := func(name, host, uri, pods string) exchange {
		return exchange{name: "own path: " + name, raw: get(host, uri), want: "200", pods: pods, gets: []string{"\r\n\r\n" + pods}, row: "`NGINX_STATUS_PATH` on a host that is declared"}
	}
	none := func(name, host, uri string) exchange {
		return exchange{name: "no door: " + name, raw: get(host, uri), want: closed, or: "400", row: "Unknown `Host`"}
	}
	const at, acme = "/dispatcher/status", "/.well-known/acme-challenge/token"
	upstream := regexp.MustCompile(`upstream (\S+) {`).FindStringSubmatch(w.config())[1]
	return []exchange{
		status("unknown host", "", get("unknown.test", at)),
		status("an address", "", get(w.Addr, at)),
		status("HTTP/1.0", "", raw(at, "1.0")),
		status("absolute", "", raw("http://unknown.test"+at, "1.1", "Host: alpha.test")),
		status("encoded", "", get("unknown.test", "//x/..%2fdispatcher/%73tatus?x")),
		status("POST", "", request("POST", "unknown.test", at, "Content-Length: 0")),
		status("TLS", "unknown.test", get("unknown.test", at)),
		status("TLS, plain host", "secure.test", get("alpha.test", at)),
		none("below the status path", "unknown.test", at+"/x"),
		none("behind the status path", "unknown.test", at+"x"),
		none("in upper case", "unknown.test", strings.ToUpper(at)),
		none("too deep for a wildcard", "a.b.wild.test", at),
		own("its Namespace declares none", "alpha.test", at, "alpha-web"),
		own("it declares that", "evil.test", at, "evil-pod"),
		own("of another on a shared host", "shared.test", at, "evil-pod"),
		own("localhost", "localhost", at, "evil-pod"),
		own("127.0.0.1", "127.0.0.1", at, "evil-pod"),
		own("the name of a socket", "unix", "/generation", "evil-pod"),
		own("the name of a zone", "endpoints", "/status", "evil-pod"),
		own("0.0.0.0", "0.0.0.0", "/version", "evil-pod"),
		own("the control server's", "alpha.test", "/generation", "alpha-web"),
		own("a named location's", "alpha.test", "/@again", "alpha-web"),
		own("ACME", "alpha.test", acme, "alpha-web"),
		own("ACME, a shared host's owner", "shared.test", acme, "alpha-web"),
		{name: "own path: no such path", raw: get("keyed.test", at), want: "404", row: "`NGINX_STATUS_PATH` on a host that is declared"},
		{name: "own path: a host with TLS", raw: get("secure.test", at), want: "308"},
		{name: "own path: a certificate is demanded", sni: "mutual.test", raw: get("mutual.test", at), want: "400"},
		{name: "ACME, a host with TLS", raw: get("secure.test", acme), want: "308", gets: []string{"Location: https://secure.test:" + tlsPort + acme}},
		{name: "a named location", raw: raw("@again", "1.1", "Host: alpha.test"), want: "400"},
		{name: "a named location that is encoded", raw: raw("%40again", "1.1", "Host: alpha.test"), want: "400"},
		none("the control server", "unknown.test", "/generation"),
		none("the control socket's name", "unix:"+filepath.Join(w.Work, "run"), "/generation"),
		none("an upstream's name", upstream, "/"),
		none("another upstream's zone", "default.test", "/status"),
		none("ACME", "unknown.test", acme),
		none("the admin port", "::1", "/metrics"),
		none("the admin port's address", w.Admin, "/metrics"),
		{name: "its own address", raw: raw("http://"+w.Admin+"/metrics", "1.1", "Host: alpha.test"), want: closed, row: "Unknown `Host`"},
	}
}

// config is nginx's configuration.
func (w *world) config() string {
	text, err := os.ReadFile(filepath.Join(w.Work, "nginx.conf"))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// TestInnerDoors: behind the control socket, which is on no port, and on the port for
// paths without Pods, which is on loopback, nobody's hosts are served.
func TestInnerDoors(t *testing.T) {
	t.Parallel()
	inAllModes(t, func(t *testing.T, w *world) {
		before := w.hits()
		asks := func(network, address, status string) {
			t.Helper()
			for _, r := range []string{get("alpha.test", "/"), get("unknown.test", "/dispatcher/status"), raw("/x", "1.0"), get("keyed.test", "/k"), raw("http://alpha.test/", "1.1", "Host: alpha.test")} {
				conn, err := net.DialTimeout(network, address, limit)
				if err != nil {
					t.Fatal(err)
				}
				received, err := read(conn, r)
				if got := statuses("GET", received); got != status || err != nil {
					t.Errorf("%s: %q is answered with %s, %v; want %s", address, r, got, err, status)
				}
			}
		}
		asks("unix", regexp.MustCompile(`listen unix:([^;]+);`).FindStringSubmatch(w.config())[1], "404")
		if empty := net.JoinHostPort(w.ip(), "9253"); strings.Contains(w.Log(), " endpoints=dynamic ") {
			asks("tcp", empty, "503")
		} else if conn, err := net.DialTimeout("tcp", empty, limit); err == nil {
			_ = conn.Close()
			t.Error("somebody listens on the port for paths without Pods, where there is no such")
		}
		if names, _ := w.since(before); names != "" {
			t.Errorf("requests have reached %q", names)
		}
	})
}
