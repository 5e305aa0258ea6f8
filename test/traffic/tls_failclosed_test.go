package traffic

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// doors are the ways in which a host is served, or not.
type doors string

const (
	open    doors = "open"    // to everybody
	byKey   doors = "by key"  // to who has the API key; 403 to others
	refused doors = "refused" // 403 to everybody
	closed  doors = "closed"  // not served at all, neither over TLS nor on plain HTTP
)

// TestFailClosedTable: DX9, DX11, DX36, DF20. What a Secret lacks or holds wrongly
// never opens anything, whether an API key is demanded by annotation and whether
// the host has TLS; nor does a restart.
func TestFailClosedTable(t *testing.T) {
	t.Parallel()
	d := prepareTLS(t)
	type fields = map[string]string
	crt, pem := d.ca.Server(t, []string{"*.dev"})
	rows := []struct {
		name                           string
		fields                         fields // nil: there is no Secret
		plain, required, tls, tlsAndRq doors
	}{
		{"absent", nil, open, refused, closed, closed},
		{"empty", fields{}, open, refused, closed, closed},
		{"complete", fields{"api-key": "k", "ssl.crt": crt, "ssl.key": pem}, byKey, byKey, byKey, byKey},
		{"no api-key", fields{"ssl.crt": crt, "ssl.key": pem}, open, refused, open, refused},
		{"misspelt api-key", fields{"apikey": "k", "ssl.crt": crt, "ssl.key": pem}, open, refused, open, refused},
		{"empty api-key", fields{"api-key": "", "ssl.crt": crt, "ssl.key": pem}, refused, refused, refused, refused},
		{"long api-key", fields{"api-key": strings.Repeat("k", 10000), "ssl.crt": crt, "ssl.key": pem}, refused, refused, refused, refused},
		{"no certificate", fields{"api-key": "k", "ssl.key": pem}, byKey, byKey, closed, closed},
		{"no private key", fields{"api-key": "k", "ssl.crt": crt}, byKey, byKey, closed, closed},
		{"api-key alone", fields{"api-key": "k"}, byKey, byKey, closed, closed},
		{"garbage as certificate", fields{"api-key": "k", "ssl.crt": "\x00;{}", "ssl.key": pem}, byKey, byKey, closed, closed},
		{"garbage as private key", fields{"api-key": "k", "ssl.crt": crt, "ssl.key": "\x00;{}"}, byKey, byKey, closed, closed},
		{"all garbage", fields{"api-key": "", "ssl.crt": "x", "ssl.key": "x"}, refused, refused, closed, closed},
		{"unreadable", fields{"ssl.crt": crt, "ssl.key": pem}, refused, refused, closed, closed},
	}
	type entrance struct {
		what, host string
		tls        bool
		want       doors
		pod        *pod
	}
	var all []entrance
	for i, row := range rows {
		for j, want := range []doors{row.plain, row.required, row.tls, row.tlsAndRq} {
			name := fmt.Sprintf("n%d-%d", i, j)
			e := entrance{row.name + [...]string{"", ", required", ", TLS", ", TLS and required"}[j], name + ".dev", j >= 2, want, newPod(t, name, name, at("/"))}
			ns := hosts(namespace(name), map[string]option{e.host: {}})
			if e.tls {
				hosts(ns, map[string]option{e.host: overTLS()})
			}
			if j%2 == 1 {
				ns.Annotations["github.com/30x.dispatcher.auth"] = "required"
			}
			d.apply(ns, e.pod)
			all = append(all, e)
			if row.fields == nil {
				continue
			}
			door := secret(name, "routing")
			for f, value := range row.fields {
				door.Data[f] = []byte(value)
			}
			d.apply(door)
			if row.name == "unreadable" {
				d.write(manifestFile(door), unreadable(door))
			}
		}
	}
	for _, round := range []string{"at first", "after a restart"} {
		d.run()
		for _, e := range all {
			e.pod.hits.Store(0)
			passed := int64(0)
			for _, c := range []struct {
				headers []string
				want    map[doors]int
			}{
				{nil, map[doors]int{open: http.StatusOK, byKey: http.StatusForbidden, refused: http.StatusForbidden}},
				{[]string{key("")}, map[doors]int{open: http.StatusOK, byKey: http.StatusForbidden, refused: http.StatusForbidden}},
				{[]string{key("k")}, map[doors]int{open: http.StatusOK, byKey: http.StatusOK, refused: http.StatusForbidden}},
			} {
				want := c.want[e.want]
				if want == http.StatusOK {
					passed++
				}
				onHTTP, overTLS := d.try(e.host, "/", c.headers...), d.tryTLS(e.host, "/", c.headers...)
				wrong := ""
				switch {
				case e.want == closed:
					wrong = d.neither(e.host, "/", c.headers...)
				case e.tls && (onHTTP.Status != http.StatusPermanentRedirect || overTLS.Status != want):
					wrong = fmt.Sprintf("want 308, and %d over TLS", want)
				case !e.tls && (onHTTP.Status != want || unserved(overTLS) != ""):
					wrong = fmt.Sprintf("want %d, and nothing over TLS", want)
				}
				if wrong != "" {
					t.Errorf("%s, %s, with %v: %d, over TLS %d: %s", round, e.what, c.headers, onHTTP.Status, overTLS.Status, wrong)
				}
			}
			if n := e.pod.hits.Load(); n != passed {
				t.Errorf("%s, %s: %d requests have reached the Pod, want %d", round, e.what, n, passed)
			}
		}
		d.signal(syscall.SIGTERM)
		d.wait()
	}
}

// unreadable is the manifest of a Secret whose fields can't be decoded.
func unreadable(door *corev1.Secret) string {
	return "apiVersion: v1\nkind: Secret\nmetadata: {namespace: " + door.Namespace + ", name: " + door.Name + "}\ndata: {ssl.crt: '%', ssl.key: '%'}\n"
}
