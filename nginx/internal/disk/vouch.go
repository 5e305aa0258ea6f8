package disk

import (
	"crypto/sha256"
	"fmt"
	"os"
	"time"
)

// Vouch notes that the text has been served, and what for: a word that says under
// which settings it was made. A text that nobody has vouched for, because of a
// crash in between for example, is not to be served by the next process.
func (c *Conf) Vouch(purpose string) error {
	note := c.note(purpose)
	if c.vouched == note {
		return nil
	}
	if err := WriteNew(c.vouchPath(), []byte(note)); err != nil {
		return fmt.Errorf("note the last good configuration: %w", err)
	}
	c.vouched = note
	return nil
}

// Vouched reports whether the text was served for that purpose, and since when.
func (c *Conf) Vouched(purpose string) (since time.Time, ok bool) {
	note, err := os.ReadFile(c.vouchPath())
	if err != nil || c.text == nil || string(note) != c.note(purpose) {
		return time.Time{}, false
	}
	if info, err := os.Stat(c.vouchPath()); err == nil {
		since = info.ModTime()
	}
	return since, true
}

func (c *Conf) vouchPath() string { return c.path + ".good" }

func (c *Conf) note(purpose string) string {
	return fmt.Sprintf("%x %s\n", sha256.Sum256(c.text), purpose)
}
