package watch

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Neighbours of a path are nobody's business, nor are entries that don't concern.
func TestNames(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("s/..1/tls.crt"), "")
	put(t, at("t/a.tmpl"), "")
	must(t, os.Symlink("..1", at("s/..data")), os.Symlink("..data/tls.crt", at("s/tls.crt")),
		os.Symlink("../s/tls.crt", at("t/b.tmpl")), os.Symlink("../gone/c", at("t/c.tmpl")), os.Symlink("/nowhere", at("t/d")))
	concerns := func(name string) bool { return strings.HasSuffix(name, ".tmpl") }

	for _, tc := range []struct {
		path    string
		folders []string
		yes, no []string
	}{
		{"s/tls.crt", []string{"s", "s/..1"},
			[]string{"s/tls.crt", "s/..data", "s/..1/tls.crt", "s", "s/..1"},
			[]string{"t", "s/tls.key", "s/..data_tmp", "s/..2", "s/..1/tls.key", "s/x.tmpl"}},
		{"t/../s/..data/tls.crt", []string{"s", "s/..1"},
			[]string{"s/..data", "s/..1/tls.crt"},
			[]string{"s/tls.crt"}},
		{"t", []string{".", "s", "s/..1", "t"},
			[]string{"t", "gone", "t/a.tmpl", "t/new.tmpl", "t/b.tmpl", "s/tls.crt", "s/..data", "s/..1/tls.crt"},
			[]string{"x", "x.tmpl", "t/d", "t/.a.swp", "s/tls.key", "s/x.tmpl"}},
		{"gone/further/file", []string{"."},
			[]string{"gone"},
			[]string{"s", "gone/further/file"}},
	} {
		n, err := find([]string{at(tc.path)}, concerns)
		must(t, err)
		var folders []string
		for folder := range maps.Keys(n.folders) {
			rel, err := filepath.Rel(dir, folder)
			must(t, err)
			folders = append(folders, rel)
		}
		if slices.Sort(folders); !slices.Equal(folders, tc.folders) {
			t.Errorf("%s: watches %q, want %q", tc.path, folders, tc.folders)
		}
		for _, name := range tc.yes {
			if !n.has(at(name), concerns) {
				t.Errorf("%s: a change of %q does not count", tc.path, name)
			}
		}
		for _, name := range tc.no {
			if n.has(at(name), concerns) {
				t.Errorf("%s: a change of %q counts", tc.path, name)
			}
		}
	}
}
