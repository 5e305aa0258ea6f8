package source

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
)

// inner finds the transport that a client uses at last.
func inner(t *testing.T, config *rest.Config) *http.Transport {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	trip := client.Transport
	for {
		switch at := trip.(type) {
		case *http.Transport:
			return at
		case utilnet.RoundTripperWrapper:
			trip = at.WrappedRoundTripper()
		default:
			t.Fatalf("there is a %T in the way", trip)
		}
	}
}

func certificate(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// A connection that has died is noticed within seconds, whatever client-go wraps
// around it.
func TestWatchful(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	authority := filepath.Join(t.TempDir(), "ca.crt")
	write(t, authority, string(certificate(server)))
	for name, tls := range map[string]rest.TLSClientConfig{
		"plain":                      {},
		"authority in the config":    {CAData: certificate(server)},
		"authority in a file":        {CAFile: authority},
		"authority and another name": {CAFile: authority, ServerName: "example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			config := &rest.Config{Host: server.URL, TLSClientConfig: tls}
			watchful(config)
			at := inner(t, config)
			if at == http.DefaultTransport || at.HTTP2 == nil || at.HTTP2.SendPingTimeout != idle || at.HTTP2.PingTimeout != answer || at.TLSHandshakeTimeout != open || at.IdleConnTimeout != 0 {
				t.Errorf("the transport is %+v, with %+v", at, at.HTTP2)
			}
		})
	}
}

// A token that is refused is read anew.
func TestFresh(t *testing.T) {
	valid := "first"
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+valid {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, "first")
	config := &rest.Config{Host: server.URL, BearerToken: "first", BearerTokenFile: file, TLSClientConfig: rest.TLSClientConfig{CAData: certificate(server)}}
	watchful(config)
	fresh(config)
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(want int) {
		t.Helper()
		r, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("status %d, want %d", r.StatusCode, want)
		}
	}
	ask(http.StatusOK)
	valid = "second"
	ask(http.StatusUnauthorized)
	write(t, file, "second")
	ask(http.StatusOK)
	if config.BearerToken != "" || config.BearerTokenFile != "" {
		t.Error("client-go would use its own way with tokens as well")
	}
}
