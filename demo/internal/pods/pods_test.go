package pods

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coder/websocket"

	"github.com/30x/dispatcher/pkg/source"
)

func pod(name, ip string, ports ...int32) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name}}
	p.Status.Phase, p.Status.PodIP = corev1.PodRunning, ip
	c := corev1.Container{Env: []corev1.EnvVar{
		{Name: "PORT", Value: "3000"},
		{Name: "SECRET", ValueFrom: &corev1.EnvVarSource{}},
	}}
	for _, n := range ports {
		c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: n})
	}
	p.Spec.Containers = []corev1.Container{c}
	return p
}

func TestWanted(t *testing.T) {
	pending := pod("pending", "127.0.9.9", 3000)
	pending.Status.Phase = corev1.PodPending
	udp := pod("udp", "127.0.9.8", 53)
	udp.Spec.Containers[0].Ports[0].Protocol = corev1.ProtocolUDP
	for _, c := range []struct {
		name  string
		pods  []*corev1.Pod
		want  []string // "address=pod"
		wrong string   // a part of the one complaint
	}{
		{"two ports", []*corev1.Pod{pod("a", "127.0.1.1", 3000, 3001)}, []string{"127.0.1.1:3000=n/a", "127.0.1.1:3001=n/a"}, ""},
		{"one address twice", []*corev1.Pod{pod("b", "127.0.1.1", 3000), pod("a", "127.0.1.1", 3000)}, []string{"127.0.1.1:3000=n/a"}, "Pod n/a does"},
		{"an address of elsewhere", []*corev1.Pod{pod("a", "192.0.2.1", 3000)}, nil, "write status.podIP"},
		{"no address", []*corev1.Pod{pod("a", "", 3000)}, nil, "write status.podIP"},
		{"hostile name", []*corev1.Pod{pod("a\x1b[2J", "127.0.1.1", 3000)}, nil, `\x1b`},
		{"a hostile zone", []*corev1.Pod{pod("a", "::1%\x1b[2J", 3000)}, nil, `\x1b`},
		{"IPv6", []*corev1.Pod{pod("a", "::1", 3000)}, []string{"[::1]:3000=n/a"}, ""},
		{"not running", []*corev1.Pod{pending}, nil, ""},
		{"not TCP", []*corev1.Pod{udp}, nil, ""},
		{"impossible ports", []*corev1.Pod{pod("a", "127.0.1.1", 0, -1, 65536)}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := New(nil)
			for _, o := range c.pods {
				p.take(source.Event{Object: o})
			}
			want, wrong := wanted(p.known)
			var got []string
			for at, id := range want {
				got = append(got, at.String()+"="+strings.TrimPrefix(id.name, "Pod "))
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if text := strings.Join(wrong, "; "); c.wrong == "" && text != "" || !strings.Contains(text, c.wrong) {
				t.Errorf("complaints %q, want one with %q", wrong, c.wrong)
			}
		})
	}
}

// ask returns what answers at the address; an error if nothing does.
func ask(t *testing.T, at netip.AddrPort, path string) (Answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+at.String()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a Answer
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return a, nil
}

