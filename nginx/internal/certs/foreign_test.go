package certs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fsnotify/fsnotify"

	"github.com/30x/dispatcher/pkg/render"
)

// Whoever reads sees a whole file, under the name that nginx loads and under the
// documented one.
func TestReadersSeeWholeFiles(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	big := func(n int) []render.CertificateFile {
		files := pair("a.com", n)
		for i := range files {
			files[i].Content = []byte(strings.Repeat(string(rune('a'+n)), 256<<10))
		}
		return files
	}
	serve(t, d, big(0))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	var reads [3]int
	for i, name := range []string{"certificate.crt", "certificate.key", big(1)[0].Name} {
		readers.Go(func() {
			for ; ; reads[i]++ {
				select {
				case <-stop:
					return
				default:
				}
				text, err := os.ReadFile(filepath.Join(d.path, "a.com", name))
				if errors.Is(err, fs.ErrNotExist) && i == 2 {
					continue // it comes and goes
				}
				if err != nil || len(text) != 256<<10 || strings.Count(string(text), string(text[0])) != len(text) {
					t.Errorf("%s: %d bytes, %v", name, len(text), err)
					return
				}
			}
		})
	}
	changes, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer changes.Close()
	if err := changes.Add(filepath.Join(d.path, "a.com")); err != nil {
		t.Fatal(err)
	}
	for n := range 30 {
		serve(t, d, big(n%2))
	}
	close(stop)
	readers.Wait()
	end := place(t, d, "a.com/end", "")
	for e := range changes.Events {
		if e.Name == end {
			break
		}
		if aliasName.MatchString(filepath.Base(e.Name)) && e.Has(fsnotify.Remove) {
			t.Fatalf("for a moment there was no %s", e.Name) // too short a one for a reader to see it each time
		}
	}
	if reads[0] == 0 || reads[1] == 0 || reads[2] == 0 {
		t.Errorf("read %v times", reads)
	}
}

