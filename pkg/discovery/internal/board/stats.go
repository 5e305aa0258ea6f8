package board

import "time"

// Stats tells what a Board has done since it was made, and how it is.
type Stats struct {
	// Queries that could be ours: of services by UDP, of their hosts by UDP, and
	// of anything by TCP.
	Services, Hosts, TCP uint64
	Answers              uint64 // to all these
	Truncated            uint64 // answers that said: ask by TCP
	Held                 uint64 // queries that were parked as there was no news
	Woken                uint64 // of all that were parked, those that a change has answered
	Expired              uint64 // those that were answered when their time was over
	Silent               uint64 // queries that got no answer, since nobody knows the name
	Dropped              uint64 // what was forgotten since it was too much
	// Changes of services that somebody was given, and how long that took them all,
	// from Set to the answer.
	Told uint64
	Took time.Duration

	Known     int // services
	Endpoints int // all of theirs
	Invalid   int // services and endpoints of the last Set that can't be told to nginx
	Cut       int // endpoints that can't be told since their service has too many
	Behind    int // services whose newest version nobody has been given
	// Lag is for how long the first of those has been.
	Lag     time.Duration
	Clients int // nginx has one for each worker that asks
	Parked  int // queries that wait for news
	Waiting int // queries that wait for their name to become known
}

// Stats gives the counts. It looks at everything.
func (b *Board) Stats(now time.Time) Stats {
	s := b.stats
	s.Known, s.Cut, s.Behind, s.Clients = b.known, b.cut, b.behind, len(b.clients)
	for _, service := range b.services {
		s.Endpoints += len(service.endpoints)
		if service.given != service.version {
			s.Lag = max(s.Lag, now.Sub(service.changed))
		}
	}
	for _, a := range b.parked {
		if a.service.version == 0 {
			s.Waiting++
		} else {
			s.Parked++
		}
	}
	return s
}
