package proc

import "time"

// Backoff gives the pauses before a program is started again: they double while
// it keeps dying young. The zero value is ready.
type Backoff struct{ delay time.Duration }

const (
	minDelay = 100 * time.Millisecond
	maxDelay = 10 * time.Second
	longLife = time.Minute
)

// Next gives the pause after the program has lived for so long.
func (b *Backoff) Next(lived time.Duration) time.Duration {
	if lived >= longLife {
		b.delay = 0
	}
	b.delay = min(max(2*b.delay, minDelay), maxDelay)
	return b.delay
}
