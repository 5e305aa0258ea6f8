package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// transcript keeps what a program has printed, for others to wait for.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write appends; it never fails.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// mark returns the present end, to wait for what comes after it.
func (t *transcript) mark() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Len()
}

// said reports whether one whole line after mark holds all the words.
func (t *transcript) said(mark int, words ...string) bool {
	rest := t.String()[mark:]
	for line := range strings.Lines(rest) {
		if strings.HasSuffix(line, "\n") && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			return true
		}
	}
	return false
}

// eventually tries until it succeeds; when ctx is done it returns the last failure.
func eventually(ctx context.Context, try func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var failure error
	for {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || failure == nil {
			failure = err // not the one that only says that time is up
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not in time: %w", failure)
		case <-tick.C:
		}
	}
}
