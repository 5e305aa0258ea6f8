// Package house holds the rules of the house: tests that read the source of the
// whole project.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/30x/dispatcher/"

// mayImport is the corridor: which packages of the project each of its packages
// may import. A package below one of these (pkg/route/value) belongs to its room.
var mayImport = map[string][]string{
	"pkg/source":        {},
	"pkg/cluster":       {"pkg/source"},
	"pkg/route":         {"pkg/cluster"},
	"pkg/render":        {"pkg/cluster", "pkg/route"},
	"nginx":             {"pkg/render"},
	"internal/watch":    {},
	"internal/nginxlex": {},
	"templates":         {},
	"pkg/discovery":     {},
	"pkg/controller":    {"pkg/source", "pkg/cluster", "pkg/route", "pkg/render", "pkg/discovery", "internal/nginxlex"},
	"pkg/status":        {"pkg/controller", "pkg/explain"},
	"pkg/events":        {"pkg/cluster", "pkg/route", "pkg/controller"},
	"pkg/explain":       {"pkg/cluster", "pkg/route"},
	"pkg/ingressstatus": {"pkg/cluster", "pkg/controller"},
	"pkg/config":        {"pkg/cluster", "pkg/route", "pkg/render"},
	"cmd/dispatcher":    {"nginx", "pkg/cluster", "pkg/config", "pkg/controller", "pkg/discovery", "pkg/events", "pkg/explain", "pkg/ingressstatus", "pkg/render", "pkg/route", "pkg/source", "pkg/status", "templates"},
}

// shared is the room that every other may import, but for those that only compute.
const shared = "internal/watch"

// impure is what a room that only computes may not import.
var impure = []string{"os", "os/exec", "net", "net/http", "time", "log", "log/slog", "math/rand", "math/rand/v2"}

var pure = []string{"pkg/route", "pkg/explain", "pkg/render", "pkg/source/manifest"}

// file is one Go file of the project that is no test.
type file struct {
	path  string // slash-separated, from the project's root
	dir   string
	lines int
	ast   *ast.File
}

// files parses the project's Go files. It reads them itself, since a result that
// another program had found would be served from the test cache.
func files(t *testing.T, tests bool) []file {
	t.Helper()
	root := filepath.Join("..", "..")
	var out []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "tools" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || !tests && strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		out = append(out, file{rel, filepath.ToSlash(filepath.Dir(rel)), strings.Count(string(text), "\n"), parsed})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 30 {
		t.Fatalf("only %d Go files found: is the root right?", len(out))
	}
	return out
}

// room is the part of the corridor that a folder belongs to, "" if none.
func room(dir string) string {
	for name := range mayImport {
		if dir == name || strings.HasPrefix(dir, name+"/") {
			return name
		}
	}
	return ""
}

// A room imports only the room on its left, and a pure one nothing impure.
func TestCorridor(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range files(t, false) {
		from := room(f.dir)
		if from == "" {
			if strings.HasPrefix(f.dir, "pkg/") {
				t.Errorf("%s: its package is not in the list of rooms: add it to mayImport", f.path)
			}
			continue
		}
		seen[from] = true
		isPure := slices.ContainsFunc(pure, func(p string) bool { return f.dir == p || strings.HasPrefix(f.dir, p+"/") })
		for _, imp := range f.ast.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			if isPure && slices.Contains(impure, path) {
				t.Errorf("%s imports %s: a pure room may not", f.path, path)
			}
			dir, ours := strings.CutPrefix(path, module)
			if to := room(dir); ours && to != from && !slices.Contains(mayImport[from], to) && (to != shared || isPure) {
				t.Errorf("%s imports %s: %s may import only %v", f.path, dir, from, mayImport[from])
			}
		}
	}
	for name := range mayImport {
		if !seen[name] {
			t.Errorf("no file of %s was found", name)
		}
	}
}

// Files stay under 300 lines, packages under 800 without their tests.
func TestSizes(t *testing.T) {
	packages := map[string]int{}
	for _, f := range files(t, true) {
		if f.lines >= 300 {
			t.Errorf("%s has %d lines: split it before 300", f.path, f.lines)
		}
		if !strings.HasSuffix(f.path, "_test.go") {
			packages[f.dir] += f.lines
		}
	}
	for dir, lines := range packages {
		if lines >= 800 {
			t.Errorf("package %s has %d lines: split it before 800", dir, lines)
		}
	}
}

// Each package says what enters, what leaves and what it never does; no package
// has an init function.
func TestPackages(t *testing.T) {
	docs := map[string]string{}
	for _, f := range files(t, false) {
		if f.ast.Doc != nil {
			docs[f.dir] += f.ast.Doc.Text()
		} else if _, ok := docs[f.dir]; !ok {
			docs[f.dir] = ""
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", f.path)
			}
		}
	}
	for dir, doc := range docs {
		if doc == "" {
			t.Errorf("package %s has no doc comment", dir)
		}
		if room(dir) != "" && dir != "cmd/dispatcher" && !strings.Contains(doc, "never") {
			t.Errorf("the doc comment of package %s does not say what it never does", dir)
		}
	}
}

// Every exported name of the rooms has a docstring.
func TestDocstrings(t *testing.T) {
	for _, f := range files(t, false) {
		if room(f.dir) == "" {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Name.Name != "Error" && d.Doc == nil && !receiverIsPrivate(d) {
					t.Errorf("%s: %s has no docstring", f.path, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
						t.Errorf("%s: type %s has no docstring", f.path, s.Name.Name)
					}
				}
			}
		}
	}
}

func receiverIsPrivate(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return false
	}
	expr := d.Recv.List[0].Type
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	id, ok := expr.(*ast.Ident)
	return ok && !id.IsExported()
}
