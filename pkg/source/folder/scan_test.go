package folder

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/source/manifest"
)

// bench is a Scanner on a folder of its own, with a clock in the test's hands.
type bench struct {
	*Scanner
	t   *testing.T
	dir string
	now time.Time
	log bytes.Buffer
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, dir: t.TempDir(), now: time.Now()}
	b.Scanner = NewScanner(b.dir, func(string) {}, slog.New(slog.NewTextHandler(&b.log, nil)))
	return b
}

func pods(names ...string) string {
	var out strings.Builder
	for _, n := range names {
		fmt.Fprintf(&out, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n", n)
	}
	return out.String()
}

// write gives the file a time of its own: two writes within one tick of the
// clock of the file system must not look alike.
func (b *bench) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	b.now = b.now.Add(time.Millisecond)
	b.must(os.MkdirAll(filepath.Dir(path), 0o755))
	b.must(os.WriteFile(path, []byte(text), 0o644))
	b.must(os.Chtimes(path, b.now, b.now))
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// after lets time pass, scans once and wants these Pods to be held.
func (b *bench) after(d time.Duration, want ...string) {
	b.t.Helper()
	b.now = b.now.Add(d)
	_, _, err := b.Scan(b.now)
	b.must(err)
	objects, _ := manifest.Objects(b.Contents())
	var got []string
	for _, o := range objects {
		got = append(got, o.GetName())
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("the Scanner holds %q, want %q", got, want)
	}
}

// settled is after for a change that was quiet for long enough.
func (b *bench) settled(want ...string) {
	b.t.Helper()
	_, _, err := b.Scan(b.now)
	b.must(err)
	b.after(2*time.Second, want...)
}

// logged wants the log to hold a line with all these words, once, and empties it.
func (b *bench) logged(words ...string) {
	b.t.Helper()
	n := 0
	for line := range strings.Lines(b.log.String()) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			n++
		}
	}
	if n != 1 {
		b.t.Errorf("%d lines with %q in the log, want 1:\n%s", n, words, b.log.String())
	}
	b.log.Reset()
}

func TestScanIsQuietAboutWhatIsQuiet(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", pods("a"))
	changed, next, err := b.Scan(b.now)
	if changed || next != Quiet || err != nil {
		t.Errorf("first look: %v, %v, %v", changed, next, err)
	}
	changed, next, err = b.Scan(b.now.Add(Quiet))
	if !changed || next != 0 || err != nil {
		t.Errorf("second look: %v, %v, %v", changed, next, err)
	}
	changed, next, err = b.Scan(b.now.Add(time.Hour))
	if changed || next != 0 || err != nil {
		t.Errorf("third look: %v, %v, %v", changed, next, err)
	}
}

// A file that is still being written may already be good YAML.
func TestScanWaitsUntilAFileIsQuiet(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", pods("a", "b", "c"))
	b.settled("a", "b", "c")
	for _, half := range []string{pods("a"), pods("a", "b")} {
		b.write("a.yaml", half)
		b.after(0, "a", "b", "c")
		b.after(Quiet-2*time.Millisecond, "a", "b", "c")
	}
	b.write("a.yaml", pods("a", "b", "d"))
	b.after(0, "a", "b", "c")
	b.after(Quiet, "a", "b", "d")
}

func TestScanEmptyFile(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", pods("a"))
	b.settled("a")
	b.write("a.yaml", "")
	b.after(0, "a")
	b.after(900*time.Millisecond, "a")
	b.write("a.yaml", pods("a", "b")) // it was only the first half of a rewrite
	b.settled("a", "b")
	b.write("a.yaml", "")
	b.after(0, "a", "b")
	b.after(time.Second) // it stays empty: it is meant
}

func TestScanBadFileKeepsItsLastGoodContent(t *testing.T) {
	for name, bad := range map[string]string{
		"no YAML":            pods("a") + "---\nkind: [",
		"a broken neighbour": pods("b") + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: {}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.write("a.yaml", pods("a"))
			b.write("other.yaml", pods("z"))
			b.settled("a", "z")
			b.write("a.yaml", bad)
			b.write("other.yaml", pods("x"))
			b.settled("a", "x")
			b.after(time.Hour, "a", "x")
			b.logged("level=ERROR", "keeping its last good content", "a.yaml:", "repair the file")
			b.write("a.yaml", pods("b"))
			b.settled("b", "x")
			b.logged("level=INFO", "good again", "a.yaml")
		})
	}
}

