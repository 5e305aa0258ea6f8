package quarantine

import (
	"context"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/entries"
)

// postpone has those wait of which nothing is known: those of the Namespaces that have
// guilty entries if nginx takes the rest, else all. It reports whether it takes that.
func (s *Search) postpone(ctx context.Context) (done bool, err error) {
	bad := map[cluster.Ref]bool{s.suspected: true}
	for _, g := range s.guilty {
		bad[g.From] = true
	}
	for _, all := range []bool{false, true} {
		if all && len(s.guilty)+s.proven == 0 {
			break // the next turn would be no wiser
		}
		clear(s.waiting)
		s.delayed = nil
		for _, suspect := range s.suspects[s.proven:] {
			if s.guilty[suspect.Entry] == nil && (all || bad[suspect.From]) {
				s.wait(suspect, all)
			}
		}
		if len(s.waiting) == 0 {
			continue
		}
		if v, err := s.try(ctx, s.full()); !v.Refused || err != nil {
			return err == nil, err
		}
	}
	clear(s.waiting)
	s.delayed = nil
	return false, nil
}

// wait has a suspect wait. A host that is served stays as it is as a whole, if its own
// options wait, or everybody's changes do: not yet changed is better than closed.
func (s *Search) wait(suspect entries.Suspect, all bool) {
	s.delayed = append(s.delayed, suspect)
	if s.Good != nil && (all || suspect.IsHost()) {
		if was := s.Good.Named(suspect.Host); was != nil {
			s.waiting[entries.Entry{Host: suspect.Host}] = entries.Place{Good: &entries.Good{Host: was}, Stale: true}
			return
		}
	}
	s.waiting[suspect.Entry] = entries.Place{Good: suspect.Good, Claim: true}
}
