package nginx

import (
	"errors"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/render"
)

func TestVersion(t *testing.T) {
	output, err := Version(t.Context(), binary(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := render.ParseCapabilities(output); err != nil {
		t.Errorf("%v:\n%s", err, output)
	}
}

func TestVersionOfMissingProgram(t *testing.T) {
	for _, name := range []string{"no-such-nginx", "/no/such/nginx"} {
		_, err := Version(t.Context(), name)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "NGINX_BINARY") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Version(t.Context(), script(t, "exit 3")); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}

// DF29: the text, and nothing else.
func TestPrinter(t *testing.T) {
	var out strings.Builder
	f := render.Files{Generation: "g1", Conf: []byte("secret"), Masked: []byte("events {}\n")}
	if err := (Printer{W: &out}).Apply(t.Context(), f); err != nil || out.String() != "events {}\n" {
		t.Errorf("printed %q, %v", out.String(), err)
	}
	if err := (Printer{W: brokenPipe{}}).Apply(t.Context(), f); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

var errBroken = errors.New("broken")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }
