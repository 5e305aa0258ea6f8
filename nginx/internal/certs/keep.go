package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/30x/dispatcher/pkg/render"
)

// Keep tells that files, which Write has written, are those of the configuration
// in service, which is the last good one from now on. The documented names come
// to stand for them, and all that Dispatcher has written there and that isn't
// among them goes. An error tells, once, of what could not be done; it is no
// reason not to serve.
func (d *Dir) Keep(files []render.CertificateFile) error {
	same := slices.EqualFunc(d.kept, files, func(a, b render.CertificateFile) bool {
		return a.Folder == b.Folder && a.Name == b.Name
	})
	if d.known && d.clean && same {
		return nil
	}
	d.kept, d.known = files, true
	return d.tidy()
}

// Undo removes what Write has written since the last Keep. Before the first one
// it removes nothing, since nginx may be running with any of the files.
func (d *Dir) Undo() error {
	if !d.known || d.clean {
		return nil
	}
	return d.tidy()
}

// Forget tells that it's open which configuration is the last good one, so that
// Undo removes nothing until the next Keep.
func (d *Dir) Forget() { d.known = false }

// tidy removes what is not to be kept, and sets the documented names.
func (d *Dir) tidy() error {
	if d.path == "" {
		return nil
	}
	root, err := os.OpenRoot(d.path)
	if errors.Is(err, fs.ErrNotExist) && len(d.kept) == 0 {
		d.clean = true
		return nil
	}
	if err != nil {
		return d.tell(fmt.Errorf("open the folder for certificates: %w", err))
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return d.tell(fmt.Errorf("read the folder for certificates: %w", err))
	}
	wanted := byFolder(d.kept)
	var problems []error
	for _, e := range entries {
		if !e.IsDir() || !folderName.MatchString(e.Name()) {
			continue
		}
		if err := d.tidyFolder(root, e.Name(), wanted[e.Name()]); err != nil {
			if errors.Is(err, syscall.EAGAIN) && len(d.kept) == 0 {
				return nil // another Dispatcher has the lock, so these files are its own
			}
			problems = append(problems, fmt.Errorf("%s: %w", filepath.Join(d.path, e.Name()), err))
		}
	}
	d.clean = len(problems) == 0
	if d.clean {
		clear(d.told)
	}
	return d.tell(problems...)
}

// tell joins those of the problems that are new.
func (d *Dir) tell(problems ...error) error {
	return errors.Join(slices.DeleteFunc(problems, func(err error) bool {
		told := d.told[err.Error()]
		d.told[err.Error()] = true
		return told
	})...)
}

// tidyFolder tidies one folder, whose wanted files are in place.
func (d *Dir) tidyFolder(root *os.Root, name string, wanted []render.CertificateFile) error {
	folder, err := openFolder(root, name)
	if err != nil {
		if len(wanted) == 0 {
			return nil // not ours
		}
		return err
	}
	defer folder.Close()
	entries, err := fs.ReadDir(folder.FS(), ".")
	if err != nil {
		return err
	}
	var hashed []fs.FileInfo
	var doomed []string
	for _, e := range entries {
		n := e.Name()
		switch {
		case e.IsDir():
		case temporaryName.MatchString(n):
			doomed = append(doomed, n)
		case fileName.MatchString(n):
			if info, err := folder.Lstat(n); err == nil && info.Mode().IsRegular() {
				hashed = append(hashed, info)
			}
			if !slices.ContainsFunc(wanted, func(f render.CertificateFile) bool { return f.Name == n }) {
				doomed = append(doomed, n)
			}
		}
	}
	if len(doomed) > 0 {
		if err := d.acquire(); err != nil {
			return err
		}
	}
	// The aliases first, as long as what they are links to has its own name: that
	// is how they are known to be ours.
	var problems []error
	for _, e := range entries {
		if aliasName.MatchString(e.Name()) && !slices.ContainsFunc(wanted, func(f render.CertificateFile) bool { return f.Alias == e.Name() }) {
			if info, err := folder.Lstat(e.Name()); err == nil && isLink(info, hashed) {
				problems = append(problems, remove(folder, e.Name()))
			}
		}
	}
	for _, f := range wanted {
		problems = append(problems, d.link(folder, f, hashed))
	}
	for _, n := range doomed {
		delete(d.read, filepath.Join(name, n))
		problems = append(problems, remove(folder, n))
	}
	if len(wanted) == 0 && len(doomed) > 0 {
		_ = root.Remove(name) // only if it is empty
	}
	return errors.Join(problems...)
}

// isLink reports whether a file is a hard link to one of the others.
func isLink(info fs.FileInfo, others []fs.FileInfo) bool {
	return slices.ContainsFunc(others, func(o fs.FileInfo) bool { return os.SameFile(info, o) })
}

// isCopy reports whether f.Alias is what is left after somebody has removed the
// file that it was a link to.
func isCopy(folder *os.Root, f render.CertificateFile) bool {
	_, ok := looksLike(folder, f.Alias, f)
	return ok && holds(folder, f.Alias, f)
}

// link makes f.Alias a hard link to f, unless a file that isn't ours has that name.
func (d *Dir) link(folder *os.Root, f render.CertificateFile, hashed []fs.FileInfo) error {
	file, err := folder.Lstat(f.Name)
	if err != nil {
		return err
	}
	alias, err := folder.Lstat(f.Alias)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case os.SameFile(alias, file):
		return nil // a rename of one link over another would do nothing
	case !isLink(alias, hashed) && !isCopy(folder, f):
		return fmt.Errorf("%s was not written by Dispatcher, so it stays, and is not what nginx serves with: move it away", f.Alias)
	}
	name := temporary(f.Alias)
	if err := remove(folder, name); err != nil {
		return err
	}
	if err := folder.Link(f.Name, name); err != nil {
		return err
	}
	if err := folder.Rename(name, f.Alias); err != nil {
		return errors.Join(err, remove(folder, name))
	}
	return nil
}
