package source

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadManifests(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("f/a.yaml"), pods("a"))
	write(t, at("f/sub/b.yml"), pods("b")+"metdata: {}\n")
	write(t, at("f/.hidden.yaml"), "kind: [")
	write(t, at("other.txt"), pods("c"))
	objects, problems, err := ReadManifests([]string{at("f"), "-", at("other.txt"), at("f/a.yaml")}, strings.NewReader(pods("d")))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.GetName())
	}
	if want := []string{"a", "b", "c", "d"}; !slices.Equal(got, want) {
		t.Errorf("objects are %q, want %q", got, want)
	}
	if len(problems) != 1 || problems[0].Where != "Pod/default/b" || problems[0].Reason != "metdata: unknown field, it is not used: correct or remove it ("+at("f/sub/b.yml")+": document 1)" {
		t.Errorf("problems are %v", problems)
	}
}

// Everything that can't be read is named, all at once.
func TestReadManifestsErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "m", "bad.yaml"), pods("a")+"---\nkind: [\n")
	if err := os.Symlink("nowhere", filepath.Join(dir, "m", "link.yaml")); err != nil {
		t.Fatal(err)
	}
	_, _, err := ReadManifests([]string{filepath.Join(dir, "none.yaml"), filepath.Join(dir, "m"), "-"}, strings.NewReader("{"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"none.yaml: no such file", "give a file or folder that exists", "bad.yaml:7: ", "link.yaml: no such file", "stdin:1: "} {
		if strings.Count(err.Error(), want) != 1 {
			t.Errorf("%q is not in the error once:\n%v", want, err)
		}
	}
}
