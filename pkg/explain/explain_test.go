package explain_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/explain"
	"github.com/30x/dispatcher/pkg/explain/explanation"
	"github.com/30x/dispatcher/pkg/route"
)

// options are those of a small installation.
func options() route.Options {
	return route.Options{
		HostsAnnotation: "hosts", PathsAnnotation: "paths", AuthAnnotation: "auth", OrgLabel: "org", EnvLabel: "env", AppNameLabel: "name", AppRevLabel: "rev",
		SecretName: "routing", APIKeyField: "api-key", TLS: true, SSLRedirect: true, Sticky: true, Dispatcher: true, Overrides: []string{"*"}, Now: 2000,
		Ingress: &route.Ingress{Class: "dispatcher", Controller: "c", Prefix: "x."},
	}
}

// world is what is known of the objects.
func world(t *testing.T, o route.Options, objects ...metav1.Object) explain.World {
	t.Helper()
	cache := cluster.NewCache(labels.Everything(), o.Interest())
	for _, object := range objects {
		if _, err := cache.Set(object); err != nil {
			t.Fatal(err)
		}
	}
	w := explain.World{Snapshot: cache.Snapshot(), Settings: explain.Settings{
		Options: o, Selector: "routable", DefaultReturn: "404", StatusPath: "/status", SSLPort: 8443, APIKeyHeader: "X-Key",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Time: func(unix int64) string { return fmt.Sprint("second ", unix) },
	}}
	w.Table, w.Problems = route.Build(w.Snapshot, o)
	return w
}

func namespace(name string, age int64, hosts string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.Unix(age, 0), Annotations: map[string]string{"hosts": hosts}}}
}

// pod makes a Pod that has been ready since a time, and is not if that is negative.
func pod(namespace, name, paths string, since int64) *corev1.Pod {
	status := corev1.ConditionTrue
	if since < 0 {
		status, since = corev1.ConditionFalse, -since
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{"paths": paths}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 80}}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.1.%d.%d", len(name), name[len(name)-1]),
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: metav1.Unix(since, 0)}}},
	}
}

func secret(namespace, name string, data map[string]string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{}}
	for k, v := range data {
		s.Data[k] = []byte(v)
	}
	return s
}

// ask explains a URL; words are headers, or a client's address.
func ask(t *testing.T, w explain.World, url string, words ...string) *explain.Explanation {
	t.Helper()
	q := explain.Query{URL: url}
	for _, word := range words {
		if addr, err := netip.ParseAddr(word); err == nil {
			q.Client = addr
		} else {
			q.Headers = append(q.Headers, word)
		}
	}
	e, err := explain.URL(w, q)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// says checks the parts of the text.
func says(t *testing.T, e *explain.Explanation, parts ...string) {
	t.Helper()
	var text strings.Builder
	if err := e.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if !strings.Contains(text.String(), part) {
			t.Errorf("%q is missing in:\n%s", part, &text)
		}
	}
}

// KF1, KX9: with policy one it is told who has all requests, who waits, and that a Pod
// is kept for its grace.
func TestOne(t *testing.T) {
	t.Parallel()
	o := options()
	const paths = `[{"basePath": "/", "containerPort": 80, "policy": "one", "readyGrace": "60s"}]`
	first, second := pod("a", "web-1", paths, 1000), pod("a", "web-2", paths, 1500)
	w := world(t, o, namespace("a", 1, `{"a.example": {}}`), first, second)
	says(t, ask(t, w, "a.example"), "Pod/a/web-1 answers\n", "Pod/a/web-1 has been ready longest, ready since second 1000", "waits for its turn, ready since second 1500")

	cache := cluster.NewCache(labels.Everything(), o.Interest())
	for _, object := range []metav1.Object{namespace("a", 1, `{"a.example": {}}`), first, second, pod("a", "web-1", paths, -1990)} {
		if _, err := cache.Set(object); err != nil {
			t.Fatal(err)
		}
	}
	w.Snapshot = cache.Snapshot()
	w.Table, w.Problems = route.Build(w.Snapshot, o)
	says(t, ask(t, w, "a.example"), "Pod/a/web-1 answers\n", "keeps its requests for the time of readyGrace", "is kept for readyGrace: is not ready since second 1990: see kubectl")

	w = world(t, o, namespace("a", 1, `{"a.example": {}}`), pod("a", "web-1", paths, -1))
	e := ask(t, w, "a.example")
	if e.Answer.Status != 503 || e.Answer.Served {
		t.Errorf("nobody is ready: %+v", e.Answer)
	}
	says(t, e, "nobody serves: the first Pod that becomes ready", "is not ready since second 1: see kubectl describe pod web-1 --namespace=a")
	e, err := explain.Pod(w, "a/web-1")
	if err != nil || e.Answer.Served || e.Routes[0].State != explanation.Waits {
		t.Errorf("%+v, %v", e, err)
	}
}

