package nginx

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Test tells what Apply would, and leaves no trace: neither in what is served nor on
// disk, whether nginx takes the text or not.
func TestProbe(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.apply(b.conf("g1"))
	rejected := &RejectedError{}
	if err := b.Apply(t.Context(), b.conf("g2", "nonsense on;")); !errors.As(err, &rejected) {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(b.path(rejectedName))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "c3VwZXJzZWNyZXQ"
	bad := b.conf("g3", "return 200 ok;", "no"+secret+" on;")
	bad.Secrets = append(bad.Secrets, cluster.Sensitive(secret))
	err = b.Test(t.Context(), bad)
	if !errors.As(err, &rejected) || !rejected.Refused() || rejected.Path != "" {
		t.Fatalf("got %v", err)
	}
	words, line := rejected.Words()
	if want := strings.Count(string(bad.Conf[:strings.Index(string(bad.Conf), "no"+secret)]), "\n") + 1; words != `unknown directive "no***"` || line != want {
		t.Errorf("nginx says %q of line %d, want line %d", words, line, want)
	}
	if err := b.Test(t.Context(), b.conf("g4")); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if err := b.Test(ended, b.conf("g5")); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &rejected) {
		t.Errorf("without time: %v", err)
	}
	if _, err := os.Stat(b.path(nextName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s stays behind: %v", nextName, err)
	}
	if now, err := os.ReadFile(b.path(rejectedName)); err != nil || string(now) != string(kept) {
		t.Errorf("what was kept of a refused configuration is another one: %v", err)
	}
	b.expectDisk(b.conf("g1"))
	b.expect("g1")
}
