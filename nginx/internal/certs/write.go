package certs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/30x/dispatcher/pkg/render"
)

// Write writes files before nginx tests the configuration that names them. It does
// not wait for the disk: whatever a crash spoils, the next Write finds out. Those that are there already stay untouched, and nothing that the
// last good configuration needs goes. If one certificate's folder can't be used,
// the error is an *Error; any other one is about all of them.
func (d *Dir) Write(files []render.CertificateFile) error {
	if len(files) == 0 {
		return nil
	}
	root, err := d.make()
	if err != nil {
		return err
	}
	defer root.Close()
	folders := byFolder(files)
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		n, err := d.writeFolder(root, name, folders[name])
		if n > 0 || err != nil {
			d.clean = false
		}
		if err != nil {
			return d.blameFolder(folders[name][0], err)
		}
	}
	return nil
}

// Restore writes the files of the last good configuration where they are missing.
func (d *Dir) Restore() error { return d.Write(d.kept) }

// make makes the folder if need be, locks it and opens it.
func (d *Dir) make() (*os.Root, error) {
	if d.path == "" {
		return nil, errors.New("there is no folder for certificates: name one with --ssl-cert-dir")
	}
	err := os.MkdirAll(filepath.Dir(d.path), 0o755)
	if err == nil {
		err = os.Mkdir(d.path, 0o700)
	}
	if err == nil {
		err = os.Chmod(d.path, 0o700) // whatever our umask is
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the folder for certificates: %w: choose a writable one with --ssl-cert-dir", err)
	}
	if err := d.acquire(); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return nil, fmt.Errorf("open the folder for certificates: %w: choose another --ssl-cert-dir", err)
	}
	return root, nil
}

// blameFolder says whose trouble err is: that of the certificate of f alone, or
// everybody's.
func (d *Dir) blameFolder(f render.CertificateFile, err error) error {
	path := filepath.Join(d.path, f.Folder)
	if !d.alone(err) {
		return fmt.Errorf("write certificates to %s: %w: make room there, or choose another --ssl-cert-dir", path, err)
	}
	return &Error{
		ID: f.ID, Host: f.Folder,
		Reason: "the folder for its files can't be used (" + plain(err) + "): ask whoever runs Dispatcher to mend that",
		Err:    fmt.Errorf("%s can't be used: %w: move it away, or make it a folder that Dispatcher's user owns and may write to", path, err),
	}
}

// writeFolder writes the files of one folder that aren't there, and says how
// many these were.
func (d *Dir) writeFolder(root *os.Root, name string, files []render.CertificateFile) (wrote int, err error) {
	if !folderName.MatchString(name) {
		return 0, fmt.Errorf("%+q can't be the name of a folder for certificates", name)
	}
	made := root.Mkdir(name, 0o700)
	if made == nil {
		err = root.Chmod(name, 0o700) // whatever our umask is
	} else if !errors.Is(made, fs.ErrExist) {
		err = made
	}
	if err != nil {
		return 0, err
	}
	folder, err := openFolder(root, name)
	if err != nil {
		return 0, err
	}
	defer folder.Close()
	defer func() {
		if made == nil && wrote == 0 {
			_ = root.Remove(name)
		}
	}()
	if info, err := folder.Stat("."); err != nil || info.Mode().Perm() != 0o700 {
		if err := errors.Join(err, folder.Chmod(".", 0o700)); err != nil {
			return 0, err
		}
	}
	for _, f := range files {
		if !fileName.MatchString(f.Name) || !aliasName.MatchString(f.Alias) {
			return wrote, fmt.Errorf("%+q and %+q can't be the names of a file with a certificate", f.Name, f.Alias)
		}
		if d.intact(folder, f) {
			continue
		}
		if err := d.writeFile(folder, f); err != nil {
			return wrote, err
		}
		wrote++
	}
	return wrote, nil
}

// intact reports whether f is in its folder as it was written. The content is
// compared once, and again when the file looks like another one.
func (d *Dir) intact(folder *os.Root, f render.CertificateFile) bool {
	key := filepath.Join(f.Folder, f.Name)
	last := d.read[key]
	delete(d.read, key)
	now, ok := looksLike(folder, f.Name, f)
	if !ok {
		return false
	}
	seen := last != nil && os.SameFile(last, now) && last.ModTime().Equal(now.ModTime())
	if !seen && !holds(folder, f.Name, f) {
		return false
	}
	d.read[key] = now
	return true
}

// looksLike reports whether the file of that name may be f, but for its content.
func looksLike(folder *os.Root, name string, f render.CertificateFile) (fs.FileInfo, bool) {
	info, err := folder.Lstat(name)
	return info, err == nil && info.Mode() == 0o600 && ours(info) && info.Size() == int64(len(f.Content))
}

// holds reports whether the file of that name has the content of f.
func holds(folder *os.Root, name string, f render.CertificateFile) bool {
	text, err := folder.ReadFile(name)
	return err == nil && bytes.Equal(text, f.Content)
}

// writeFile writes f in the place of whatever is there. Whoever reads it sees all
// of it or nothing.
func (d *Dir) writeFile(folder *os.Root, f render.CertificateFile) (err error) {
	if err := clearPlace(folder, f); err != nil {
		return err
	}
	name := temporary(f.Name)
	if err := remove(folder, name); err != nil {
		return err
	}
	w, err := folder.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(f.Content)
	if err == nil {
		err = w.Chmod(0o600)
	}
	info, unknown := w.Stat()
	if err = errors.Join(err, unknown, w.Close()); err == nil {
		err = folder.Rename(name, f.Name)
	}
	if err != nil {
		return errors.Join(err, remove(folder, name))
	}
	d.read[filepath.Join(f.Folder, f.Name)] = info
	return nil
}

// clearPlace removes what a new file can't replace, and the alias that would
// keep a spoilt file's content.
func clearPlace(folder *os.Root, f render.CertificateFile) error {
	spoilt, err := folder.Lstat(f.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if spoilt.IsDir() {
		return folder.Remove(f.Name) // only if it is empty
	}
	if alias, err := folder.Lstat(f.Alias); err == nil && os.SameFile(alias, spoilt) {
		return remove(folder, f.Alias)
	}
	return nil
}

// remove removes a file if it is there.
func remove(folder *os.Root, name string) error {
	if err := folder.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
