// Package moment compares moments, of which the zero time is none. Times enter; times
// leave. It never reads a clock.
package moment

import "time"

// longest is how long a wait lasts before the clock is looked at again: it may have been
// set.
const longest = time.Hour

// Wait says whether the first of some moments has come, or else how long to wait for it;
// 0 if there is none.
func Wait(now time.Time, moments ...time.Time) (wait time.Duration, due bool) {
	first := Earliest(moments...)
	if first.IsZero() {
		return 0, false
	}
	wait = max(first.Sub(now), 0)
	return min(wait, longest), wait == 0
}

// Earliest gives the first of some moments; zero if there is none.
func Earliest(moments ...time.Time) (first time.Time) {
	for _, at := range moments {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// Later gives the last of some moments; zero if there is none.
func Later(moments ...time.Time) (last time.Time) {
	for _, at := range moments {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// What failed, and may be mended by time, is tried again after firstRetry, then after twice
// as long each time, up to lastRetry.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// Retry is how long to wait after as many failures in a row, before the last one.
func Retry(failures int) time.Duration { return min(firstRetry<<min(failures, 10), lastRetry) }
