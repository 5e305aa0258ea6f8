package traffic

import (
	"encoding/base64"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// secret makes a Secret with fields and their values.
func secret(namespace, name string, fields ...string) *corev1.Secret {
	s := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data:       map[string][]byte{},
	}
	for i := 0; i < len(fields); i += 2 {
		s.Data[fields[i]] = []byte(fields[i+1])
	}
	return s
}

// key is the header that carries a key.
func key(value string) string {
	return "X-ROUTING-API-KEY: " + base64.StdEncoding.EncodeToString([]byte(value))
}

// TestAPIKey: DF16, DX11, DX25. The key is compared exactly, on every kind of
// location; without it no request reaches a Pod, and with it the key doesn't.
func TestAPIKey(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"), at("/foo").to("/bar"), entry{"basePath": "/exact", "match": "exact"})
	web.on("/app/socket.io/", chat)
	d := start(t, namespace("shop", "www.example.com"), web, secret("shop", "routing", "api-key", "supersecret"))
	right := key("supersecret")
	if right != "X-ROUTING-API-KEY: c3VwZXJzZWNyZXQ=" {
		t.Fatal(right)
	}
	wrong := map[string][]string{
		"none": nil, "empty": {"X-ROUTING-API-KEY:"}, "the raw value": {"X-ROUTING-API-KEY: supersecret"},
		"another case": {strings.ToUpper(right)}, "another letter's case": {"X-ROUTING-API-KEY: C3VwZXJzZWNyZXQ="},
		"a part": {strings.TrimSuffix(right, "=")}, "more": {right + "="}, "another key": {key("supersecreT")},
		"a wrong one first": {key("no"), right}, "underscores": {"X_ROUTING_API_KEY: c3VwZXJzZWNyZXQ="},
		"another header": {"X-ROUTING-API-KEYS: c3VwZXJzZWNyZXQ="}, "two in one": {right + ", c3VwZXJzZWNyZXQ="},
		"an expression": {"X-ROUTING-API-KEY: ~.*"}, "a wildcard": {"X-ROUTING-API-KEY: *"},
	}
	for _, uri := range []string{"/app", "/app/x", "/foo", "/foo/x", "/exact", "/app?x-routing-api-key=c3VwZXJzZWNyZXQ="} {
		for name, headers := range wrong {
			if got := d.ask("www.example.com", uri, headers...); got.Status != http.StatusForbidden {
				t.Errorf("%s with %s: status %d", uri, name, got.Status)
			}
		}
	}
	upgrade := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	if got := d.ask("www.example.com", "/app/socket.io/?EIO=4", upgrade...); got.Status != http.StatusForbidden {
		t.Errorf("a WebSocket without a key: status %d", got.Status)
	}
	if n := web.hits.Load(); n != 0 {
		t.Errorf("%d refused requests have reached the Pod", n)
	}
	for _, header := range []string{right, strings.Replace(right, "X-ROUTING-API-KEY", "x-Routing-api-key", 1)} {
		for uri, want := range map[string]string{"/app/x": "/app/x", "/foo/x": "/bar/x", "/exact": "/exact"} {
			got := d.ask("www.example.com", uri, header)
			if got.Pod != "web" || got.URI != want || got.Sent.Get("X-Routing-Api-Key") != "" {
				t.Errorf("%s with %s: %+v", uri, header, got)
			}
		}
	}
	if got := d.send("GET /app/socket.io/ HTTP/1.1\r\nHost: www.example.com\r\n" + right + "\r\n" + strings.Join(upgrade, "\r\n") + "\r\n\r\n"); got.Status != http.StatusSwitchingProtocols {
		t.Errorf("a WebSocket with its key: %+v", got)
	}
	d.keepsSecret("c3VwZXJzZWNyZXQ", "supersecret")
}