// free returns an address of this test's own that nothing listens on.
func free(t *testing.T) netip.AddrPort {
	t.Helper()
	s, err := listen(t.Context(), netip.MustParseAddrPort("127.99.7.1:0"), &identity{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	return netip.MustParseAddrPort(s.listener.Addr().String())
}

func TestRunFollowsTheManifests(t *testing.T) {
	t.Setenv("MACHINE", "its environment is not the Pod's")
	at := free(t)
	mine := func(name string) *corev1.Pod { return pod(name, at.Addr().String(), int32(at.Port())) }
	ctx, cancel := context.WithCancel(t.Context())
	events, ready, done := make(chan source.Event), make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		New(func(s string) { t.Error(s) }).Run(ctx, events, func() { close(ready) })
	}()
	events <- source.Event{Object: &corev1.Namespace{}}
	events <- source.Event{Object: mine("a")}
	events <- source.Event{Synced: true}
	<-ready
	a, err := ask(t, at, "/x%2Fy?z=<1>")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Env) != 2 || a.Env["HOSTNAME"] != "a" || a.Env["PORT"] != "3000" {
		t.Errorf("environment %v, want HOSTNAME and PORT of the Pod alone", a.Env)
	}
	if a.IPs["lo"] != at.Addr().String() || a.Request.Path != "/x%2Fy?z=<1>" || a.Request.Method != http.MethodPut || a.Request.Headers["Host"] != at.String() {
		t.Errorf("got %+v", a)
	}

	events <- source.Event{Object: mine("a"), Deleted: true}
	events <- source.Event{Object: mine("b")}
	events <- source.Event{Object: mine("b")} // taken when the one before has been acted on
	if a, err = ask(t, at, "/"); err != nil || a.Env["HOSTNAME"] != "b" {
		t.Errorf("after the address went to b: %v, %v", a.Env, err)
	}
	cancel()
	<-done
	if a, err = ask(t, at, "/"); err == nil {
		t.Errorf("%v still answers after the end", a.Env)
	}
}

func TestReconcileLingersThenEnds(t *testing.T) {
	at := free(t)
	p := New(func(s string) { t.Error(s) })
	start := time.Now()
	p.take(source.Event{Object: pod("a", at.Addr().String(), int32(at.Port()))})
	p.reconcile(t.Context(), start)
	p.take(source.Event{Object: pod("a", "", 0), Deleted: true})
	p.reconcile(t.Context(), start)
	p.reconcile(t.Context(), start.Add(linger-1))
	if _, err := ask(t, at, "/"); err != nil {
		t.Errorf("a Pod that is gone must linger: %v", err)
	}
	p.reconcile(t.Context(), start.Add(linger))
	if _, err := ask(t, at, "/"); err == nil {
		t.Error("a Pod that has lingered still answers")
	}
}

func TestReconcileRetriesATakenAddress(t *testing.T) {
	at := free(t)
	squatter, err := listen(t.Context(), at, &identity{})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	p := New(func(s string) { said = append(said, s) })
	p.take(source.Event{Object: pod("a", at.Addr().String(), int32(at.Port()))})
	p.reconcile(t.Context(), time.Now())
	p.reconcile(t.Context(), time.Now())
	if len(said) != 1 || !strings.Contains(said[0], "Pod n/a can't run") {
		t.Errorf("said %q, want the trouble once", said)
	}
	squatter.close()
	p.reconcile(t.Context(), time.Now())
	if a, err := ask(t, at, "/"); err != nil || a.Env["HOSTNAME"] != "a" {
		t.Errorf("after the address was freed: %v, %v", a.Env, err)
	}
}

func TestWebSocketEndsWithItsServer(t *testing.T) {
	id := &identity{name: "Pod n/a", env: map[string]string{"HOSTNAME": "a"}}
	s, err := listen(t.Context(), netip.MustParseAddrPort("127.99.7.1:0"), id)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	// A browser's Origin has the port of the demo, which the Pod does not see.
	conn, _, err := websocket.Dial(t.Context(), "ws://"+s.listener.Addr().String()+"/socket.io/", &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {"http://test.k8s.local:8080"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	read := func() string {
		t.Helper()
		_, text, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := read()
	if !strings.Contains(first, `"HOSTNAME": "a"`) {
		t.Errorf("first message %q", first)
	}
	for _, c := range []struct{ send, want string }{{"hello", "hello"}, {"env", first}} {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(c.send)); err != nil {
			t.Fatal(err)
		}
		if got := read(); got != c.want {
			t.Errorf("%q was answered with %q", c.send, got)
		}
	}
	s.close()
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("the WebSocket outlives its server")
	}
}
