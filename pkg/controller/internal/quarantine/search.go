package quarantine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/entries"
	"github.com/30x/dispatcher/pkg/route"
)

// Search finds the entries of a table for which nginx refuses it. It takes for granted
// that whatever is refused is refused with more entries, too.
type Search struct {
	Table *route.Table // that is refused
	Good  *route.Table // that nginx took last; nil: none
	Ages  map[string]int
	// Serving says which endpoints of earlier entries still serve.
	Serving entries.Serving
	// Try asks nginx for its verdict. An error ends the search.
	Try func(context.Context, *route.Table) (Verdict, error)
	// When Most entries are found, or that much time has gone by, the search ends as
	// soon as it has something to show.
	Most  int
	Limit time.Duration

	began    time.Time
	suspects []entries.Suspect
	guilty   map[entries.Entry]*Guilty
	waiting  map[entries.Entry]entries.Place
	delayed  []entries.Suspect // those that wait
	// suspected is the Namespace that has a guilty entry of which no more is known.
	suspected cluster.Ref
	proven    int  // nginx takes the table with the first suspects, as many, that aren't guilty
	sound     bool // it takes the table without any suspect
}

// Guilty is an entry that nginx refuses.
type Guilty struct {
	entries.Suspect
	Words string // nginx's
	Place entries.Place
}

// Found is what a Search has found. nginx takes the table without all these.
type Found struct {
	Guilty  []*Guilty
	Waiting map[entries.Entry]entries.Place // what nothing is known of yet, and what stands in its place
	Delayed []entries.Suspect               // the entries for which that is so
}

var (
	// ErrNoEntry says that nginx refuses the table for something else.
	ErrNoEntry = errors.New("nginx refuses it without anything that has changed, too: no entry is at fault")
	errOdd     = errors.New("nginx refuses an entry, and takes the same without it only at times")
)

// Run searches. first is the verdict on the table.
func (s *Search) Run(ctx context.Context, first Verdict) (Found, error) {
	s.began, s.suspects = time.Now(), entries.Suspects(s.Table, s.Good, s.Ages)
	s.guilty, s.waiting = map[entries.Entry]*Guilty{}, map[entries.Entry]entries.Place{}
	late := 0 // how many must have been found before the next attempt to end
	for verdict := first; verdict.Refused; {
		if (len(s.guilty) >= s.Most || s.over()) && len(s.guilty) >= late {
			done, err := s.postpone(ctx)
			if done || err != nil {
				return s.found(), err
			}
			late = len(s.guilty) + 1
		}
		found, err := s.next(ctx, verdict, len(s.guilty) < late)
		if err != nil {
			return Found{}, err
		}
		if !found {
			continue // time is over
		}
		if verdict, err = s.try(ctx, s.full()); err != nil {
			return Found{}, err
		}
	}
	return s.found(), nil
}

func (s *Search) over() bool { return time.Since(s.began) > s.Limit }

func (s *Search) found() Found {
	f := Found{Waiting: s.waiting, Delayed: s.delayed}
	for _, suspect := range s.suspects {
		host := s.guilty[entries.Entry{Host: suspect.Host}]
		if host != nil && !suspect.IsHost() && !host.Place.Keeps(s.Table.Named(suspect.Host), nil) {
			continue // it has gone with its host
		}
		if g := s.guilty[suspect.Entry]; g != nil {
			f.Guilty = append(f.Guilty, g)
		}
	}
	return f
}

func (s *Search) try(ctx context.Context, out map[entries.Entry]entries.Place) (Verdict, error) {
	if err := ctx.Err(); err != nil {
		return Verdict{}, err
	}
	return s.Try(ctx, entries.Without(s.Table, out, s.Serving))
}

// full leaves out what is guilty or waits, each with what stands in its place.
func (s *Search) full() map[entries.Entry]entries.Place {
	out := make(map[entries.Entry]entries.Place, len(s.guilty)+len(s.waiting))
	for e, place := range s.waiting {
		out[e] = place
	}
	for e, g := range s.guilty {
		out[e] = g.Place
	}
	return out
}

