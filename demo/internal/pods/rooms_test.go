package pods

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coder/websocket"

	"github.com/30x/dispatcher/pkg/source"
)

// A Pod counts by key, over all connections, and another Pod at its address anew.
func TestRooms(t *testing.T) {
	room := func(pod string) *identity {
		return &identity{name: "Pod n/" + pod, env: map[string]string{"HOSTNAME": pod, "APP": "rooms"}}
	}
	s, err := listen(t.Context(), netip.MustParseAddrPort("127.99.7.1:0"), room("backend-0"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	at := s.listener.Addr().String()
	get := func(path string) (got Room) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	conn, _, err := websocket.Dial(t.Context(), "ws://"+at+"/ws/ns-01/more", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	hear := func() (got Room) {
		t.Helper()
		_, text, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := []Room{hear(), get("/ws/ns-01?x"), get("/ws/ns-02")}
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	got = append(got, hear(), get("/ws"))
	s.who.Store(room("backend-1"))
	got = append(got, get("/ws/ns-01"))
	want := []Room{
		{"backend-0", 1, "ns-01"}, {"backend-0", 2, "ns-01"}, {"backend-0", 1, "ns-02"},
		{"backend-0", 3, "ns-01"}, {"backend-0", 1, ""}, {"backend-1", 1, "ns-01"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// Endpoints at loopback addresses that are no Pods' are run, under their own names.
func TestOutside(t *testing.T) {
	at := free(t)
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "s"},
		Endpoints: []discoveryv1.Endpoint{
			{Addresses: []string{at.Addr().String()}, Hostname: new("app")},
			{Addresses: []string{"192.0.2.1", "example.com"}},
			{Addresses: []string{"127.99.7.2"}, TargetRef: &corev1.ObjectReference{Kind: "Pod"}},
		},
		Ports: []discoveryv1.EndpointPort{{Port: new(int32(at.Port()))}, {Port: new(int32(53)), Protocol: new(corev1.ProtocolUDP)}, {}},
	}
	p := New(func(s string) { t.Error(s) })
	p.take(source.Event{Object: slice})
	if want, _ := wanted(p.known); len(want) != 1 || want[at] == nil {
		t.Fatalf("runs %v, want one at %s", want, at)
	}
	ctx := t.Context()
	p.reconcile(ctx, time.Now())
	defer p.servers[at].close()
	if a, err := ask(t, at, "/"); err != nil || a.Env["HOSTNAME"] != "app" {
		t.Errorf("got %v, %v", a.Env, err)
	}
	slice = slice.DeepCopy()
	slice.Endpoints[0].Hostname = nil
	p.take(source.Event{Object: slice})
	p.reconcile(ctx, time.Now())
	if a, err := ask(t, at, "/"); err != nil || a.Env["HOSTNAME"] != at.Addr().String() {
		t.Errorf("without a name: %v, %v", a.Env, err)
	}
	p.take(source.Event{Object: pod("a", at.Addr().String(), int32(at.Port()))})
	if want, wrong := wanted(p.known); want[at].name != "Pod n/a" || len(wrong) != 1 {
		t.Errorf("a Pod's address went to %s; complaints %q", want[at].name, wrong)
	}
	p.take(source.Event{Object: slice, Deleted: true})
	if want, wrong := wanted(p.known); len(want) != 1 || len(wrong) != 0 {
		t.Errorf("after the slice was deleted: %v, %q", want, wrong)
	}
}
