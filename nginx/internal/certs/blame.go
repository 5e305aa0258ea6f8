package certs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/30x/dispatcher/nginx/internal/message"
	"github.com/30x/dispatcher/pkg/render"
)

// Blame says which of the files nginx's messages, with which it refuses a
// configuration, are about. It is an *Error if nginx does not take the
// certificate, another error if somebody has touched or removed the file, which
// the next Write mends, and nil if the messages are about something else.
func (d *Dir) Blame(messages []string, files []render.CertificateFile) error {
	for _, m := range messages {
		for _, f := range files {
			path := filepath.Join(d.path, f.Folder, f.Name)
			if !strings.Contains(m, `"`+path+`"`) {
				continue
			}
			words := message.Tidy(strings.ReplaceAll(m, path, f.Alias))
			if strings.Contains(m, "system library") || !d.unspoilt(f) {
				return fmt.Errorf("nginx can't load %s as it was written (%s): keep other programs away from it; it will be written again if need be", path, words)
			}
			return &Error{ID: f.ID, Host: f.Folder, Reason: "nginx refuses it: " + words, Err: errors.New(words)}
		}
	}
	return nil
}

// unspoilt reports whether f is on the disk as it was written, whatever it was
// known to be before.
func (d *Dir) unspoilt(f render.CertificateFile) bool {
	delete(d.read, filepath.Join(f.Folder, f.Name))
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return false
	}
	defer root.Close()
	folder, err := openFolder(root, f.Folder)
	if err != nil {
		return false
	}
	defer folder.Close()
	return d.intact(folder, f)
}
