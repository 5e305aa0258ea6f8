// Package certs keeps the files with certificates and private keys that a
// configuration names. What render made enters; files that nginx can load leave,
// and, of nginx's messages, which certificate is to blame. It never shows what a
// file holds, never follows a symbolic link inside its folder, and never changes
// or removes a file that isn't Dispatcher's.
//
// Beside the files that nginx loads, whose names are hashes of their content,
// lie hard links to them with the documented names.
package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/30x/dispatcher/nginx/internal/disk"
	"github.com/30x/dispatcher/pkg/render"
)

// Dir is the folder for certificates. It isn't safe for concurrent use.
type Dir struct {
	path string
	lock *os.File               // keeps other Dispatchers away; nil until there is something to do
	read map[string]fs.FileInfo // the files whose content was compared, as they were then
	told map[string]bool        // the problems that were reported

	kept  []render.CertificateFile // of the last good configuration
	known bool                     // which these are
	clean bool                     // nothing else of ours is there
}

// Open gives the Dir with that absolute path, "" if there are to be no
// certificates. It touches nothing.
func Open(path string) *Dir {
	return &Dir{path: path, read: map[string]fs.FileInfo{}, told: map[string]bool{}}
}

// Error says that one certificate can't be used, and that others can.
type Error struct {
	ID     string // the certificate, as in render.CertificateFile
	Host   string // whose it is: the name of its folder
	Reason string // for the certificate's owner: it names no path
	Err    error  // for the operator
}

func (e *Error) Error() string {
	return fmt.Sprintf("the certificate of %s can't be used: %v", e.Host, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Certificate gives what has to be left out of the next configuration, and why.
func (e *Error) Certificate() (host, id, reason string) { return e.Host, e.ID, e.Reason }

var (
	folderName = regexp.MustCompile(`^(_default|(\*\.)?[a-z0-9][a-z0-9.-]*)$`)
	fileName   = regexp.MustCompile(`^[0-9a-f]{32}(\.crt|\.key|\.ca\.crt)$`)
	aliasName  = regexp.MustCompile(`^(certificate\.crt|certificate\.key|clientCertificate\.crt)$`)
	// A temporary name is one of the others' between a dot and ".new".
	temporaryName = regexp.MustCompile(`^\.([0-9a-f]{32}(\.crt|\.key|\.ca\.crt)|certificate\.crt|certificate\.key|clientCertificate\.crt)\.new$`)
)

func temporary(name string) string { return "." + name + ".new" }

// byFolder sorts files into their folders.
func byFolder(files []render.CertificateFile) map[string][]render.CertificateFile {
	folders := make(map[string][]render.CertificateFile, len(files)/2)
	for _, f := range files {
		folders[f.Folder] = append(folders[f.Folder], f)
	}
	return folders
}

// acquire locks the folder for the rest of this process's life.
func (d *Dir) acquire() error {
	if d.lock != nil {
		return nil
	}
	lock, err := disk.Lock(filepath.Join(d.path, ".lock"))
	if err != nil {
		return fmt.Errorf("lock the folder for certificates: %w: end the other Dispatcher, or choose another --ssl-cert-dir", err)
	}
	d.lock = lock
	return nil
}

var (
	errNoFolder = errors.New("it is no folder")
	errForeign  = errors.New("it belongs to another user")
)

// openFolder opens a folder that is there, is really one, and is ours.
func openFolder(root *os.Root, name string) (*os.Root, error) {
	found, err := root.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case !found.IsDir():
		return nil, errNoFolder
	case !ours(found):
		return nil, errForeign
	}
	folder, err := root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if now, err := folder.Stat("."); err != nil || !os.SameFile(found, now) {
		return nil, errors.Join(errNoFolder, err, folder.Close()) // swapped meanwhile
	}
	return folder, nil
}

// ours reports whether a file belongs to the user that we, and so nginx's
// master, run as.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// alone reports whether err is the trouble of one folder, and not of all. If the
// disk is full, for example, leaving one certificate out helps nobody.
func (d *Dir) alone(err error) bool {
	for _, one := range []error{
		errNoFolder, errForeign, syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOTDIR, syscall.EISDIR,
		syscall.ENOTEMPTY, syscall.ELOOP, syscall.EINVAL, syscall.EILSEQ, syscall.ENAMETOOLONG,
	} {
		if errors.Is(err, one) {
			return unix.Access(d.path, unix.W_OK|unix.X_OK) == nil
		}
	}
	return false
}

// plain gives the words for err that name no path.
func plain(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}
