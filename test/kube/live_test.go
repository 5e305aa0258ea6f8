package kube

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/test/internal/backend"
)

// key is the header that carries an API key.
func key(value string) string {
	return "X-ROUTING-API-KEY: " + base64.StdEncoding.EncodeToString([]byte(value))
}

// TestPodLifecycle: DF8, DF28, DX4, PX3. A Pod is served while it is Running and
// Ready, and not a moment after it has begun to terminate; one of the same name
// that comes after it is served at its own address.
func TestPodLifecycle(t *testing.T) {
	t.Parallel()
	s := begin(t)
	shop := s.namespace("shop")
	web := shop.pod("web", "/app")
	d := s.dispatcher()
	// What Dispatcher has seen last is the Pod that was made last: once it serves
	// that one, it has seen what came before.
	witness := func(name string) {
		t.Helper()
		shop.pod(name, "/"+name).run()
		d.Serves(shop.host, "/"+name, name)
	}
	notServed := func(state string) {
		t.Helper()
		if got := d.Try(shop.host, "/app"); got.Status != d.Idle() {
			t.Errorf("%s: status %d", state, got.Status)
		}
	}
	d.Answers(shop.host, "/app", d.Idle())
	witness("pending")
	notServed("Pending")
	web.start()
	witness("unready")
	notServed("Running, not Ready")
	web.ready(true)
	d.Serves(shop.host, "/app", "web")
	web.ready(false)
	d.Answers(shop.host, "/app", d.Idle())
	web.ready(true)
	d.Serves(shop.host, "/app", "web")
	web.terminate()
	d.Answers(shop.host, "/app", d.Idle())
	web.vanish()

	old := web.Hits.Load()
	var err error
	web.Backend, err = backend.Start(s.ctx, "web", 0) // as a StatefulSet does it: same name, new address
	s.must(err)
	t.Cleanup(web.Close)
	web.create("/app")
	web.run()
	d.Serves(shop.host, "/app", "web")
	if web.Hits.Load() == 0 || old == 0 {
		t.Error("not the new Pod answered")
	}
}

// TestPodChanges: DF5, DF27, DF28. Labels and annotations of a Pod count from the
// moment they are there.
func TestPodChanges(t *testing.T) {
	t.Parallel()
	s := begin(t)
	shop := s.namespace("shop")
	web := shop.pod("web", "/app").run()
	stays := shop.pod("stays", "/stays").run()
	d := s.dispatcher()
	d.Serves(shop.host, "/app", "web")
	web.annotate(pathsKey, web.paths("/other"))
	d.Serves(shop.host, "/other", "web")
	d.Answers(shop.host, "/app", http.StatusNotFound)
	web.annotate(pathsKey, strings.Replace(web.paths("/bad path", "/app"), "[", `[{"basePath": 7}, `, 1))
	d.Serves(shop.host, "/app", "web")
	web.label(routable, "false")
	d.Answers(shop.host, "/app", http.StatusNotFound)
	web.label(routable, "true")
	d.Serves(shop.host, "/app", "web")
	web.label(routable, nil)
	d.Answers(shop.host, "/app", http.StatusNotFound)
	if got := d.Ask(shop.host, "/stays").Pod; got != stays.Name {
		t.Errorf("its neighbour: answered by %q", got)
	}
}

// TestNamespaceChanges: DF1, DF2, DF3, DF15, DF27, DF28. So do those of a
// Namespace; Pods of one that isn't routable have no host.
func TestNamespaceChanges(t *testing.T) {
	t.Parallel()
	s := begin(t)
	shop, stays := s.namespace("shop"), s.namespace("stays")
	shop.pod("web", "/app").run()
	stays.pod("other", "/app").run()
	d := s.dispatcher()
	d.Serves(shop.host, "/app", "web")
	second := "second." + shop.host
	shop.annotate(hostsKey, toJSON(map[string]any{second: map[string]any{}, "not a host": map[string]any{}, "*." + shop.host: map[string]any{}}))
	d.Serves(second, "/app", "web")
	d.Serves("any."+shop.host, "/app", "web")
	d.Answers(shop.host, "/app", 0)
	shop.label(routable, nil)
	d.Answers(second, "/app", 0)
	shop.label(routable, "true")
	d.Serves(second, "/app", "web")
	shop.annotate(hostsKey, nil)
	d.Answers(second, "/app", 0)
	if got := d.Ask(stays.host, "/app").Pod; got != "other" {
		t.Errorf("the other Namespace: answered by %q", got)
	}
}

// TestSameNames: DX1. Pods of one name in two Namespaces are two Pods.
func TestSameNames(t *testing.T) {
	t.Parallel()
	s := begin(t)
	a, b := s.namespace("a"), s.namespace("b")
	inA, inB := a.pod("web-0", "/").run(), b.pod("web-0", "/").run()
	d := s.dispatcher()
	d.Serves(a.host, "/", "web-0")
	d.Serves(b.host, "/", "web-0")
	if inA.Hits.Load() == 0 || inB.Hits.Load() == 0 {
		t.Error("one Pod has answered for both")
	}
	inA.vanish()
	d.Answers(a.host, "/", http.StatusNotFound)
	if got := d.Ask(b.host, "/").Pod; got != "web-0" {
		t.Errorf("the other Pod of this name: answered by %q", got)
	}
}

// TestKeyChanges: DF16, DF27, DF28, DX10, DX11. The key of the Secret counts from
// the moment it is there, until it is replaced or the Secret goes; no other
// Secret has a say.
func TestKeyChanges(t *testing.T) {
	t.Parallel()
	s := begin(t)
	shop := s.namespace("shop")
	shop.pod("web", "/app").run()
	d := s.dispatcher()
	d.Serves(shop.host, "/app", "web")
	shop.secret("routing", "api-key", "first")
	d.Answers(shop.host, "/app", http.StatusForbidden)
	d.Serves(shop.host, "/app", "web", key("first"))
	shop.secret("routing", "api-key", "second")
	d.Answers(shop.host, "/app", http.StatusForbidden, key("first"))
	d.Serves(shop.host, "/app", "web", key("second"))

	shop.secret("other", "api-key", "third")
	shop.secret("other", "api-key", "fourth")
	s.must(s.client.CoreV1().Secrets(shop.name).Delete(s.ctx, "other", metav1.DeleteOptions{}))
	shop.pod("later", "/later").run() // another turn, after them
	d.Serves(shop.host, "/later", "later", key("second"))
	for name, headers := range map[string][]string{"none": nil, "the first": {key("first")}, "another Secret's": {key("third")}} {
		if got := d.Ask(shop.host, "/app", headers...); got.Status != http.StatusForbidden {
			t.Errorf("%s: status %d", name, got.Status)
		}
	}

	shop.secret("routing", "api-key", "")
	d.Answers(shop.host, "/app", http.StatusForbidden, key("second"))
	shop.secret("routing", "something-else", "second")
	d.Serves(shop.host, "/app", "web")
	shop.secret("routing", "api-key", "third")
	d.Answers(shop.host, "/app", http.StatusForbidden)
	s.must(s.client.CoreV1().Secrets(shop.name).Delete(s.ctx, "routing", metav1.DeleteOptions{}))
	d.Serves(shop.host, "/app", "web")
	for _, secret := range []string{"c2Vjb25k", "second"} {
		if strings.Contains(d.Log(), secret) {
			t.Errorf("the key is in the log")
		}
	}
}
