package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "nginx.conf")
	c, err := OpenConf(path, "# ours")
	if err != nil || c.Text() != nil {
		t.Fatalf("no file: %q, %v", c.Text(), err)
	}
	expect := func(path, want string) {
		t.Helper()
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("%s holds %q (%v), want %q", path, text, err, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Stage([]byte("# ours 1")))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("staged in place: %v", err)
	}
	must(c.Swap([]byte("# ours 1")))
	expect(path, "# ours 1")
	must(c.Stage([]byte("# ours 2")))
	rejected, err := c.Reject()
	must(err)
	expect(rejected, "# ours 2")
	expect(path, "# ours 1")

	for _, spoil := range []func() error{
		func() error { return nil },
		func() error { return os.Remove(path) },
		func() error { return os.WriteFile(path, []byte("theirs"), 0o644) },
	} {
		must(spoil())
		must(c.Restore())
		expect(path, "# ours 1")
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := OpenConf(path, "# ours")
	if err != nil || string(again.Text()) != "# ours 1" {
		t.Errorf("read again: %q, %v", again.Text(), err)
	}
	must(c.Put(nil))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || c.Text() != nil {
		t.Errorf("removed: %q, %v", c.Text(), err)
	}

	must(os.WriteFile(path, []byte("user www-data;"), 0o644))
	if _, err := OpenConf(path, "# ours"); err == nil || !strings.Contains(err.Error(), "--work-dir") {
		t.Errorf("somebody else's: %v", err)
	}
	expect(path, "user www-data;")
}

// A lock that is a symbolic link, planted by somebody, leads nowhere.
func TestLockFollowsNoLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "outside"), filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(filepath.Join(dir, "lock")); err == nil {
		t.Error("the link was followed")
	}
	if _, err := os.Lstat(filepath.Join(dir, "outside")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was made: %v", err)
	}
}
