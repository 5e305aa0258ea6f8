package requests

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocs: docs/requests.md says of each kind of exchange what the tables here say,
// and of no other kind.
func TestDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "requests.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| (.+) \|$`).FindAllStringSubmatch(string(text), -1) {
		told[row[1]] = row[2]
	}
	delete(told, "request")
	seen := map[string]bool{}
	for name, group := range groups(begin(t)) {
		for _, e := range group {
			outcome, ok := told[e.row]
			if e.row == "" {
				continue
			}
			seen[e.row] = true
			status, _, _ := strings.Cut(e.want, " ") // the first one's
			if !ok || !strings.Contains(outcome, status) && !strings.HasPrefix(outcome, "passed on") {
				t.Errorf("%s, %s: it ends with %s, but of %q the docs tell %q", name, e.name, status, e.row, outcome)
			}
		}
	}
	for row := range told {
		if !seen[row] {
			t.Errorf("%q is told, and not tested", row)
		}
	}
}
