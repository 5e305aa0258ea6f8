package tour

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/30x/dispatcher/demo/internal/authority"
	"github.com/30x/dispatcher/demo/internal/pods"
)

// site is where no nginx is.
func site() Site {
	return Site{Port: 8080, SSLPort: 8443, Files: authority.In("/tmp/d 1")}
}

func TestCommand(t *testing.T) {
	for _, c := range []struct {
		visit Visit
		want  string
	}{
		{Visit{Host: "a.b", Path: "/x?y=1", Want: Outcome{Status: 200, Pods: map[string]int{"p": 1}}},
			"curl -s -H 'Host: a.b' 'http://127.0.0.1:8080/x?y=1'"},
		{Visit{Host: "a.b", Path: "/x", Times: 8, Want: Outcome{Status: 200, Pods: map[string]int{"p": 8}}},
			"curl -s -H 'Host: a.b' 'http://127.0.0.1:8080/x?[1-8]' | grep HOSTNAME"},
		{Visit{Host: "a.b", Path: "/x", Want: Outcome{Status: 404}}, "curl -si -H 'Host: a.b' 'http://127.0.0.1:8080/x'"},
		{Visit{Host: "a.b", Path: "/x"}, "curl -sS -H 'Host: a.b' 'http://127.0.0.1:8080/x'"},
		{Visit{Path: "/x", Want: Outcome{Status: 200}}, "curl -si 'http://127.0.0.1:8080/x'"},
		{Visit{Host: "a.b", Path: "/x", WS: true}, "go run ./demo ws -host a.b 'ws://127.0.0.1:8080/x' hello"},
		{Visit{Host: "a.b", Path: "/x", WS: true, TLS: true}, "go run ./demo ws -cacert '/tmp/d 1/ca.crt' -host a.b 'wss://127.0.0.1:8443/x' hello"},
		{Visit{Host: "a.b", Path: "/x", Times: 4, Want: Outcome{Status: 200, Pods: map[string]int{"p": 4}, Key: "k"}},
			"curl -s -H 'Host: a.b' 'http://127.0.0.1:8080/x?[1-4]'"},
		{Visit{Host: "a.b", Path: "/x", From: "127.0.0.2", Want: Outcome{Status: 403}},
			"curl -si -H 'Host: a.b' --interface 127.0.0.2 'http://127.0.0.1:8080/x'"},
		{Visit{Host: "a.b", Path: "/x", TLS: true, Want: Outcome{Status: 400}},
			"curl -si --cacert '/tmp/d 1/ca.crt' --connect-to '::127.0.0.1:8443' 'https://a.b/x'"},
		{Visit{Host: "a.b", Path: "/x", TLS: true, Certificate: true},
			"curl -sS --cacert '/tmp/d 1/ca.crt' --connect-to '::127.0.0.1:8443' --cert '/tmp/d 1/client.crt' --key '/tmp/d 1/client.key' 'https://a.b/x'"},
	} {
		if got := c.visit.Command("curl", site()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestOutcomeInWords(t *testing.T) {
	for want, o := range map[string]Outcome{
		"no answer, the connection is closed":             {},
		"404":                                             {Status: 404},
		"200 from a, which saw /x":                        {Status: 200, Pods: map[string]int{"a": 1}, Path: "/x"},
		"200 from a (1), b (3)":                           {Status: 200, Pods: map[string]int{"b": 3, "a": 1}},
		"200 from a (1), b (1), c (1)":                    {Status: 200, Pods: map[string]int{"b": 1, "c": 1, "a": 1}},
		`101 from a, which saw /s, and says "hello" back`: {Status: 101, Pods: map[string]int{"a": 1}, Path: "/s", Echo: "hello"},
		"200 from a, which saw /x and the client CN=b":    {Status: 200, Pods: map[string]int{"a": 1}, Path: "/x", Client: "CN=b"},
		"308 to https://a.b/x":                            {Status: 308, Location: "https://a.b/x"},
		"200 from a (4), which saw the key k":             {Status: 200, Pods: map[string]int{"a": 4}, Key: "k"},
		"503, and to ask again after 5 s":                 {Status: 503, Retry: "5"},
	} {
		if got := o.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// byTLS is the only host of the backend by TLS.
const byTLS = "default.k8s.local"

// backend answers as Pods do: "a" and "b" in turn, and other things by path.
func backend(t *testing.T) Site {
	t.Helper()
	n := 0
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := map[string]string{}
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			headers["X-Ssl-Client-Subject"] = r.TLS.PeerCertificates[0].Subject.String()
		}
		switch {
		case r.URL.Path == "/closed":
			panic(http.ErrAbortHandler)
		case r.URL.Path == "/elsewhere":
			http.Redirect(w, r, "https://a.b/x", http.StatusPermanentRedirect)
			return
		case r.URL.Path == "/busy":
			w.Header().Set("Retry-After", "5")
			http.Error(w, "", http.StatusServiceUnavailable)
			return
		case strings.HasPrefix(r.RemoteAddr, "127.0.0.2:"):
			http.Error(w, "", http.StatusForbidden)
			return
		case r.URL.Path == "/404" || r.TLS == nil && r.Host != "a.b" && r.Host != "":
			http.NotFound(w, r)
			return
		}
		n++
		say := func() []byte {
			text, _ := json.Marshal(pods.Answer{
				Env:     map[string]string{"HOSTNAME": []string{"a", "b"}[n%2]},
				Request: pods.Request{Path: r.RequestURI, Headers: headers},
			})
			return text
		}
		if key, ok := strings.CutPrefix(r.URL.Path, "/rooms/"); ok {
			i := 0
			say = func() []byte {
				if i++; key == "stuck" {
					i = 1
				}
				text, _ := json.Marshal(pods.Room{Server: "r", Counter: i, NS: key})
				return text
			}
		}
		text := say()
		if r.Header.Get("Upgrade") == "" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(text)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		kind, message := websocket.MessageText, text
		for conn.Write(r.Context(), kind, message) == nil {
			if kind, message, err = conn.Read(r.Context()); err != nil {
				return
			}
			if string(message) == "env" && r.URL.Path != "/forgetful" || strings.HasPrefix(r.URL.Path, "/rooms/") {
				message = say()
			}
		}
	})
	s := Site{Files: authority.In(t.TempDir())}
	if err := s.Files.Write(); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(s.Files.Default, s.Files.DefaultKey)
	if err != nil {
		t.Fatal(err)
	}
	plain, secure := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // clients that refuse the certificate
	secure.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	s.Port, s.SSLPort = plain.Listener.Addr().(*net.TCPAddr).Port, secure.Listener.Addr().(*net.TCPAddr).Port
	return s
}

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		visit Visit
		want  Outcome
	}{
		{Visit{Host: "a.b", Path: "/x%2F?y"}, Outcome{Status: 200, Pods: map[string]int{"b": 1}, Path: "/x%2F?y"}},
		{Visit{Host: "a.b", Path: "/x", Times: 6}, Outcome{Status: 200, Pods: map[string]int{"a": 3, "b": 3}}},
		{Visit{Host: "a.b", Path: "/404"}, Outcome{Status: 404}},
		{Visit{Host: "c.d", Path: "/x"}, Outcome{Status: 404}},
		{Visit{Host: "a.b", Path: "/closed"}, Outcome{}},
		{Visit{Host: "a.b", Path: "/ws", WS: true}, Outcome{Status: 101, Pods: map[string]int{"b": 1}, Path: "/ws", Echo: "hello"}},
		{Visit{Host: "a.b", Path: "/404", WS: true}, Outcome{Status: 404}},
		{Visit{Host: "a.b", Path: "/elsewhere"}, Outcome{Status: 308, Location: "https://a.b/x"}},
		{Visit{Host: byTLS, Path: "/x", TLS: true}, Outcome{Status: 200, Pods: map[string]int{"b": 1}, Path: "/x"}},
		{Visit{Host: byTLS, Path: "/x", TLS: true, Certificate: true},
			Outcome{Status: 200, Pods: map[string]int{"b": 1}, Path: "/x", Client: authority.ClientName}},
		{Visit{Host: byTLS, Path: "/closed", TLS: true}, Outcome{}},
		{Visit{Host: "a.b", Path: "/rooms/k", Times: 3}, Outcome{Status: 200, Pods: map[string]int{"r": 3}, Key: "k"}},
		{Visit{Host: byTLS, Path: "/rooms/k", TLS: true, WS: true}, Outcome{Status: 101, Pods: map[string]int{"r": 1}, Key: "k"}},
		{Visit{Host: "a.b", Path: "/busy"}, Outcome{Status: 503, Retry: "5"}},
		{Visit{Host: "a.b", Path: "/busy", WS: true}, Outcome{Status: 503, Retry: "5"}},
		{Visit{Host: "a.b", Path: "/x", From: "127.0.0.2"}, Outcome{Status: 403}},
	} {
		t.Run(fmt.Sprint(c.visit.Path, c.visit.From, c.visit.WS, c.visit.TLS, c.visit.Certificate), func(t *testing.T) {
			got, err := Ask(t.Context(), backend(t), c.visit)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	for name, v := range map[string]Visit{
		"a WebSocket that does not answer \"env\"": {Host: "a.b", Path: "/forgetful", WS: true},
		"a room that does not count":               {Host: "a.b", Path: "/rooms/stuck", WS: true},
		"the certificate of another host":          {Host: "a.b", Path: "/x", TLS: true},
		"that certificate, for a WebSocket":        {Host: "a.b", Path: "/x", TLS: true, WS: true},
	} {
		if got, err := Ask(t.Context(), backend(t), v); err == nil {
			t.Errorf("%s gave %v", name, got)
		}
	}
}

func TestTalk(t *testing.T) {
	s := backend(t)
	for _, c := range []struct{ url, host, ca, pod, wrong string }{
		{url: "ws://" + s.http() + "/ws", host: "a.b", pod: "b"},
		{url: "ws://" + s.http() + "/ws", host: "c.d", wrong: "is the host right?"},
		{url: "wss://" + s.https() + "/ws", host: byTLS, ca: s.Files.CA, pod: "a"},
		{url: "wss://" + s.https() + "/ws", host: "c.d", ca: s.Files.CA, wrong: "c.d"},
		{url: "wss://" + s.https() + "/ws", host: byTLS, wrong: "unknown authority"},
		{url: "wss://" + s.https() + "/ws", host: byTLS, ca: s.Files.ClientKey, wrong: "holds no certificate"},
	} {
		var out bytes.Buffer
		err := Talk(t.Context(), &out, c.url, c.host, c.ca, []string{"one", "two"})
		if text := out.String(); c.wrong == "" && (err != nil || !strings.Contains(text, `"HOSTNAME":"`+c.pod+`"`) || !strings.HasSuffix(text, "\none\ntwo\n")) {
			t.Errorf("%s of %s printed %q, and gave %v", c.url, c.host, text, err)
		}
		if c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s of %s gave %v, want %q", c.url, c.host, err, c.wrong)
		}
	}
}

func TestPrintedCommandsAreShell(t *testing.T) {
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	var printed []string
	Print(func(s string) { printed = append(printed, s) }, site())
	if n, g := len(All(site())), len(Groups(site())); len(printed) != 3*n+3*g {
		t.Errorf("%d lines for %d visits in %d groups", len(printed), n, g)
	}
	for _, v := range All(site()) {
		command := v.Command("curl --noproxy '*'", site())
		if !slices.Contains(printed, "    "+command) {
			t.Errorf("not printed: %s", command)
		}
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", command).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", command, err, out)
		}
	}
}
