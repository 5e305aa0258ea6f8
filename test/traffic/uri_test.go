package traffic

import (
	"net/http"
	"strings"
	"testing"
)

// TestURIUntouched: DF11. Without targetPath the request's own bytes reach the Pod.
func TestURIUntouched(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("segment-8/", 200) // DX21: 2,000 characters
	web := newPod(t, "shop", "web", at("/nodejs"), at(long), at("/caf%C3%A9"), at("/a*b(c)~!&+,:@="))
	d := startLong(t, namespace("shop", "www.example.com"), web)
	for _, uri := range []string{
		"/nodejs/a%2Fb", "/nodejs//b", "//nodejs", "/nodejs/a%20b", "/nodejs/a;b=c", "/nodejs?q=%2F", "/nodejs?", "/nodejs/?",
		"/nodejs/./x", "/nodejs/x/../y", "/nodejs/%2e%2e/nodejs/x", "/no%64ejs/x", "/nodejs/a+b&c=d,e:f@g!h$i'j(k)*l~m",
		"/nodejs/caf%c3%a9", "/nodejs/%E2%82%AC?%C3%A4=%zz", "/nodejs/a%3Fb%23c", `/nodejs/"quoted"|{x}^`, "/nodejs?a=1?b=2", "/nodejs/%25%32%46",
		"/caf%C3%A9", "/caf%c3%a9/x", "/a*b(c)~!&+,:@=/x",
		long, long + "x?y", strings.TrimSuffix(long, "/"),
		"/nodejs/" + strings.Repeat("x", 7000),
	} {
		got := d.ask("www.example.com", uri)
		if got.Pod != "web" || got.URI != uri {
			t.Errorf("%.100q arrives at %q as %.100q, status %d", uri, got.Pod, got.URI, got.Status)
		}
	}
	for _, uri := range []string{"/nodejs/%00", "/nodejs/../../x", "/nodejs/%zz", "nodejs", ""} {
		if got := d.ask("www.example.com", uri); got.Status != http.StatusBadRequest {
			t.Errorf("%q: status %d, want 400", uri, got.Status)
		}
	}
}

// TestTargetPath: DF12, and the joins of DX27. What follows the base path
// reaches the Pod byte for byte, after the target path.
func TestTargetPath(t *testing.T) {
	t.Parallel()
	exact := entry{"basePath": "/exact", "match": "exact"}
	deep := "/" + strings.Repeat("d/", 1023) // DX21: as deep as a path can be
	web := newPod(t, "shop", "web", at("/foo").to("/bar"), at("/sl/").to("/bar"), at("/to-slash").to("/bar/"), at("/root").to("/"),
		at("/a/b/c").to("/x/y"), exact.to("/other/place"), at("/same").to("/same"), at("/euro").to("/%E2%82%AC"), at("/to%20").to("/bar"),
		at(deep).to("/flat"))
	all := newPod(t, "all", "all", at("/").to("/bar"))
	d := startLong(t, namespace("shop", "www.example.com"), web, namespace("all", "all.example.com"), all)
	for uri, want := range map[string]string{
		"/foo": "/bar", "/foo/": "/bar/", "/foo/1": "/bar/1", "/foo?a=b": "/bar?a=b", "/foo/1?a=%2F&b": "/bar/1?a=%2F&b",
		"/foo/a%2Fb": "/bar/a%2Fb", "/foo/a%20b": "/bar/a%20b", "/foo/a;b": "/bar/a;b", "/foo//x": "/bar//x", "/foo/%25": "/bar/%25",
		"//foo/1": "/bar/1", "/f%6fo/1": "/bar/1", "/foo/a%3Fb%23": "/bar/a%3Fb%23", "/foo/caf%c3%a9": "/bar/caf%c3%a9",
		"/foo/$request_uri": "/bar/$request_uri", "/foo/...": "/bar/...", "/foo/.hidden": "/bar/.hidden", "/foo/a?/../b": "/bar/a?/../b",
		"/sl": "/bar", "/sl/": "/bar/", "/sl/1": "/bar/1", "/to-slash/1": "/bar/1", "/root": "/", "/root/": "/", "/root/1": "/1",
		"/a/b/c": "/x/y", "/a/b/c/d": "/x/y/d", "/a//b/c/d": "/x/y/d", "/exact?x": "/other/place?x", "/same/1": "/same/1", "/euro/1": "/%E2%82%AC/1",
		deep + "x": "/flat/x",
	} {
		got := d.ask("www.example.com", uri)
		if got.Pod != "web" || got.URI != want {
			t.Errorf("%.100q arrives at %q as %.100q with status %d, want %q", uri, got.Pod, got.URI, got.Status, want)
		}
	}
	for uri, want := range map[string]string{"/": "/bar/", "/x": "/bar/x", "/?q": "/bar/?q", "/a%2Fb": "/bar/a%2Fb", "//x": "/bar//x"} {
		got := d.ask("all.example.com", uri)
		if got.Pod != "all" || got.URI != want {
			t.Errorf("all: %q arrives at %q as %q with status %d, want %q", uri, got.Pod, got.URI, got.Status, want)
		}
	}
}

// TestTargetPathHidden: DX27. What hides where the base path ends (dot segments
// and encoded slashes) is refused and never leads out of the target path. What
// only looks so reaches the Pod as it is.
func TestTargetPathHidden(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/foo").to("/bar"), at("/a/b").to("/bar"))
	d := start(t, namespace("shop", "www.example.com"), web)
	for _, uri := range []string{
		"/foo/../foo/x", "/foo/%2e%2e/foo/x", "/x/../foo/1", "/x/%2E./foo/1", "/./foo/1", "/foo/./1", "/foo/1/..", "/foo/1/%2e%2e", "/foo/1/.%2e/2",
		"/foo/..%2f..%2fetc", "/foo/x/..%2F..%2F..%2Ffoo/y", "/a%2Fb/x", "/a%2fb/x", "/x/..%2Ffoo/y", "/%2Ffoo/1", "/foo%2F1", "/foo%2f..%2ffoo%2fx",
		"/foo/x/%2e", "/foo/1#/../x", "/foo/..?x",
	} {
		if got := d.ask("www.example.com", uri); got.Pod != "" || got.Status != http.StatusBadRequest && got.Status != http.StatusNotFound {
			t.Errorf("%q arrives at %q as %q with status %d, want 400", uri, got.Pod, got.URI, got.Status)
		}
	}
	for _, rest := range []string{"/..;/x", "/%2e%2e;/x", "/%252e%252e/x", `/..\x`, "/...", "/.x", "/x.."} {
		if got := d.ask("www.example.com", "/foo"+rest); got.URI != "/bar"+rest {
			t.Errorf("%q arrives as %q with status %d", "/foo"+rest, got.URI, got.Status)
		}
	}
	// The same below a host's absolute form and with a query that looks like a path.
	got := d.send("GET http://www.example.com/foo/1?/../x HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n")
	if got.URI != "/bar/1?/../x" {
		t.Errorf("absolute form arrives as %q, status %d", got.URI, got.Status)
	}
}