// keepsSecret checks that texts are in no log, no process argument, and in no
// file that others may read.
func (d *dispatcher) keepsSecret(texts ...string) {
	d.t.Helper()
	held := 0
	check := func(where, content string, private bool) {
		for _, text := range texts {
			if strings.Contains(content, text) {
				held++
				if !private {
					d.t.Errorf("%q is in %s", text, where)
				}
			}
		}
	}
	check("the log", d.log(), false)
	check("the access log", d.out(), false)
	master := d.masterPID()
	for _, pid := range append(workers(master), master, d.process.Process.Pid) {
		check("the arguments of a process", readFile("/proc/"+strconv.Itoa(pid)+"/cmdline"), false)
	}
	err := filepath.WalkDir(d.work, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		check(path, string(text), info.Mode().Perm() == 0o600)
		return err
	})
	if err != nil {
		d.t.Error(err)
	}
	if held == 0 {
		d.t.Error("the key is nowhere: this test looks for the wrong thing")
	}
}

// TestAPIKeyRotation: DF27, DF28, DX10. A second key is accepted beside the first
// while clients change; each change of the Secret acts live, and what becomes of
// other Secrets does not open anything.
func TestAPIKeyRotation(t *testing.T) {
	t.Parallel()
	web, door := newPod(t, "shop", "web", at("/app")), secret("shop", "routing", "api-key", "one")
	other := secret("shop", "other", "api-key", "x")
	d := start(t, namespace("shop", "www.example.com"), web, door, other)
	allowed := func(value string) bool { return d.ask("www.example.com", "/app", key(value)).Status == http.StatusOK }
	want := func(what string, keys map[string]bool) {
		t.Helper()
		for value, yes := range keys {
			d.eventually(what+": key "+value, func() bool { return allowed(value) == yes })
		}
		d.settle()
	}
	want("at first", map[string]bool{"one": true, "two": false, "": false})
	door.Data["api-key-next"] = []byte("two")
	d.apply(door)
	want("with a second key", map[string]bool{"two": true, "one": true, "three": false, "": false})
	door.Data = map[string][]byte{"api-key": []byte("two")}
	d.apply(door)
	want("with the new key", map[string]bool{"one": false, "two": true, "": false})

	lives := d.lives()
	other.Data["api-key"] = []byte("y")
	d.apply(other)
	d.remove(other)
	d.apply(web.paths(at("/app"), at("/more"))) // something to wait for
	d.eventually("the new path is live", func() bool { return d.ask("www.example.com", "/more", key("two")).Status == http.StatusOK })
	want("after changes of another Secret", map[string]bool{"": false, "two": true, "x": false, "y": false})
	if n := d.lives() - lives; n != 1 {
		t.Errorf("changes of another Secret made %d configurations", n-1)
	}
	door.Data["api-key"] = nil
	d.apply(door)
	want("with an empty key", map[string]bool{"": false, "two": false})
	d.remove(door)
	want("without a Secret", map[string]bool{"": true})
}

// TestAPIKeysOfTenants: DF18. On a shared host each path demands its own
// Namespace's key.
func TestAPIKeysOfTenants(t *testing.T) {
	t.Parallel()
	a, b := newPod(t, "a", "a", at("/a")), newPod(t, "b", "b", at("/b"))
	c := newPod(t, "c", "c", at("/c"))
	closed := namespace("c", "www.example.com")
	closed.Annotations["github.com/30x.dispatcher.auth"] = "required"
	d := start(t, namespace("a", "www.example.com"), namespace("b", "www.example.com"), closed, a, b, c,
		secret("a", "routing", "api-key", "of-a"), secret("b", "routing", "api-key", "\x00\xff;\"{$} #"))
	for uri, right := range map[string]string{"/a": "of-a", "/b": "\x00\xff;\"{$} #", "/c": "nothing fits"} {
		for _, value := range []string{"", "of-a", "\x00\xff;\"{$} #", "other"} {
			want := http.StatusForbidden
			if value == right {
				want = http.StatusOK
			}
			if got := d.ask("www.example.com", uri, key(value)); got.Status != want {
				t.Errorf("%s with the key %q: status %d, want %d", uri, value, got.Status, want)
			}
		}
	}
	if n := c.hits.Load(); n != 0 {
		t.Errorf("%d requests have reached a closed Pod", n)
	}
}
