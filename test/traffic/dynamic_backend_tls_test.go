package traffic

import (
	"net/http"
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
)

// TestBackendTLSDynamic: EX8, DF28, HF5. Paths with https learn of Pods without a reload
// as others do, and answer 503 while nobody serves, though nginx's own answer is not by
// TLS; never 502.
func TestBackendTLSDynamic(t *testing.T) {
	t.Parallel()
	d, ca := prepareDynamic(t), pki.NewAuthority(t, "backends")
	d.trusting(ca)
	chain, key := ca.Server(t, []string{"www.example.com", "web.internal"})
	var pods []metav1.Object
	var webs []*pod
	for i := range 2 {
		web := newPod(t, "shop", "web-"+strconv.Itoa(i))
		secured := web.secure(t, pair(t, chain, key))
		web.Annotations[pathsKey] = toJSON([]entry{at("/app").https(secured.port, ""), at("/slow").https(secured.port, "web.internal"), at("/keyed").by("arg:k").https(secured.port, "web.internal")})
		webs, pods = append(webs, web.opens(secured.port)), append(pods, web)
	}
	d.apply(append(pods, namespace("shop", "www.example.com"), newPod(t, "shop", "other", at("/other")))...)
	d.runDynamic()
	d.listens(5)
	check := d.unreloaded()
	idle := func(a answer) bool {
		return a.Status == http.StatusServiceUnavailable && a.Received.Get("Retry-After") == "5"
	}
	loads := []*flow{d.visit(100, "www.example.com", "/app", idle), d.visit(40, "www.example.com", "/keyed", idle)}
	for range 2 {
		d.apply(webs[1].ready(false))
		d.eventually("one is left", func() bool { return d.pods(10, "www.example.com", "/app")["web-0"] == 10 })
		d.apply(webs[0].ready(false))
		for _, uri := range []string{"/app/x", "/slow?y", "/keyed?k=1"} {
			d.answers("www.example.com", uri, http.StatusServiceUnavailable)
			if got := d.send("POST " + uri + " HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"); !idle(got) {
				t.Errorf("POST %s: status %d, %v", uri, got.Status, got.Received)
			}
		}
		d.apply(webs[0].ready(true), webs[1].ready(true))
		for _, uri := range []string{"/app/x", "/slow?y", "/keyed?k=1"} {
			d.answers("www.example.com", uri, http.StatusOK)
		}
		d.eventually("both are back", func() bool { return len(d.pods(10, "www.example.com", "/app")) == 2 })
	}
	for _, l := range loads {
		l.end()
		t.Logf("%d requests: %d with 200, %d with 503", l.asked.Load(), l.count(200), l.count(503))
	}
	check()
}