// What isn't ours survives, whatever becomes of the hosts.
func TestForeignFilesStay(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	foreign := []string{
		"server.crt", "server.key", "a.com/notes.txt", "a.com/0123.key", "a.com/.hidden.new", "a.com/.certificate.pem.new",
		"b.com/certificate.key", "archive/privkey1.pem", ".git/config", "c.com/" + strings.Repeat("A", 32) + ".key",
	}
	for _, name := range foreign {
		place(t, d, name, name)
	}
	if err := os.Mkdir(filepath.Join(d.path, "empty.com"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i, files := range [][]render.CertificateFile{join(pair("a.com", 1), pair("c.com", 2)), pair("a.com", 3), nil} {
		serve(t, d, files)
		for _, name := range foreign {
			expectFile(t, filepath.Join(d.path, name), name)
		}
		if _, err := os.Stat(filepath.Join(d.path, "empty.com")); err != nil {
			t.Error(err)
		}
		_, err := os.Stat(filepath.Join(d.path, "c.com", pair("", 2)[0].Name))
		if gone := errors.Is(err, fs.ErrNotExist); gone != (i > 0) {
			t.Errorf("turn %d: %v", i, err)
		}
	}
}

// A foreign file with a documented name stays, and is told of once.
func TestForeignAlias(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	path := place(t, d, "a.com/certificate.key", "mine")
	secret := place(t, d, "elsewhere", "secret")
	link := filepath.Join(d.path, "a.com", "certificate.crt")
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	write(t, d, pair("a.com", 1))
	err := d.Keep(pair("a.com", 1))
	if err == nil || !strings.Contains(err.Error(), "certificate.key was not written by Dispatcher") || !strings.Contains(err.Error(), "certificate.crt") {
		t.Errorf("got %v", err)
	}
	serve(t, d, join(pair("a.com", 2), pair("b.com", 3))) // no second word
	expectFile(t, path, "mine")
	expectFile(t, secret, "secret")
	for _, f := range pair("a.com", 2) {
		expectFile(t, filepath.Join(d.path, f.Folder, f.Name), string(f.Content))
	}
	if err := errors.Join(os.Remove(path), os.Remove(link)); err != nil {
		t.Fatal(err)
	}
	serve(t, d, join(pair("a.com", 2), pair("b.com", 3)))
	expect(t, d, join(pair("a.com", 2), pair("b.com", 3)), "elsewhere")
}

// What somebody did to our files is mended, without following links.
func TestSpoiltFilesAreWrittenAgain(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path, outside string) error{
		"removed":   func(path, _ string) error { return os.Remove(path) },
		"truncated": func(path, _ string) error { return os.Truncate(path, 3) },
		"rewritten": func(path, _ string) error { return os.WriteFile(path, []byte("CERTIFICATE 1 of a.com\n"), 0o600) },
		"opened":    func(path, _ string) error { return os.Chmod(path, 0o644) },
		"setuid":    func(path, _ string) error { return os.Chmod(path, 0o600|fs.ModeSetuid) },
		"linked":    func(path, outside string) error { return errors.Join(os.Remove(path), os.Symlink(outside, path)) },
		"folder":    func(path, _ string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"pipe":      func(path, _ string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) },
		"temporary": func(path, outside string) error {
			return errors.Join(os.Remove(path), os.Symlink(outside, filepath.Join(filepath.Dir(path), temporary(filepath.Base(path)))))
		},
	} {
		for _, again := range []bool{false, true} { // in the same process, or in a new one
			d := newDir(t)
			files := pair("a.com", 1)
			serve(t, d, files)
			outside := place(t, d, "outside", string(files[0].Content))
			if err := spoil(filepath.Join(d.path, "a.com", files[0].Name), outside); err != nil {
				t.Fatal(err)
			}
			if again {
				d = Open(d.path)
			}
			serve(t, d, files)
			expect(t, d, files, "outside")
			expectFile(t, outside, string(files[0].Content))
			if info, err := os.Stat(outside); err != nil || info.Mode() != 0o644 {
				t.Errorf("%s: the file outside has mode %v, %v", name, info.Mode(), err)
			}
			if t.Failed() {
				t.Fatalf("%s, in a new process: %v", name, again)
			}
		}
	}
}

// A process that was killed at any step leaves nothing that the next one doesn't
// know as ours.
func TestLeftoversGo(t *testing.T) {
	t.Parallel()
	first, second := join(pair("a.com", 1), pair("b.com", 2)), pair("a.com", 3)
	for name, crash := range map[string]func(d *Dir) error{
		"before Keep": func(*Dir) error { return nil },
		"while a file was written": func(d *Dir) error {
			return os.WriteFile(filepath.Join(d.path, "a.com", temporary(pair("", 4)[0].Name)), []byte("cert"), 0o600)
		},
		"before an alias was renamed": func(d *Dir) error {
			a := filepath.Join(d.path, "a.com")
			return os.Link(filepath.Join(a, second[1].Name), filepath.Join(a, temporary("certificate.key")))
		},
		"after the aliases were": func(d *Dir) error {
			a := filepath.Join(d.path, "a.com")
			return errors.Join(
				os.Remove(filepath.Join(a, "certificate.key")), os.Link(filepath.Join(a, second[1].Name), filepath.Join(a, "certificate.key")),
				os.Remove(filepath.Join(d.path, "b.com", "certificate.crt")),
			)
		},
		"while files were removed": func(d *Dir) error {
			return errors.Join(os.Remove(filepath.Join(d.path, "b.com", "certificate.crt")), os.Remove(filepath.Join(d.path, "b.com", pair("", 2)[0].Name)))
		},
	} {
		for _, next := range [][]render.CertificateFile{nil, first, second} {
			d := newDir(t)
			serve(t, d, first)
			write(t, d, second)
			if err := crash(d); err != nil {
				t.Fatal(err)
			}
			d = Open(d.path)
			serve(t, d, next)
			expect(t, d, next)
			if t.Failed() {
				t.Fatalf("killed %s, then %d files", name, len(next))
			}
		}
	}
}
