package certs

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/30x/dispatcher/pkg/render"
)

// holdDir names the variable that makes the test binary hold a folder's lock.
const holdDir = "CERTS_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdDir); dir != "" {
		if err := Open(dir).acquire(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until the other end closes
		return
	}
	os.Exit(m.Run())
}

// pair gives a certificate and a key whose names end with n.
func pair(host string, n int) []render.CertificateFile {
	id := fmt.Sprintf("%032x", n)
	return []render.CertificateFile{
		{Folder: host, Name: id + ".crt", Alias: "certificate.crt", ID: id, Content: fmt.Appendf(nil, "certificate %d of %s\n", n, host)},
		{Folder: host, Name: id + ".key", Alias: "certificate.key", ID: id, Content: fmt.Appendf(nil, "key %d of %s\n", n, host)},
	}
}

func join(lists ...[]render.CertificateFile) []render.CertificateFile { return slices.Concat(lists...) }

// newDir gives a Dir whose folder isn't made yet.
func newDir(t *testing.T) *Dir {
	t.Helper()
	return Open(filepath.Join(t.TempDir(), "ssl"))
}

func serve(t *testing.T, d *Dir, files []render.CertificateFile) {
	t.Helper()
	write(t, d, files)
	if err := d.Keep(files); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, d *Dir, files []render.CertificateFile) {
	t.Helper()
	if err := d.Write(files); err != nil {
		t.Fatal(err)
	}
}

