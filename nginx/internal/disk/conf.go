package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Conf is a file that is only ever replaced whole: a new text is staged beside
// it first. Make it with OpenConf.
type Conf struct {
	path    string
	text    []byte
	vouched string // the last note that Vouch has written
}

// OpenConf reads the file, which need not exist. One that doesn't begin with
// marker was written by somebody else, and is an error.
func OpenConf(path, marker string) (*Conf, error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Conf{path: path}, nil
	case err != nil:
		return nil, fmt.Errorf("read the last configuration: %w: choose another --work-dir", err)
	case !bytes.HasPrefix(text, []byte(marker)):
		return nil, fmt.Errorf("%s was not written by Dispatcher, so it stays as it is: move it away, or choose another folder with --work-dir", path)
	}
	return &Conf{path: path, text: text}, nil
}

// Text gives what the file holds, nil if there is none.
func (c *Conf) Text() []byte { return c.text }

// Next gives the path of the staged file.
func (c *Conf) Next() string { return c.path + ".next" }

// Stage writes text beside the file, for our eyes only, and onto the disk.
func (c *Conf) Stage(text []byte) error {
	if err := WriteNew(c.Next(), text); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// Unstage removes the staged file.
func (c *Conf) Unstage() error {
	if err := os.Remove(c.Next()); err != nil {
		return fmt.Errorf("remove a configuration that was tested: %w", err)
	}
	return nil
}

// Swap puts the staged file, which holds text, in the file's place.
func (c *Conf) Swap(text []byte) error {
	if err := os.Rename(c.Next(), c.path); err != nil {
		return fmt.Errorf("put the configuration in place: %w", err)
	}
	c.text = bytes.Clone(text)
	if err := SyncDir(filepath.Dir(c.path)); err != nil {
		return fmt.Errorf("put the configuration in place: %w", err)
	}
	return nil
}

// Reject keeps the staged file as the last one that was refused, and gives its
// path.
func (c *Conf) Reject() (path string, err error) {
	path = c.path + ".rejected"
	if err := os.Rename(c.Next(), path); err != nil {
		return "", fmt.Errorf("keep the refused configuration: %w", err)
	}
	return path, nil
}

// Forgive removes what Reject has kept: it may hold keys that are no longer used.
func (c *Conf) Forgive() error {
	if err := os.Remove(c.path + ".rejected"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the refused configuration: %w", err)
	}
	return nil
}

// Restore writes the file again if somebody has touched it.
func (c *Conf) Restore() error {
	if text, err := os.ReadFile(c.path); err == nil && bytes.Equal(text, c.text) {
		return nil
	}
	return c.Put(c.text)
}

// Put makes text what the file holds; nil removes it.
func (c *Conf) Put(text []byte) error {
	if text == nil {
		c.text = nil
		return os.Remove(c.path)
	}
	if err := c.Stage(text); err != nil {
		return err
	}
	return c.Swap(text)
}
