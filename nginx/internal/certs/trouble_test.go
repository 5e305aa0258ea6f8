package certs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/30x/dispatcher/pkg/render"
)

// One folder that can't be used is its own host's trouble. Nothing in it, nor
// where it leads to, is touched.
func TestOneBadFolder(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(folder, outside string) error{
		"a file":            func(folder, _ string) error { return os.WriteFile(folder, []byte("mine"), 0o644) },
		"a link":            func(folder, outside string) error { return os.Symlink(outside, folder) },
		"a link to nothing": func(folder, outside string) error { return os.Symlink(outside+"/no", folder) },
		"another user's": func(folder, _ string) error {
			return errors.Join(os.Mkdir(folder, 0o777), os.Chown(folder, 65534, 65534))
		},
		"a folder for a file": func(folder, _ string) error {
			return os.MkdirAll(filepath.Join(folder, pair("", 2)[0].Name, "x"), 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "another user's" && os.Geteuid() != 0 {
				t.Skip("only root can give a folder away")
			}
			d, outside := newDir(t), t.TempDir()
			if err := errors.Join(os.Mkdir(d.path, 0o700), spoil(filepath.Join(d.path, "bad.com"), outside)); err != nil {
				t.Fatal(err)
			}
			before := names(t, d)
			err := d.Write(join(pair("a.com", 1), pair("bad.com", 2), pair("c.com", 3)))
			var one *Error
			if !errors.As(err, &one) {
				t.Fatalf("got %v, want an Error", err)
			}
			if host, id, reason := one.Certificate(); id != pair("", 2)[0].ID || host != "bad.com" || reason == "" || strings.Contains(reason, d.path) {
				t.Errorf("blames %s of %s: %s", id, one.Host, reason)
			}
			if text := err.Error(); !strings.Contains(text, filepath.Join(d.path, "bad.com")) || !strings.Contains(text, "move it away") {
				t.Errorf("%v does not say what to do", err)
			}
			rest := join(pair("a.com", 1), pair("c.com", 3))
			serve(t, d, rest)
			expect(t, d, rest, before...)
			if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
				t.Errorf("outside: %v, %v", left, err)
			}
		})
	}
}

// Names that a path could be made of are refused before anything is written.
func TestIllegalNames(t *testing.T) {
	t.Parallel()
	good := pair("a.com", 1)[0]
	for _, change := range []func(f *render.CertificateFile){
		func(f *render.CertificateFile) { f.Folder = ".." },
		func(f *render.CertificateFile) { f.Folder = "" },
		func(f *render.CertificateFile) { f.Folder = "a.com/.." },
		func(f *render.CertificateFile) { f.Folder = ".lock" },
		func(f *render.CertificateFile) { f.Name = "../" + f.Name },
		func(f *render.CertificateFile) { f.Name = "certificate.key" },
		func(f *render.CertificateFile) { f.Alias = "../certificate.crt" },
	} {
		f := good
		change(&f)
		d := newDir(t)
		if err := d.Write([]render.CertificateFile{f}); err == nil || errors.As(err, new(*Error)) {
			t.Errorf("folder %q, file %q, alias %q: got %v", f.Folder, f.Name, f.Alias, err)
		}
		expectNames(t, d, []string{"", ".lock"})
	}
}

// Where there is no room for one certificate there is none for others either, and
// time may mend it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	if err := os.Mkdir(d.path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", d.path, "tmpfs", 0, "size=64k"); err != nil {
		skipMount(t, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(d.path, unix.MNT_DETACH) })
	first := pair("a.com", 1)
	serve(t, d, first)
	big := pair("b.com", 2)
	for i := range big {
		big[i].Content = make([]byte, 48<<10)
	}
	err := d.Write(join(first, big))
	if !errors.Is(err, syscall.ENOSPC) || errors.As(err, new(*Error)) {
		t.Errorf("got %v", err)
	}
	if err := d.Undo(); err != nil {
		t.Error(err)
	}
	expect(t, d, first)
}

// readOnly makes a folder read-only until the test's end: for root as well, if it
// may mount.
func readOnly(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Cleanup(func() { _ = os.Chmod(path, 0o700) })
		if err := os.Chmod(path, 0o500); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := unix.Mount(path, path, "", unix.MS_BIND, ""); err != nil {
		skipMount(t, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) })
	if err := unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

// What can't be written for anybody is no certificate's fault.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	first := pair("a.com", 1)
	serve(t, d, first)
	readOnly(t, d.path)
	write(t, d, first) // all is there
	if err := d.Write(pair("b.com", 2)); !errors.Is(err, syscall.EROFS) && !errors.Is(err, syscall.EACCES) || errors.As(err, new(*Error)) {
		t.Errorf("got %v", err)
	}
	expect(t, d, first)
}