// The error names the line, and without last good content it says so.
func TestScanBadFileAtTheStart(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", pods("a")+"---\nkind: [")
	b.write("b.yaml", pods("b"))
	b.write("c.yaml", pods("c")+"---\napiVersion: v1\nkind: Pod\nmetadata: {name: {}}\n")
	b.settled("b", "c") // a broken document leaves its neighbours, if there is nothing better
	b.logged("level=ERROR", "going on without it", "a.yaml:6: ")
}

func TestScanDeletedFile(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", pods("a"))
	b.write("sub/b.yaml", pods("b"))
	b.settled("a", "b")
	b.must(os.Remove(filepath.Join(b.dir, "a.yaml")))
	b.after(0, "a", "b")
	b.after(quietGone-time.Millisecond, "a", "b") // an editor may be about to bring it back
	b.after(time.Millisecond, "b")
	b.must(os.RemoveAll(filepath.Join(b.dir, "sub")))
	b.settled()
}

// Vim with backupcopy=no: the file is moved away, and a new one is written.
func TestScanBackupDance(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", pods("a"))
	b.settled("a")
	b.write("4913", "")
	b.must(os.Rename(filepath.Join(b.dir, "a.yaml"), filepath.Join(b.dir, "a.yaml~")))
	b.after(0, "a")
	b.write("a.yaml", pods("a", "b"))
	b.after(0, "a")
	b.after(Quiet, "a", "b")
}

func TestScanIgnoresWhatIsNoManifest(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{".hidden.yaml", ".git/x.yaml", "x.yaml~", ".#x.yaml", "#x.yaml#", ".x.yaml.swp", "x.yaml.swp", "4913", "x.yaml.tmp", "x.txt"} {
		b.write(name, pods("no"))
	}
	b.write("a.yaml", pods("a"))
	b.write("b.YML", pods("b"))
	b.write("deep/er/c.json", `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c"}}`)
	b.settled("a", "b", "c")
}

// A mounted ConfigMap: all files are links through ..data, which is swapped.
func TestScanSwappedLink(t *testing.T) {
	b := newBench(t)
	b.write("..1/a.yaml", pods("a"))
	b.write("..1/sub/b.yaml", pods("b"))
	b.must(os.Symlink("..1", filepath.Join(b.dir, "..data")))
	b.must(os.Symlink("..data/a.yaml", filepath.Join(b.dir, "a.yaml")))
	b.must(os.Symlink("..data/sub", filepath.Join(b.dir, "sub")))
	b.settled("a", "b")
	b.write("..2/a.yaml", pods("A"))
	b.write("..2/sub/b.yaml", pods("b"))
	b.must(os.Symlink("..2", filepath.Join(b.dir, "..tmp")))
	b.must(os.Rename(filepath.Join(b.dir, "..tmp"), filepath.Join(b.dir, "..data")))
	b.must(os.RemoveAll(filepath.Join(b.dir, "..1")))
	b.after(0, "a", "b")
	b.after(Quiet, "A", "b")
}

func TestScanPathIsGone(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", pods("a"))
	b.settled("a")
	away := b.dir + "-away"
	b.must(os.Rename(b.dir, away))
	if _, _, err := b.Scan(b.now.Add(time.Hour)); err == nil {
		t.Error("no error although the folder is gone")
	}
	if n := len(b.Contents()); n != 1 {
		t.Errorf("%d contents are left, want 1", n)
	}
	b.must(os.Rename(away, b.dir))
	b.settled("a")
}

// What is there but can't be looked at keeps its content.
func TestScanUnreadable(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", pods("a"))
	b.write("sub/b.yaml", pods("b"))
	b.settled("a", "b")
	for _, name := range []string{"a.yaml", "sub"} {
		path := filepath.Join(b.dir, name)
		b.must(os.Rename(path, path+".away"))
		b.must(os.Symlink(name, path)) // leads to itself; file modes don't stop root
	}
	b.settled("a", "b")
	if n := strings.Count(b.log.String(), "keeping its last good content"); n != 2 {
		t.Errorf("%d complaints, want 2:\n%s", n, b.log.String())
	}
	b.log.Reset()
	for _, name := range []string{"a.yaml", "sub"} {
		path := filepath.Join(b.dir, name)
		b.must(os.Remove(path))
		b.must(os.Rename(path+".away", path))
	}
	b.settled("a", "b")
	b.logged("good again", "a.yaml")
}

func TestWalkCircle(t *testing.T) {
	b := newBench(t)
	b.write("sub/a.yaml", pods("a"))
	b.must(os.Symlink("..", filepath.Join(b.dir, "sub", "up")))
	b.settled("a")
}

func TestScanSingleFile(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", pods("a"))
	b.write("b.yaml", pods("b"))
	path := filepath.Join(b.dir, "a.yaml")
	var watched []string
	b.Scanner = NewScanner(path, func(folder string) { watched = append(watched, folder) }, slog.New(slog.DiscardHandler))
	b.settled("a")
	if !slices.Contains(watched, b.dir) {
		t.Errorf("the file's folder is not watched, only %q", watched)
	}
	b.must(os.Remove(path))
	if _, _, err := b.Scan(b.now); err == nil {
		t.Error("no error although the file is gone")
	}
	b.write("a.yaml", pods("c"))
	b.settled("c")
}
