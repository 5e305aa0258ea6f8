package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDiffPage: the example of docs/render-diff.md gives what stands there.
func TestDiffPage(t *testing.T) {
	const file = "../../docs/render-diff.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```")
	t.Chdir(t.TempDir())
	for i := 1; i < len(blocks); i += 2 {
		kind, text, _ := strings.Cut(blocks[i], "\n")
		switch kind {
		case "yaml":
			name, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		case "console":
			command, want, _ := strings.Cut(strings.TrimPrefix(text, "$ dispatcher "), "\n")
			var out, problems strings.Builder
			if code := Main(strings.Fields(command), nil, strings.NewReader(""), &out, &problems); code != exitOK {
				t.Errorf("%s: exit code %d", command, code)
			}
			if got := out.String() + problems.String(); got != want {
				t.Errorf("%s says\n%s\nand not\n%s", command, got, want)
			}
			if want == "" {
				t.Error("the page says nothing")
			}
		}
	}
}
