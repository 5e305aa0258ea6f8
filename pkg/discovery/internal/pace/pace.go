// Package pace keeps nginx's socket from overflowing. When a client asks, what it is
// sent and what it has not read enter; whether it can be sent more leaves. It never
// sends anything and never reads the clock.
//
// nginx sends a burst of queries before it reads the first answer, its socket has
// room for about 250 short answers, and what does not fit is lost, which costs 5 s.
// So a client that has had its budget gets more when it has read that; if that can't
// be known, when it has not asked for a while, since it reads then.
package pace

import "time"

const (
	budget = 64 * 1024 // bytes
	pause  = time.Millisecond
	// stubborn is after how long a client gets more that is never silent.
	stubborn = 100 * time.Millisecond
)

// Pace is what is known of one client.
type Pace struct {
	asked, sent time.Time // the last of these
	more        time.Time // when it may get more credit
	used        int       // bytes of the budget
}

// Asked notes that the client has asked.
func (p *Pace) Asked(now time.Time) { p.asked = now }

// Sent notes an answer of some bytes. The kernel counts what it keeps it in, too.
func (p *Pace) Sent(now time.Time, bytes int) {
	p.used += 768 + 2*bytes
	p.sent, p.more = now, now.Add(pause)
}

// Ready says whether the client can be sent something. unread gives how many bytes
// it has not read, if that is known.
func (p *Pace) Ready(now time.Time, unread func() (bytes int, ok bool)) bool {
	if p.used < budget {
		if now.Sub(p.sent) >= stubborn {
			p.used = 0 // it has read all that, or has room for twice as much
		}
		return true
	}
	if now.Before(p.more) {
		return false
	}
	quiet, enough := p.asked.Add(pause), p.sent.Add(stubborn)
	if bytes, ok := unread(); ok {
		p.used = bytes
		p.more = now.Add(min(max(now.Sub(p.sent), pause), stubborn)) // twice as long each time
	} else if !now.Before(quiet) || !now.Before(enough) {
		p.used = 0
	} else if p.more = quiet; enough.Before(quiet) {
		p.more = enough
	}
	return p.used < budget
}

// Next is when the client can be sent something: a time that is over if it can now.
func (p *Pace) Next() time.Time {
	if p.used < budget {
		return p.asked
	}
	return p.more
}
