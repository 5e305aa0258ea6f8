// Package golden holds the behaviours of the pure rooms as cases: manifests
// enter, and what is served of them is compared with what a person has checked.
//
// A case is an archive in testdata, named after the behaviours that it shows. Its
// comment says what to look at. It has these files:
//
//	settings        environment lines; may be missing
//	manifests.yaml  as kubectl apply would take them
//	problems        what the owners are told, one line each
//	routes          what nginx does per host and location, read from its configuration
//	nginx.conf      the whole configuration; only where the text itself matters
//
// A case of several moments prefixes them with 1/, 2/, …; from the second on,
// "changes" lists what routing made of each object's newest state.
//
// UPDATE=1 go test ./test/golden rewrites what is wanted. Read the difference
// before you commit it: a case is worth what the look at it was worth.
package golden

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/source"
	"github.com/30x/dispatcher/test/internal/corridor"
	"github.com/30x/dispatcher/test/internal/judge"
)

func updating() bool { return os.Getenv("UPDATE") != "" }

func archives(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases found: %v", err)
	}
	return names
}

func TestGolden(t *testing.T) {
	for _, name := range archives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runCase(t, name)
		})
	}
}

// moment is one state of the cluster in a case.
type moment struct {
	prefix string
	given  map[string]string
	got    []txtar.File // in the order of the archive; what is computed stands in it anew
}

func runCase(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	settings, moments := split(t, archive)
	c, err := corridor.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	w := &walk{Corridor: c, cache: c.NewCache(), known: map[cluster.Ref]metav1.Object{}}
	out := &txtar.Archive{Comment: archive.Comment}
	if i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "settings" }); i >= 0 {
		out.Files = append(out.Files, archive.Files[i])
	}
	for i, m := range moments {
		w.moment(t, m, i == 0)
		out.Files = append(out.Files, m.got...)
	}
	if updating() && !t.Failed() {
		if err := os.WriteFile(name, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// split sorts the files of a case by moment.
func split(t *testing.T, archive *txtar.Archive) (settings []string, moments []*moment) {
	t.Helper()
	for _, f := range archive.Files {
		if f.Name == "settings" {
			settings = strings.Fields(string(f.Data))
			continue
		}
		prefix, base := "", f.Name
		if i := strings.IndexByte(f.Name, '/'); i >= 0 {
			prefix, base = f.Name[:i+1], f.Name[i+1:]
		}
		if !slices.Contains([]string{"manifests.yaml", "changes", "problems", "routes", "nginx.conf"}, base) {
			t.Fatalf("unknown file %s", f.Name)
		}
		i := slices.IndexFunc(moments, func(m *moment) bool { return m.prefix == prefix })
		if i < 0 {
			i = len(moments)
			moments = append(moments, &moment{prefix: prefix, given: map[string]string{}})
		}
		moments[i].given[base] = string(f.Data)
	}
	if len(moments) == 0 {
		t.Fatal("the case has no manifests")
	}
	return settings, moments
}

// walk is a corridor with what it knows from one moment to the next.
type walk struct {
	*corridor.Corridor
	cache *cluster.Cache
	known map[cluster.Ref]metav1.Object
}

func (w *walk) moment(t *testing.T, m *moment, first bool) {
	t.Helper()
	manifests, ok := m.given["manifests.yaml"]
	if !ok {
		t.Fatalf("%smanifests.yaml is missing", m.prefix)
	}
	var problems []string
	objects, unread, err := source.ReadManifests([]string{"-"}, strings.NewReader(manifests))
	if err != nil { // nothing of the file counts
		problems = append(problems, err.Error())
	}
	for _, p := range unread {
		problems = append(problems, p.String())
	}
	changes, refused := w.take(objects)
	problems = append(problems, refused...)
	table, found := route.Build(w.cache.Snapshot(), w.Options)
	for _, p := range found {
		problems = append(problems, p.String())
	}
	files, err := w.Render(table)
	if err != nil {
		t.Fatal(err)
	}
	judged(t, w.Corridor, files)
	routes, err := listing(files.Conf)
	if err != nil {
		t.Fatal(err)
	}
	m.got = append(m.got, txtar.File{Name: m.prefix + "manifests.yaml", Data: []byte(manifests)})
	if !first {
		m.compare(t, "changes", lines(changes, "(none)"))
	}
	m.compare(t, "problems", lines(problems, "(none)"))
	m.compare(t, "routes", lines(routes, "(nothing is served)"))
	if _, ok := m.given["nginx.conf"]; ok {
		m.compare(t, "nginx.conf", string(files.Conf))
	}
	if !w.Options.HealthChecks { // stock nginx has no such module
		nginxAccepts(t, w.Corridor, table)
	}
}

// judged fails the test if the configuration holds anything but what
// Dispatcher renders.
func judged(t *testing.T, c *corridor.Corridor, files render.Files) {
	t.Helper()
	j := judge.New()
	if c.Params.DefaultStatus() == 0 {
		j.DefaultReturn = c.Params.DefaultReturn
	}
	if _, err := j.Check(string(files.Conf)); err != nil {
		t.Error(err)
	}
}

// take feeds the objects to the cache, and the deletion of those that are gone.
func (w *walk) take(objects []metav1.Object) (changes, refused []string) {
	now := map[cluster.Ref]metav1.Object{}
	for _, o := range objects {
		change, err := w.cache.Set(o)
		if err != nil {
			refused = append(refused, err.Error())
			continue
		}
		ref, err := cluster.NewRef(cluster.Kind(o), o)
		if err != nil || ref.Kind == "" {
			continue
		}
		now[ref] = o
		changes = append(changes, fmt.Sprintf("%s %s", ref, cmp.Or(change, "unchanged")))
	}
	for ref, o := range w.known {
		if now[ref] == nil {
			changes = append(changes, fmt.Sprintf("%s gone, %s", ref, cmp.Or(w.cache.Delete(o), "unchanged")))
		}
	}
	w.known = now
	slices.Sort(changes)
	return changes, refused
}

func lines(s []string, none string) string {
	if len(s) == 0 {
		return none + "\n"
	}
	return strings.Join(s, "\n") + "\n"
}

// compare puts what was computed in the place of what was wanted.
func (m *moment) compare(t *testing.T, name, got string) {
	t.Helper()
	m.got = append(m.got, txtar.File{Name: m.prefix + name, Data: []byte(got)})
	if updating() {
		return
	}
	want, ok := m.given[name]
	switch {
	case !ok:
		t.Errorf("%s%s is missing: a case says what it expects (UPDATE=1 writes it)", m.prefix, name)
	case want != got:
		t.Errorf("%s%s differs:\n%s", m.prefix, name, difference(want, got))
	}
}

// difference shows the lines that only one of the two texts has.
func difference(want, got string) string {
	var b bytes.Buffer
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range w {
		if !slices.Contains(g, line) {
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	for _, line := range g {
		if !slices.Contains(w, line) {
			fmt.Fprintf(&b, "+ %s\n", line)
		}
	}
	if b.Len() == 0 {
		b.WriteString("the same lines in another order or number\n")
	}
	return b.String()
}
