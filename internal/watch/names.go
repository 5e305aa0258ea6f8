package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links Linux follows in one path.
const maxLinks = 40

// names is what the content of some paths depends on. All of them are absolute
// and without symbolic links but for the last element.
type names struct {
	single  map[string]bool // files, links, and what is missing yet
	whole   map[string]bool // folders of which all entries count that concern
	folders map[string]bool // that hold all of these: to be watched
}

// has reports whether an event of that name may have changed a path.
func (n names) has(name string, concerns func(string) bool) bool {
	if n.single[name] || n.folders[name] { // the folder itself has gone, for example
		return true
	}
	return n.whole[filepath.Dir(name)] && (concerns == nil || concerns(filepath.Base(name)))
}

func (n names) add(single []string) {
	for _, name := range single {
		n.single[name] = true
		n.folders[filepath.Dir(name)] = true
	}
}

// find looks where the paths lead now. With an error, the names are what it
// could find.
func find(paths []string, concerns func(string) bool) (names, error) {
	n := names{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	var errs []error
	for _, path := range paths {
		single, end, err := trace(path)
		n.add(single)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		entries, err := os.ReadDir(end)
		if err != nil { // a file, or it is missing
			continue
		}
		n.whole[end], n.folders[end] = true, true
		for _, e := range entries {
			if e.Type()&fs.ModeSymlink == 0 || concerns != nil && !concerns(e.Name()) {
				continue
			}
			single, _, err := trace(filepath.Join(end, e.Name()))
			n.add(single)
			errs = append(errs, err)
		}
	}
	return n, errors.Join(errs...)
}

// trace follows a path. It lists the names that decide what is found there: each
// symbolic link on the way, and the end, which is the first element that is
// missing if one is.
func trace(path string) (single []string, end string, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, "", err
	}
	const separator = string(filepath.Separator)
	at, rest := separator, strings.Split(path, separator)
	for links := 0; len(rest) > 0; {
		at, rest = filepath.Join(at, rest[0]), rest[1:]
		info, err := os.Lstat(at)
		if err == nil && info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		single = append(single, at)
		var target string
		if err == nil {
			if links++; links > maxLinks {
				return single, "", fmt.Errorf("%s: %w", path, syscall.ELOOP)
			}
			target, err = os.Readlink(at)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return single, at, nil
		case err != nil:
			return single, "", err
		case filepath.IsAbs(target):
			at = separator
		default:
			at = filepath.Dir(at)
		}
		rest = append(strings.Split(target, separator), rest...)
	}
	return append(single, at), at, nil
}