// HF1, HF3, HX12: with policy hash it is told whose a key is, and why. What stands in the
// header of the API key is never shown, also if it is the key that decides.
func TestHash(t *testing.T) {
	t.Parallel()
	const paths = `[{"basePath": "/", "containerPort": 80, "policy": "hash", "key": "header:X-Key"}]`
	set := pod("a", "web-0", paths, 1)
	yes := true
	set.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "web", Controller: &yes}}
	other := pod("a", "web-2", paths, 1)
	other.OwnerReferences = set.OwnerReferences
	w := world(t, options(), namespace("a", 1, `{"a.example": {}}`), set, other)
	answered := map[string]int{}
	for i := range 30 {
		e := ask(t, w, "a.example", fmt.Sprintf("X-Key: secret-%d", i))
		answered[e.Policy.Pod]++
		says(t, e, "the key \"***\" (header:X-Key) is in unit ")
		if missing := e.Policy.Pod == "Pod/a/web-1"; missing != (e.Answer.Status == 503) {
			t.Errorf("%+v for %s", e.Answer, e.Policy.Pod)
		} else if missing {
			says(t, e, "does not exist just now: see its StatefulSet", "wait for it")
		}
	}
	if len(answered) != 3 {
		t.Errorf("of three Pods, with one that is missing, have keys: %v", answered)
	}
	says(t, ask(t, w, "a.example"), "the request has no key at header:X-Key, which is a key like any other")
}

// DX11, EF4, EX5: what is demanded, who is let in, and how to get in.
func TestDemands(t *testing.T) {
	t.Parallel()
	w := world(t, options(), namespace("a", 1, `{"a.example": {}}`), secret("a", "routing", map[string]string{"api-key": "very-secret", "api-key-next": "next-secret"}),
		pod("a", "web-1", `[{"basePath": "/", "containerPort": 80, "allowSourceRanges": "192.0.2.0/24"}]`, 1),
		namespace("b", 1, `{"b.example": {}}`), pod("b", "web-1", `[{"basePath": "/", "containerPort": 80, "auth": "required"}]`, 1))
	const right, next = "x-key: dmVyeS1zZWNyZXQ=", "X-Key: bmV4dC1zZWNyZXQ="
	for _, c := range []struct {
		words  []string
		status int
		text   string
	}{
		{nil, 0, "answers, if the request brings the API key and comes from a network that is let in"},
		{[]string{right, "192.0.2.1"}, 0, "web-1 answers\n"},
		{[]string{next, "::ffff:192.0.2.1"}, 0, "web-1 answers\n"},
		{[]string{right, "198.51.100.1"}, 403, "the client 198.51.100.1 is in none of the networks"},
		{[]string{"X-Key: very-secret", "192.0.2.1"}, 403, "send it base64-encoded in X-Key"},
		{[]string{"X-Key: c29tZXRoaW5n"}, 403, "what the field api-key of the Secret routing in Namespace a holds"},
		{[]string{right, "10.0.0.1", "X-Forwarded-For: 198.51.100.1, 192.0.2.1, 10.9.9.9"}, 0, "the client 192.0.2.1 is in"},
		{[]string{right, "10.0.0.1", "X-Forwarded-For: 192.0.2.1, 198.51.100.1"}, 403, "the client 198.51.100.1"},
		{[]string{right, "198.51.100.7", "X-Forwarded-For: 192.0.2.1"}, 403, "the client 198.51.100.7"}, // EX5: who asks is not trusted
	} {
		e := ask(t, w, "a.example", c.words...)
		says(t, e, c.text)
		text, err := json.Marshal(e)
		if e.Answer.Status != c.status || e.Answer.Served != (c.status == 0) || err != nil {
			t.Errorf("%q: %+v, %v", c.words, e.Answer, err)
		}
		for _, key := range []string{"very-secret", "next-secret", "dmVyeS1zZWNyZXQ", "bmV4dC1zZWNyZXQ", "c29tZXRoaW5n"} {
			if strings.Contains(string(text), key) {
				t.Errorf("%q: a key is shown: %s", c.words, text)
			}
		}
	}
	says(t, ask(t, w, "b.example"), "403: an API key is demanded, and there is none", "kubectl create secret generic routing --from-literal=api-key=KEY --namespace=b", "PROBLEMS  Namespace/b: auth: ")
}

