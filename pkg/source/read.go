package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/source/folder"
	"github.com/30x/dispatcher/pkg/source/manifest"
)

// ReadManifests reads files, folders and "-" (stdin) as the API server would
// have them after they were applied: see manifest.Objects. The problems are
// about documents; err is about input that can't be read at all, every such
// input named, with the line if it is neither YAML nor JSON.
func ReadManifests(paths []string, stdin io.Reader) (objects []metav1.Object, problems []Problem, err error) {
	var files []*manifest.File
	var errs []error
	parse := func(name string, data []byte, err error) {
		var f *manifest.File
		if err == nil {
			f, err = manifest.Parse(name, data)
		} else {
			err = fmt.Errorf("read manifest: %w", err)
		}
		files, errs = append(files, f), append(errs, err)
	}
	found := map[string]fs.FileInfo{} // a file that is named twice is read once
	for _, path := range paths {
		if path == "-" {
			data, err := io.ReadAll(stdin)
			parse("stdin", data, err)
			continue
		}
		unreadable, err := folder.Walk(path, found, func(string) {})
		if err != nil {
			errs = append(errs, fmt.Errorf("read manifests: %w: give a file or folder that exists", err))
		}
		for _, err := range unreadable {
			errs = append(errs, fmt.Errorf("read manifests: %w: make it readable or move it away", err))
		}
	}
	for path := range found {
		data, err := os.ReadFile(path)
		parse(path, data, err)
	}
	if err := errors.Join(sorted(errs)...); err != nil {
		return nil, nil, err
	}
	objects, problems = manifest.Objects(files)
	return objects, problems, nil
}

func sorted(errs []error) []error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}