// place puts a foreign file below the folder.
func place(t *testing.T, d *Dir, name, text string) string {
	t.Helper()
	path := filepath.Join(d.path, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func expectFile(t *testing.T, path, want string) {
	t.Helper()
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		t.Errorf("%s holds %q (%v), want %q", path, text, err, want)
	}
}

// expect checks that all of the files, and nothing else but the lock and what
// else names, is there, the documented names included.
func expect(t *testing.T, d *Dir, files []render.CertificateFile, others ...string) {
	t.Helper()
	want := append([]string{"", ".lock"}, others...)
	for _, f := range files {
		path, alias := filepath.Join(d.path, f.Folder, f.Name), filepath.Join(d.path, f.Folder, f.Alias)
		want = append(want, f.Folder, filepath.Join(f.Folder, f.Name), filepath.Join(f.Folder, f.Alias))
		expectFile(t, path, string(f.Content))
		expectFile(t, alias, string(f.Content))
		a, err1 := os.Lstat(path)
		b, err2 := os.Lstat(alias)
		if err := errors.Join(err1, err2); err != nil {
			t.Error(err)
		} else if !os.SameFile(a, b) || a.Mode() != 0o600 {
			t.Errorf("%s has mode %s; the same file as %s: %v", path, a.Mode(), f.Alias, os.SameFile(a, b))
		}
	}
	expectNames(t, d, want)
}

func expectNames(t *testing.T, d *Dir, want []string) {
	t.Helper()
	slices.Sort(want)
	if got := names(t, d); !slices.Equal(got, slices.Compact(want)) {
		t.Errorf("in the folder are\n%q, want\n%q", got, want)
	}
}

func names(t *testing.T, d *Dir) []string {
	t.Helper()
	var got []string
	err := filepath.WalkDir(d.path, func(path string, _ fs.DirEntry, err error) error {
		got = append(got, strings.TrimPrefix(strings.TrimPrefix(path, d.path), "/"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	return got
}

// DF22: keys are 0600 in folders of 0700, whatever the umask. Not parallel: the
// umask is the process's.
func TestModes(t *testing.T) {
	for _, mask := range []int{0, 0o277, 0o777} {
		d := newDir(t)
		old := syscall.Umask(mask)
		err := d.Write(pair("a.com", 1))
		syscall.Umask(old)
		if err != nil {
			t.Fatalf("umask %o: %v", mask, err)
		}
		for name, want := range map[string]fs.FileMode{
			"a.com": fs.ModeDir | 0o700, "a.com/" + pair("", 1)[0].Name: 0o600, "a.com/" + pair("", 1)[1].Name: 0o600,
		} {
			info, err := os.Lstat(filepath.Join(d.path, name))
			if err != nil || info.Mode() != want {
				t.Errorf("umask %o: %s has mode %v (%v), want %v", mask, name, info.Mode(), err, want)
			}
		}
		if info, err := os.Stat(d.path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("umask %o: the folder has mode %v (%v)", mask, info.Mode(), err)
		}
	}
}

// DF22: the folder stays as it is, a host's folder is closed to others.
func TestModesOfFoldersThatExist(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	for _, dir := range []string{d.path, filepath.Join(d.path, "a.com")} {
		if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	serve(t, d, pair("a.com", 1))
	for name, want := range map[string]fs.FileMode{"": 0o755, "a.com": 0o700} {
		if info, err := os.Stat(filepath.Join(d.path, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("folder %q has mode %v (%v), want %v", name, info.Mode(), err, want)
		}
	}
}

// DF22, DX29: the documented names stand for what is served; what is no longer
// served is gone.
func TestKeep(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	clients := render.CertificateFile{
		Folder: "a.com", Name: strings.Repeat("c", 32) + ".ca.crt", Alias: "clientCertificate.crt", ID: "c", Content: []byte("clients\n"),
	}
	first := join(pair("_default", 9), pair("a.com", 1), []render.CertificateFile{clients}, pair("*.b.com", 2))
	serve(t, d, first)
	expect(t, d, first)

	second := join(pair("_default", 9), pair("a.com", 3))
	write(t, d, second)
	for _, f := range first { // while it is being tried, the last good one stays
		expectFile(t, filepath.Join(d.path, f.Folder, f.Name), string(f.Content))
		expectFile(t, filepath.Join(d.path, f.Folder, f.Alias), string(f.Content))
	}
	if err := d.Keep(second); err != nil {
		t.Fatal(err)
	}
	expect(t, d, second)
	serve(t, d, first)
	expect(t, d, first)
	serve(t, d, nil)
	expect(t, d, nil)
}

// Without certificates nothing is made.
func TestNothing(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	serve(t, d, nil)
	if err := errors.Join(d.Undo(), d.Restore()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(d.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
	place(t, d, "a.com/certificate.crt", "foreign")
	serve(t, Open(d.path), nil)
	expectNames(t, d, []string{"", "a.com", "a.com/certificate.crt"})
	if err := Open("").Write(pair("a.com", 1)); err == nil || !strings.Contains(err.Error(), "--ssl-cert-dir") {
		t.Errorf("without a folder: got %v", err)
	}
	serve(t, Open(""), nil)
}

// After a configuration was refused its files go, and no other ones.
func TestUndo(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	first, second := join(pair("a.com", 1), pair("b.com", 2)), join(pair("a.com", 3), pair("c.com", 4))
	write(t, d, first)
	if err := d.Undo(); err != nil { // nothing is known to be good yet
		t.Fatal(err)
	}
	serve(t, d, first)
	write(t, d, second)
	if err := d.Undo(); err != nil {
		t.Fatal(err)
	}
	expect(t, d, first)

	// A new process doesn't know which of the files a running nginx has.
	d = Open(d.path)
	write(t, d, second)
	if err := d.Undo(); err != nil {
		t.Fatal(err)
	}
	for _, f := range join(first, second) {
		expectFile(t, filepath.Join(d.path, f.Folder, f.Name), string(f.Content))
	}
	serve(t, d, second)
	expect(t, d, second)
}

// Two Dispatchers with one folder would remove each other's keys.
func TestLock(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	serve(t, d, pair("a.com", 1))
	if err := d.lock.Close(); err != nil { // as the end of the process would
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdDir+"="+d.path)
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the holder said %q, %v", line, err)
	}

	other := Open(d.path)
	if err := other.Write(pair("b.com", 2)); err == nil || !strings.Contains(err.Error(), "choose another --ssl-cert-dir") {
		t.Errorf("got %v", err)
	}
	if err := other.Keep(nil); err != nil {
		t.Errorf("without certificates of its own: %v", err)
	}
	expect(t, d, pair("a.com", 1))

	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	other = Open(d.path)
	serve(t, other, pair("b.com", 2))
	expect(t, other, pair("b.com", 2))
}