// A folder that can't be written, while others can, is its own host's trouble.
func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder that its owner can't mend")
	}
	d := newDir(t)
	first := join(pair("a.com", 1), pair("b.com", 2))
	serve(t, d, first)
	readOnly(t, filepath.Join(d.path, "a.com"))
	write(t, d, first)
	if err, one := d.Write(pair("a.com", 3)), (*Error)(nil); !errors.As(err, &one) || one.Host != "a.com" {
		t.Errorf("got %v", err)
	}
	if err := d.Keep(pair("b.com", 2)); !errors.Is(err, syscall.EROFS) {
		t.Errorf("what can't be removed is not told of: %v", err)
	}
	expect(t, d, first)
}

// What can't be made at all says what to do.
func TestNoFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, file + "/ssl", "/proc/none/ssl"} {
		err := Open(path).Write(pair("a.com", 1))
		if err == nil || errors.As(err, new(*Error)) || !strings.Contains(err.Error(), "--ssl-cert-dir") {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

// The words are those of nginx 1.22 and 1.30.
func TestBlame(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	files := join(pair("_default", 1), pair("a.com", 2), pair("b.com", 2))
	files = append(files, render.CertificateFile{
		Folder: "b.com", Name: strings.Repeat("c", 32) + ".ca.crt", Alias: "clientCertificate.crt", ID: "clients", Content: []byte("ca"),
	})
	serve(t, d, files)
	path := func(i int) string { return filepath.Join(d.path, files[i].Folder, files[i].Name) }
	for format, c := range map[string]struct {
		file         int
		host, reason string
	}{
		`cannot load certificate %q: PEM_read_bio_X509() failed (SSL: error:0480006C:PEM routines::no start line)`: {
			2, "a.com", `nginx refuses it: cannot load certificate "certificate.crt": PEM_read_bio_X509() failed (SSL: error:0480006C:PEM routines::no start line)`,
		},
		`cannot load certificate key %q: PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported)`: {
			5, "b.com", `nginx refuses it: cannot load certificate key "certificate.key": PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported)`,
		},
		`SSL_CTX_use_certificate(%q) failed (SSL: error:0A00018F:SSL routines::ee key too small)`: {
			0, "_default", `nginx refuses it: SSL_CTX_use_certificate("certificate.crt") failed (SSL: error:0A00018F:SSL routines::ee key too small)`,
		},
		`SSL_CTX_load_verify_locations(%q) failed (SSL: error:05800088:x509 certificate routines::no certificate or crl found)`: {
			6, "b.com", `nginx refuses it: SSL_CTX_load_verify_locations("clientCertificate.crt") failed (SSL: error:05800088:x509 certificate routines::no certificate or crl found)`,
		},
	} {
		err := d.Blame([]string{"something else", fmt.Sprintf(format, path(c.file))}, files)
		var one *Error
		if !errors.As(err, &one) {
			t.Errorf("%s: got %v", format, err)
			continue
		}
		if host, id, reason := one.Certificate(); id != files[c.file].ID || host != c.host || reason != c.reason {
			t.Errorf("%s: blames %s of %s: %s", format, id, one.Host, reason)
		}
	}

	missing := fmt.Sprintf(`cannot load certificate %q: BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:`+
		`calling fopen(%s, r) error:10000080:BIO routines::no such file)`, path(2), path(2))
	if err := d.Blame([]string{missing}, files); err == nil || errors.As(err, new(*Error)) || !strings.Contains(err.Error(), path(2)) {
		t.Errorf("a missing file: got %v", err)
	}
	for _, m := range []string{
		`unknown directive "x" in /w/nginx.conf:3`,
		`cannot load certificate "/etc/other.crt": PEM_read_bio_X509() failed`,
		`cannot load certificate "` + path(2) + `.old": PEM_read_bio_X509() failed`,
	} {
		if err := d.Blame([]string{m}, files); err != nil {
			t.Errorf("%s: got %v", m, err)
		}
	}

	// What somebody wrote into the file is not the certificate's fault, and the
	// next Write mends it.
	if err := os.WriteFile(path(2), []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Blame([]string{fmt.Sprintf("cannot load certificate %q: no start line", path(2))}, files); err == nil || errors.As(err, new(*Error)) {
		t.Errorf("a spoilt file: got %v", err)
	}
	serve(t, d, files)
	expect(t, d, files)
}

// skipMount ends a test that needs a file system of its own. In CI that is an error.
func skipMount(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("can't mount: %v: run the tests as root", err)
	}
	t.Skip("can't mount: ", err)
}
