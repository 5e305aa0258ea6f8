package golden

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/source"
	"github.com/30x/dispatcher/test/internal/corridor"
)

// root is the project's folder.
const root = "../.."

// command finds the commands that a README tells to run.
var command = regexp.MustCompile(`(?m)^ +dispatcher render (-f (?:.*\\\n)*.*)$`)

// Each example gives exactly the configuration that stands beside its manifest,
// without any problem, when it is rendered as its README says.
func TestExamples(t *testing.T) {
	readmes, err := filepath.Glob(root + "/examples/*/README.md")
	if err != nil || len(readmes) == 0 {
		t.Fatalf("no examples found: %v", err)
	}
	for _, readme := range readmes {
		dir := filepath.Dir(readme)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			text, err := os.ReadFile(readme)
			if err != nil {
				t.Fatal(err)
			}
			commands := command.FindAllStringSubmatch(string(text), -1)
			if len(commands) == 0 {
				t.Errorf("%s: it has no command 'dispatcher render -f …'", readme)
			}
			for _, c := range commands {
				renderExample(t, dir, strings.Fields(strings.ReplaceAll(c[1], "\\\n", " ")))
			}
		})
	}
}

func renderExample(t *testing.T, dir string, flags []string) {
	t.Helper()
	manifest := flags[1]
	if want := path.Join("examples", filepath.Base(dir), "manifest.yaml"); manifest != want {
		t.Errorf("the README renders %s, want %s", manifest, want)
	}
	settings := flags[2:]
	for i := range settings { // READMEs name files from the project's root
		settings[i] = strings.Replace(settings[i], "=examples/", "="+root+"/examples/", 1)
	}
	c, err := corridor.New(nil, settings...)
	if err != nil {
		t.Fatal(err)
	}
	objects, unread, err := source.ReadManifests([]string{filepath.Join(root, manifest)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cache := c.NewCache()
	for _, o := range objects {
		if _, err := cache.Set(o); err != nil {
			t.Error(err)
		}
	}
	table, problems := route.Build(cache.Snapshot(), c.Options)
	for _, p := range unread {
		t.Errorf("a problem: %s", p)
	}
	for _, p := range problems {
		t.Errorf("a problem: %s", p)
	}
	files, err := c.Render(table)
	if err != nil {
		t.Fatal(err)
	}
	judged(t, c, files)
	if _, err := listing(files.Conf); err != nil {
		t.Error(err)
	}
	// An annotation of another name is that of one half of a pair: .public, .private.
	name := "nginx.conf"
	if half := path.Ext(c.Options.HostsAnnotation); half != ".hosts" {
		name = "nginx" + half + ".conf"
	}
	golden := filepath.Join(dir, name)
	if updating() && !t.Failed() {
		if err := os.WriteFile(golden, files.Conf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v: UPDATE=1 writes it", err)
	}
	if got := string(files.Conf); got != string(want) {
		t.Errorf("%s differs:\n%s", golden, difference(string(want), got))
	}
	nginxAccepts(t, c, table)
}
