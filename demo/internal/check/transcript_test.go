package check

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestTranscript(t *testing.T) {
	var said transcript
	fmt.Fprint(&said, "one two\nthree ")
	mark := said.mark()
	for _, c := range []struct {
		mark  int
		words []string
		want  bool
	}{
		{0, []string{"two", "one"}, true},
		{0, []string{"one", "three"}, false}, // not on one line
		{0, []string{"three"}, false},        // not a whole line yet
		{mark, []string{"one"}, false},       // before the mark
	} {
		if got := said.said(c.mark, c.words...); got != c.want {
			t.Errorf("said(%d, %q) = %t", c.mark, c.words, got)
		}
	}
	fmt.Fprintln(&said, "four")
	if !said.said(0, "three", "four") {
		t.Error("a line that was finished later is not found")
	}
}

func TestEventually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n := 0
		if err := eventually(ctx, func() error {
			if n++; n < 5 {
				return errors.New("not yet")
			}
			return nil
		}); err != nil || n != 5 {
			t.Errorf("after %d tries: %v", n, err)
		}
		useful := errors.New("useful")
		if err := eventually(ctx, func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return useful
		}); !errors.Is(err, useful) {
			t.Errorf("got %v, want the last failure that says something", err)
		}
	})
}