// first leaves only the first n suspects in, of those that aren't guilty, without any
// claims for the others.
func (s *Search) first(n int) map[entries.Entry]entries.Place {
	out := make(map[entries.Entry]entries.Place, len(s.suspects)-n+len(s.guilty))
	for i, suspect := range s.suspects {
		if i >= n || s.guilty[suspect.Entry] != nil {
			out[suspect.Entry] = entries.Place{Good: suspect.Good}
		}
	}
	return out
}

// next finds one entry that is guilty, or claims that nginx refuses; see bisect for
// what patient is.
func (s *Search) next(ctx context.Context, verdict Verdict, patient bool) (found bool, err error) {
	if len(s.guilty) > 0 {
		if err := s.checkBase(ctx); err != nil {
			return false, err
		}
	}
	if verdict.Blame != nil {
		if e, ok := verdict.Blame(); ok {
			if found, err := s.confirm(ctx, e); found || err != nil {
				return found, err
			}
		}
	}
	if err := s.checkBase(ctx); err != nil {
		return false, err
	}
	words := verdict.Words
	if len(s.guilty) > 0 {
		v, err := s.try(ctx, s.first(len(s.suspects)))
		if err != nil {
			return false, err
		}
		if !v.Refused {
			return true, s.dropClaims(ctx)
		}
		words = v.Words
	}
	return s.bisect(ctx, words, patient)
}

// checkBase makes sure that it's the suspects for which nginx refuses the table.
func (s *Search) checkBase(ctx context.Context) error {
	if s.sound {
		return nil
	}
	v, err := s.try(ctx, s.first(0))
	if err == nil && v.Refused {
		err = ErrNoEntry
	}
	s.sound = err == nil
	return err
}

// confirm reports whether nginx refuses an entry that it seems to point to, and takes
// all that is needed to have it. If it is one that was found before, its claim is at fault.
func (s *Search) confirm(ctx context.Context, e entries.Entry) (found bool, err error) {
	i := slices.IndexFunc(s.suspects, func(o entries.Suspect) bool { return o.Entry == e })
	if i < 0 {
		return false, nil
	}
	if g := s.guilty[e]; g != nil {
		found, g.Place.Claim = g.Place.Claim, false
		return found, nil
	}
	out := s.first(0)
	if host := (entries.Entry{Host: e.Host}); !e.IsHost() && s.isSuspect(host) {
		if s.guilty[host] != nil {
			return false, nil
		}
		delete(out, host)
		if v, err := s.try(ctx, out); v.Refused || err != nil {
			return false, err
		}
	}
	delete(out, e)
	v, err := s.try(ctx, out)
	if err == nil && v.Refused {
		s.convict(s.suspects[i], v.Words)
	}
	return v.Refused, err
}

func (s *Search) isSuspect(e entries.Entry) bool {
	return slices.ContainsFunc(s.suspects, func(o entries.Suspect) bool { return o.Entry == e })
}

func (s *Search) convict(e entries.Suspect, words string) {
	s.guilty[e.Entry] = &Guilty{e, words, entries.Place{Good: e.Good, Claim: true}}
}

// dropClaims finds out which claims nginx refuses.
func (s *Search) dropClaims(ctx context.Context) error {
	var dropped, claims int
	for e, g := range s.guilty {
		if !g.Place.Claim {
			continue
		}
		claims++
		out := s.first(0)
		if host := (entries.Entry{Host: e.Host}); s.guilty[host] == nil {
			delete(out, host)
		}
		out[e] = g.Place
		v, err := s.try(ctx, out)
		if err != nil {
			return err
		}
		if v.Refused {
			g.Place.Claim = false
			dropped++
		}
	}
	if claims == 0 {
		return errOdd
	}
	if dropped == 0 { // it's all of them together
		for _, g := range s.guilty {
			g.Place.Claim = false
		}
	}
	return nil
}
