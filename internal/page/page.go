// Package page holds what tests of generated pages share. What writes a page enters; a
// failed test leaves where the page in the repository differs. It never writes one unless
// UPDATE=1 asks for that.
package page

import (
	"bytes"
	"io"
	"os"
	"testing"
)

// Current compares a file with what write writes now, and rewrites it if UPDATE is 1.
func Current(t testing.TB, file string, write func(io.Writer) error) {
	t.Helper()
	var want bytes.Buffer
	if err := write(&want); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(file, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s differs from the table that it is made from: run UPDATE=1 make test", file)
	}
}
