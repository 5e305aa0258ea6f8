package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

func TestFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tls.crt")
	put(t, file, "one")
	r := watchFile(t, file, nil, file)
	r.expect("one")
	put(t, file, "two, in place")
	r.expect("two, in place")
	for _, text := range []string{"three", "four"} { // the second is another file than the one that was there
		over(t, file, text)
		r.expect(text)
	}
	put(t, file, "five, in place")
	r.expect("five, in place")
	must(t, os.Remove(file))
	r.expect("")
	put(t, file, "six")
	r.expect("six")
}

// A file that may be read at last has changed, too.
func TestModeCounts(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tls.key")
	put(t, file, "key")
	r := watchFile(t, file, nil, file)
	r.expect("key")
	must(t, os.Chmod(file, 0o640))
	r.expect("key")
}

// Both of a Secret's fields change with one rename of ..data, as the kubelet
// does it: the folder of the last version is removed afterwards.
func TestMountedSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("..2024_1/tls.crt"), "one")
	relink(t, "..2024_1", at("..data"))
	relink(t, "..data/tls.crt", at("tls.crt"))
	r := watchFile(t, at("tls.crt"), nil, at("tls.crt"))
	r.expect("one")
	last := "..2024_1"
	for _, version := range []string{"..2024_2", "..2024_3"} {
		put(t, at(version+"/tls.crt"), version)
		relink(t, version, at("..data"))
		must(t, os.RemoveAll(at(last)))
		r.expect(version)
		put(t, at(version+"/tls.crt"), version+", in place")
		r.expect(version + ", in place")
		last = version
	}
}

// certbot keeps all versions in one folder, and a link to the current one in another.
func TestCertbot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("archive/e.com/cert1.pem"), "one")
	put(t, at("live/e.com/README"), "")
	link, target := at("live/e.com/cert.pem"), "../../archive/e.com/"
	relink(t, target+"cert1.pem", link)
	r := watchFile(t, link, nil, link)
	r.expect("one")
	put(t, at("archive/e.com/cert1.pem"), "one, mended")
	r.expect("one, mended")
	put(t, at("archive/e.com/cert2.pem"), "two")
	must(t, os.Remove(link), os.Symlink(target+"cert2.pem", link))
	r.expect("two")
	over(t, at("archive/e.com/cert2.pem"), "two, mended")
	r.expect("two, mended")
	must(t, os.Remove(at("archive/e.com/cert2.pem"))) // the link leads nowhere
	r.expect("")
	put(t, at("archive/e.com/cert2.pem"), "three")
	r.expect("three")
}

// Links may be absolute, and stand for folders on the way.
func TestLinkedFolderOnTheWay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("v1/ssl/tls.crt"), "one")
	put(t, at("v2/ssl/tls.crt"), "two")
	relink(t, at("v1"), at("current"))
	r := watchFile(t, at("current/ssl/tls.crt"), nil, at("current/ssl/tls.crt"))
	r.expect("one")
	relink(t, at("v2"), at("current"))
	r.expect("two")
	put(t, at("v2/ssl/tls.crt"), "three")
	r.expect("three")
}

func TestFolderOfAFileIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("ssl/tls.crt"), "one")
	put(t, at("new/tls.crt"), "two")
	r := watchFile(t, at("ssl/tls.crt"), nil, at("ssl/tls.crt"))
	r.expect("one")
	must(t, os.Rename(at("ssl"), at("old")))
	r.expect("")
	must(t, os.Rename(at("new"), at("ssl")))
	r.expect("two")
	put(t, at("ssl/tls.crt"), "three")
	r.expect("three")
	must(t, os.RemoveAll(at("ssl")))
	r.expect("")
	put(t, at("ssl/tls.crt"), "four")
	r.expect("four")
}

// Of a folder all entries count that concern, whatever they are links to.
func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	concerns := func(name string) bool { return strings.HasSuffix(name, ".tmpl") }
	put(t, at("t/other.tmpl"), "")
	put(t, at("elsewhere/x"), "two")
	r := watchFile(t, at("t/x.tmpl"), concerns, at("t"))
	r.expect("")
	put(t, at("t/x.tmpl"), "one") // an entry more
	r.expect("one")
	relink(t, "../elsewhere/x", at("t/x.tmpl"))
	r.expect("two")
	put(t, at("elsewhere/x"), "three")
	r.expect("three")

	must(t, os.Rename(at("t"), at("old"))) // the folder is replaced
	r.expect("")
	put(t, at("t/x.tmpl"), "four")
	r.expect("four")
	over(t, at("t/x.tmpl"), "five")
	r.expect("five")

	put(t, at("new/x.tmpl"), "six") // and behind a link
	must(t, os.RemoveAll(at("t")))
	relink(t, "new", at("t"))
	r.expect("six")
	put(t, at("new/x.tmpl"), "seven")
	r.expect("seven")
}

// Several paths are one watch, and one of them need not be there yet, nor the
// folders on its way.
func TestMissingPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("first"), "")
	r := watchFile(t, at("a/b/second"), nil, at("first"), at("a/b/second"))
	r.expect("")
	must(t, os.Mkdir(at("a"), 0o700))
	r.expect("")
	must(t, os.Mkdir(at("a/b"), 0o700))
	r.expect("")
	put(t, at("a/b/second"), "here")
	r.expect("here")
}

// A relative path stays what it was.
func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "file", "one")
	r := watchFile(t, "file", nil, "file")
	r.expect("one")
	over(t, "file", "two")
	r.expect("two")
}

// Without the system's help, that is told once, and a look every 30 s goes on.
func TestPollsWithoutInotify(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls, told := 0, 0
		w := &watching{
			paths:   []string{"/etc/passwd"},
			changed: func() { calls++ },
			failed:  func(error) { told++ },
			open:    func() (*fsnotify.Watcher, error) { return nil, syscall.EMFILE },
		}
		go w.run(ctx)
		time.Sleep(3*look + time.Second) // the bubble's clock, which is the only thing that moves
		synctest.Wait()
		if calls != 4 || told != 1 {
			t.Errorf("%d calls and %d failures, want 4 and 1", calls, told)
		}
		cancel()
	})
}

// A path that can't be followed is told once, and does not hide the others.
func TestUnwatchable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("file"), "one")
	must(t, os.Symlink("circle", at("circle")))
	ctx, cancel := context.WithCancel(t.Context())
	seen, failures, done := make(chan string, 100), make(chan error, 100), make(chan struct{})
	go func() {
		defer close(done)
		Paths(ctx, []string{at("file/none"), at("circle"), at("file")}, nil, func() {
			text, _ := os.ReadFile(at("file"))
			seen <- string(text)
		}, func(err error) { failures <- err })
	}()
	r := &reader{t, seen}
	r.expect("one")
	put(t, at("file"), "two")
	r.expect("two")
	cancel()
	<-done
	if len(failures) != 1 {
		t.Fatalf("told %d times", len(failures))
	}
	if err := <-failures; !errors.Is(err, syscall.ENOTDIR) || !errors.Is(err, syscall.ELOOP) {
		t.Errorf("told %v", err)
	}
}
