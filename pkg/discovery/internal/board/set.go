package board

import (
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/discovery/internal/message"
	"github.com/30x/dispatcher/pkg/discovery/internal/targets"
)

// Service is an upstream.
type Service struct {
	Name      string // a DNS label of [a-z0-9-], no other service's
	Endpoints []Endpoint
}

// Endpoint is where requests go. If it isn't as it has to be, it is left out.
type Endpoint = message.Endpoint

// Set replaces all services, in any order, and says how many have changed, come
// or gone. Who asks for these has something due.
func (b *Board) Set(now time.Time, services []Service) (changed int) {
	b.round++
	b.stats.Invalid = 0
	seen := 0
	for _, in := range services {
		if !message.IsLabel(in.Name) {
			b.stats.Invalid++
			continue
		}
		s := b.services[in.Name]
		if s == nil {
			s = b.add(in.Name)
		}
		if s.round == b.round {
			b.stats.Invalid++ // a second one of the name
			continue
		}
		s.round = b.round
		seen++
		var invalid int
		b.scratch, invalid = message.Normalise(b.scratch[:0], in.Endpoints)
		b.stats.Invalid += invalid
		if s.version == 0 || !slices.Equal(s.endpoints, b.scratch) {
			b.change(now, s)
			changed++
		}
	}
	if seen < b.known { // b.known counts the new ones
		for _, s := range b.services {
			if s.version != 0 && s.round != b.round {
				b.withdraw(now, s)
				changed++
			}
		}
	}
	return changed
}

// change gives s the endpoints of b.scratch, and answers who waits for them.
func (b *Board) change(now time.Time, s *service) {
	if s.version == 0 {
		b.known++
	}
	if s.version == s.given { // else it is behind already
		b.behind++
		s.changed = now
	}
	b.version++
	s.version, s.answer = b.version, nil
	s.endpoints = slices.Clone(b.scratch)
	s.targets.Replace(now, s.endpoints)
	b.cut -= s.cut
	s.cut = len(s.endpoints) - message.Fit(s.name, s.endpoints)
	b.cut += s.cut
	for _, a := range s.askers {
		if a.state == parked {
			b.stats.Woken++
			b.queue(a)
		}
	}
}

// withdraw makes s unknown: who asks gets no answer and keeps what it has.
func (b *Board) withdraw(now time.Time, s *service) {
	if s.version != s.given {
		b.behind--
	}
	b.known--
	b.cut -= s.cut
	s.cut = 0
	s.version, s.given, s.endpoints, s.answer, s.targets = 0, 0, nil, nil, targets.Targets{}
	for _, a := range s.askers {
		if a.state != answered {
			b.park(a, now.Add(patience))
		}
	}
	b.prune(s)
}

func (b *Board) add(name string) *service {
	s := &service{name: name}
	b.services[name] = s
	return s
}

// prune forgets a name that is nobody's.
func (b *Board) prune(s *service) {
	if s.version == 0 && len(s.askers) == 0 {
		delete(b.services, s.name)
	}
}

// Fetched says whether name is a service whose newest version somebody was given.
func (b *Board) Fetched(name string) bool {
	s := b.services[name]
	return s != nil && s.version != 0 && s.given == s.version
}

// Answered says when the service was last answered by UDP.
func (b *Board) Answered(name string) (last time.Time) {
	if s := b.services[name]; s != nil {
		for _, a := range s.askers {
			if a.at.After(last) {
				last = a.at
			}
		}
	}
	return last
}

// Behind says how many services were not Fetched.
func (b *Board) Behind() int { return b.behind }
