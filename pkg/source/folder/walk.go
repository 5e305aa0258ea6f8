package folder

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Walk finds the manifest files at or under root. Before it looks into a
// folder it calls visit, also with the folders that hold root and the targets
// of symbolic links: whoever watches them misses no change. What it can't look
// at is in unreadable, by path. err is about root itself.
func Walk(root string, found map[string]fs.FileInfo, visit func(folder string)) (unreadable map[string]error, err error) {
	unreadable = map[string]error{}
	seen := map[string]bool{} // links may lead in circles
	var folder func(path string)
	look := func(path string, given bool) error {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return err
		case info.IsDir():
			folder(path)
		case given || info.Mode().IsRegular() && isManifest(path): // a pipe is fine if named, but would block here
			found[path] = info
		}
		return nil
	}
	folder = func(path string) {
		visit(path)
		if target, err := filepath.EvalSymlinks(path); err == nil {
			if seen[target] {
				return
			}
			seen[target] = true
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			unreadable[path] = err
		}
		for _, e := range entries {
			name := filepath.Join(path, e.Name())
			if hidden(e.Name()) || e.Type().IsRegular() && !isManifest(name) {
				continue
			}
			if e.Type()&fs.ModeSymlink != 0 {
				visitTarget(name, visit)
			}
			if err := look(name, false); err != nil {
				unreadable[name] = err
			}
		}
	}
	root = filepath.Clean(root)
	visit(filepath.Dir(root))
	visitTarget(root, visit)
	return unreadable, look(root, true)
}

func visitTarget(path string, visit func(string)) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		visit(filepath.Dir(target))
	}
}

// hidden also covers editors' lock files (.#x), and the folders behind a
// mounted ConfigMap (..data), to which links lead from outside.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// isManifest goes by the end of the name, which temporary and backup files
// lack: x.yaml~, #x.yaml#, x.yaml.swp, x.yaml.tmp, 4913.
func isManifest(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}