// DF20, DX36: what a host with TLS answers, and what one answers whose TLS can't be had.
func TestTLS(t *testing.T) {
	t.Parallel()
	ca := pki.NewAuthority(t, "authority")
	chain, key := ca.Server(t, []string{"a.example", "*.b.example"})
	ssl := func(certificate, more string) string {
		return `{"ssl": {"certificate": {"valueFrom": {"secretKeyRef": {"key": "` + certificate + `"}}}, "certificateKey": {"valueFrom": {"secretKeyRef": {"key": "key"}}}` + more + `}}`
	}
	const clients = `, "clientCertificate": {"valueFrom": {"secretKeyRef": {"key": "ca"}}}`
	w := world(t, options(),
		namespace("a", 1, `{"a.example": `+ssl("crt", clients)+`, "*.b.example": `+ssl("crt", `, "redirect": false`)+`, "x.b.example": `+ssl("none", "")+`, "plain.example": {}}`),
		namespace("b", 2, `{"x.b.example": {}, "y.b.example": {}}`), pod("b", "web-2", `[{"basePath": "/", "containerPort": 80}]`, 1),
		secret("a", "routing", map[string]string{"crt": chain, "key": key, "ca": ca.PEM()}), pod("a", "web-1", `[{"basePath": "/", "containerPort": 80}]`, 1))
	for url, want := range map[string]string{
		"http://a.example/x?y":     `308: the host is served over TLS: explain https://a.example:8443/x?y`,
		"https://a.example/x":      "Pod/a/web-1 answers, if the request is made with a client certificate",
		"http://w.b.example/":      "the connection is closed: the host is served over TLS only: ask with https://",
		"https://w.b.example/":     "Pod/a/web-1 answers",
		"https://plain.example/":   "the connection is closed: the host plain.example is not served over TLS: ask with http://",
		"https://y.b.example/":     "the connection is closed: the host is not served over TLS, and the handshake is refused: ask with http://",
		"http://x.b.example/":      "the connection is closed: Namespace a owns the host, and what it asks for the host can't be met",
		"https://x.b.example/":     "the connection is closed: Namespace a owns the host, and what it asks for the host can't be met",
		"https://other.example/x":  `the connection is closed: nobody declares the host "other.example"`,
		"https://other/status":     "200: it is the status path",
		"http://a.example/a/../..": "400: its dot segments lead above the root",
	} {
		says(t, ask(t, w, url), "ANSWER    "+want)
	}
	says(t, ask(t, w, "http://x.b.example/"), "LOST ", "Namespace b  the host is not served: Namespace a owns it (it was created first)", `Namespace/a: hosts["x.b.example"].ssl.certificate, line 1, column 441: `)
	e, err := explain.Pod(w, "b/web-2")
	if err != nil || !slices.ContainsFunc(e.Routes, func(r explanation.Route) bool { return r.Host == "x.b.example" && r.State == explanation.IsLost }) {
		t.Errorf("%+v, %v", e, err)
	}
}

// Nothing that a terminal might obey is in the text, and columns are aligned.
func TestText(t *testing.T) {
	t.Parallel()
	w := world(t, options(), namespace("a", 1, `{"a.example": {}}`), pod("a", "web-1", `[{"basePath": "/caf%C3%A9", "containerPort": 80}, {"basePath": "/", "containerPort": 80}]`, 1),
		namespace("b", 2, `{"a.example": {}}`), pod("b", "web-2", `[{"basePath": "/caf%C3%A9", "containerPort": 80}]`, 1))
	says(t, ask(t, w, "a.example/caf%c3%a9/%1b%5b2J%0a%E2%80%AE"), "PATH      /caf\u00e9/\ufffd[2J\ufffd\ufffd\n",
		"LOST      /      Namespace a  ", "\n          /caf\u00e9  Namespace b  Namespace a, created first, has the path: take another path, or another host (asked for by Pod/b/web-2)\n")
}

// KF1, KF5: of a Director, the one location and its Service's Pods.
func TestDirector(t *testing.T) {
	t.Parallel()
	o := options()
	o.Dispatcher, o.Ingress, o.Director = false, nil, &route.Director{Namespace: "a", Service: "web", TargetPort: "http"}
	name, number := "http", int32(8080)
	slice := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "web-x", Labels: map[string]string{discoveryv1.LabelServiceName: "web"}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &name, Port: &number}}}
	var objects []metav1.Object
	for _, p := range []*corev1.Pod{pod("a", "web-1", "", 1000), pod("a", "web-2", "", 500)} {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{p.Status.PodIP}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: "a", Name: p.Name}})
		objects = append(objects, p)
	}
	w := world(t, o, append(objects, slice, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "web"}})...)
	says(t, ask(t, w, "http://any.example/x"), "(any host)  catch-all", "Pod/a/web-2 has been ready longest", "Pod/a/web-1  10.1.5.49:8080  weight 1  waits for its turn")
	e, err := explain.Pod(w, "a/web-1")
	if err != nil {
		t.Fatal(err)
	}
	says(t, e, "waits  (any host)  /  Service/a/web  Pod/a/web-2 gets all requests")
}
