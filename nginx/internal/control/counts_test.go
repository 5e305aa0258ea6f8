package control

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestCounts(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "d") // t.TempDir's path may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	answer := "Active connections: 291 \nserver accepts handled requests\n 16630948 16630946 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n"
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/status" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, answer)
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()

	c := NewClient(filepath.Join(dir, "s"))
	want := Counts{Active: 291, Reading: 6, Writing: 179, Waiting: 106, Accepted: 16630948, Handled: 16630946, Requests: 31070465}
	if got, err := c.Counts(t.Context()); got != want || err != nil {
		t.Errorf("%+v %v", got, err)
	}
	for _, answer = range []string{"", "Active connections: 291 \n", "Active connections: -1 \n", "<html>no such page</html>"} {
		if got, err := c.Counts(t.Context()); got != (Counts{}) || err == nil {
			t.Errorf("%q gives %+v", answer, got)
		}
	}
}
