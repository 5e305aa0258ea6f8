package limit_test

import (
	"testing"

	"github.com/30x/dispatcher/internal/page"
	"github.com/30x/dispatcher/pkg/route/limit"
)

// A zero is the default, in each of the fields, and the rows are about all of them.
func TestFilled(t *testing.T) {
	t.Parallel()
	if got := (limit.Limits{}).Filled(); got != limit.Default() {
		t.Errorf("got %+v", got)
	}
	var own limit.Limits
	for i, r := range limit.Rows() {
		*r.At(&own) = 3 + i
		if d := r.Default(); d < r.Least || d > r.Most {
			t.Errorf("%s is %d by default", r.Setting, d)
		}
	}
	if got := own.Filled(); got != own {
		t.Errorf("got %+v, want %+v", got, own)
	}
}

// The reference page shows what the code knows.
func TestPageIsCurrent(t *testing.T) {
	t.Parallel()
	page.Current(t, "../../../docs/limits.md", limit.WriteMarkdown)
}
