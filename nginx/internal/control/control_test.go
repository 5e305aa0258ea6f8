package control

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestAsk(t *testing.T) {
	dir, err := os.MkdirTemp("", "d") // t.TempDir's path may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	c := NewClient(socket)
	if _, _, err := c.Ask(t.Context()); err == nil {
		t.Error("an answer without a socket")
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	status, answer := http.StatusOK, ""
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()

	answer = "a1b2 42\n"
	if generation, worker, err := c.Ask(t.Context()); generation != "a1b2" || worker != 42 || err != nil {
		t.Errorf("%q %d %v", generation, worker, err)
	}
	for _, answer = range []string{"", "a1b2\n", "a1b2 x\n", "<html>no such page</html>"} {
		if _, _, err := c.Ask(t.Context()); err == nil {
			t.Errorf("%q is no generation", answer)
		}
	}
	status, answer = http.StatusNotFound, "a1b2 42\n"
	if _, _, err := c.Ask(t.Context()); err == nil {
		t.Error("404 is no answer")
	}
}
