// Package folder watches over the manifest files under a path. A path and the
// time enter; the last good content of every file leaves. It never waits,
// never changes a file, and a file that can't be used takes nothing away.
package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/30x/dispatcher/pkg/source/manifest"
)

// Quiet is how long a file must have kept its size and time before it is read,
// because half a file of many documents can be good YAML with fewer of them.
const Quiet = 50 * time.Millisecond

// Where waiting longer keeps routes of which somebody is only about to write
// the new version, it takes longer.
const (
	quietGone  = 4 * Quiet   // editors move a file away before they write the new one
	quietEmpty = time.Second // others empty it first, or write it slowly
)

// Scanner keeps the last good content of the manifest files under a path. It
// is not for concurrent use.
type Scanner struct {
	path  string
	watch func(folder string)
	log   *slog.Logger

	files      map[string]*file
	complaints map[string]string // path → what is wrong and was logged
}

// NewScanner makes a Scanner of a file, or of a folder and its sub-folders. It
// calls watch for each folder in which a change may happen, before it reads it,
// at every scan.
func NewScanner(path string, watch func(folder string), log *slog.Logger) *Scanner {
	return &Scanner{path: filepath.Clean(path), watch: watch, log: log, files: map[string]*file{}, complaints: map[string]string{}}
}

type file struct {
	seen    fs.FileInfo // as it was found last; nil if it was not there
	since   time.Time   // when it was first found so
	judged  fs.FileInfo // as it was when last read
	bad     bool        // it was no good then
	content *manifest.File
}

// Scan looks at all files and reads those that have changed and are quiet
// now. It reports whether any content has changed, and how long to wait before
// files that are not quiet yet deserve another look; 0 if there are none. err
// is about the path itself; all content is kept then.
func (s *Scanner) Scan(now time.Time) (changed bool, next time.Duration, err error) {
	found := map[string]fs.FileInfo{}
	unreadable, err := Walk(s.path, found, s.watch)
	if err != nil {
		return false, 0, err
	}
	if info := found[s.path]; info != nil && !info.Mode().IsRegular() {
		return false, 0, fmt.Errorf("%s is neither a file nor a folder", manifest.Plain(s.path))
	}
	wait := func(f *file, while time.Duration) bool {
		left := f.since.Add(while).Sub(now)
		if left > 0 && (next == 0 || left < next) {
			next = left
		}
		return left > 0
	}
	for path, err := range unreadable {
		if !errors.Is(err, fs.ErrNotExist) { // else it went away under our eyes, or a link leads nowhere
			s.complain(path, err)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(found)) {
		info, f := found[path], s.files[path]
		if f == nil {
			f = &file{}
			s.files[path] = f
		}
		if !same(f.seen, info) {
			f.seen, f.since = info, now
		}
		if same(f.judged, info) {
			continue
		}
		while := Quiet
		// A file that became shorter in its place may still be being written; one
		// that was renamed into its place is whole.
		if f.judged != nil && os.SameFile(f.judged, info) && info.Size() < f.judged.Size() && f.content != nil && !f.content.Empty() {
			while = quietEmpty
		}
		if !wait(f, while) && s.read(path, f) {
			changed = true
		}
	}
	for path, f := range s.files {
		if found[path] != nil || s.isUnreadable(path, unreadable) {
			continue
		}
		if f.seen != nil {
			f.seen, f.since = nil, now
		}
		if !wait(f, quietGone) {
			delete(s.files, path)
			changed = changed || f.content != nil
		}
	}
	for path := range s.complaints {
		f := s.files[path]
		if unreadable[path] != nil || f != nil && (f.bad || f.seen == nil || !same(f.judged, f.seen)) {
			continue
		}
		delete(s.complaints, path)
		if f != nil {
			s.log.Info("manifest file is good again", "file", manifest.Plain(path))
		}
	}
	return changed, next, nil
}

// isUnreadable says whether the path, or a folder above it, is there but can't
// be looked at.
func (s *Scanner) isUnreadable(path string, unreadable map[string]error) bool {
	for p := path; ; p = filepath.Dir(p) {
		if err := unreadable[p]; err != nil && !errors.Is(err, fs.ErrNotExist) {
			return true
		}
		if p == s.path || p == filepath.Dir(p) {
			return false
		}
	}
}

// read takes in a file's content if it is good, or if there is nothing better,
// and reports whether the content has changed.
func (s *Scanner) read(path string, f *file) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		s.complain(path, err)
		return false // not judged: it is tried again at the next scan
	}
	f.judged = f.seen
	content, err := manifest.Parse(path, data)
	if err == nil && len(content.Broken) > 0 && f.content != nil && len(f.content.Broken) == 0 {
		err = errors.New(content.Broken[0].String())
	}
	f.bad = err != nil
	if f.bad {
		s.complain(path, err)
		return false
	}
	f.content = content
	return true
}

// complain logs what is wrong with a file, unless that was said already.
func (s *Scanner) complain(path string, err error) {
	reason := manifest.Plain(err.Error())
	if s.complaints[path] == reason {
		return
	}
	s.complaints[path] = reason
	kept := slices.ContainsFunc(slices.Collect(maps.Keys(s.files)), func(p string) bool {
		return s.files[p].content != nil && (p == path || strings.HasPrefix(p, path+string(filepath.Separator)))
	})
	consequence := "keeping its last good content"
	if !kept {
		consequence = "going on without it"
	}
	s.log.Error("manifest file can't be used, "+consequence, "file", manifest.Plain(path), "error", reason,
		"todo", "repair the file, it is read again when it changes")
}

// Contents are the last good contents of all files.
func (s *Scanner) Contents() (files []*manifest.File) {
	for _, f := range s.files {
		if f.content != nil {
			files = append(files, f.content)
		}
	}
	return files
}

// same says whether nothing suggests that a file has changed.
func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
