package house

import (
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Each promise in SECURITY.md names tests, and all of them exist.
func TestPromisesAreTested(t *testing.T) {
	tests := map[string]bool{}
	for _, f := range files(t, true) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasSuffix(f.path, "_test.go") {
				tests[fn.Name.Name] = true
			}
		}
	}
	text, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "| promise | tests |\n|---|---|\n")
	promises, _, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatal("SECURITY.md has no table of promises")
	}
	name := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`")
	for _, line := range strings.Split(promises, "\n") {
		named := name.FindAllStringSubmatch(line, -1)
		if len(named) == 0 {
			t.Errorf("no test is named: %s", line)
		}
		for _, n := range named {
			if !tests[n[1]] {
				t.Errorf("there is no %s: %s", n[1], line)
			}
		}
	}
}
