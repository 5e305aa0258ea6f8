package events

import (
	"strings"
	"sync"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
)

// maxPlaces is how many Events one object has at most.
const maxPlaces = 20

// state is what the Events should say. The zero value says nothing.
type state struct {
	mu      sync.Mutex
	reasons map[place]string
}

// replace takes in all Problems that hold now, and gives the places of which
// there is something new to tell.
func (s *state) replace(problems []route.Problem) (changed []place) {
	now := make(map[place][]string, len(problems))
	places := map[cluster.Ref]int{}
	for _, p := range problems {
		at := place{p.Ref, p.Key}
		if now[at] == nil {
			if places[p.Ref]++; places[p.Ref] > maxPlaces {
				continue // in a fixed order, so these are the same next time
			}
		}
		now[at] = append(now[at], p.Reason)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reasons := make(map[place]string, len(now))
	for at, all := range now {
		reasons[at] = strings.Join(all, "; ")
		if s.reasons[at] != reasons[at] {
			changed = append(changed, at)
		}
	}
	for at := range s.reasons {
		if _, lasts := reasons[at]; !lasts {
			changed = append(changed, at)
		}
	}
	s.reasons = reasons
	return changed
}

// reason says what is wrong at a place; lasts is false if nothing is.
func (s *state) reason(at place) (reason string, lasts bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reason, lasts = s.reasons[at]
	return reason, lasts
}
