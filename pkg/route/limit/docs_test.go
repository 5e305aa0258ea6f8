package limit_test

import (
	"testing"

	"github.com/30x/dispatcher/internal/page"
	"github.com/30x/dispatcher/pkg/route/limit"
)

// The reference page shows what the code knows.
func TestPageIsCurrent(t *testing.T) {
	t.Parallel()
	page.Current(t, "../../../docs/limits.md", limit.WriteMarkdown)
}
