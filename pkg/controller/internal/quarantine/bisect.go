package quarantine

import (
	"context"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/entries"
)

// bisect finds the first suspect which nginx refuses together with those before it: first
// its Namespace. If it isn't patient it ends without when time is over and that, or more
// than was proven before, is known.
func (s *Search) bisect(ctx context.Context, words string, patient bool) (found bool, err error) {
	good, bad := s.proven, len(s.suspects)
	for bad-good > 1 {
		middle, several := s.middle(good, bad)
		if alone := !several && s.hasOthers(s.suspects[good].From); (alone || good > s.proven) && s.over() && !patient {
			if s.proven = good; alone {
				s.suspected = s.suspects[good].From
			}
			return false, nil
		}
		v, err := s.try(ctx, s.first(middle))
		switch {
		case err != nil:
			return false, err
		case v.Refused:
			bad, words = middle, v.Words
		default:
			good = middle
		}
	}
	if bad == good || s.guilty[s.suspects[bad-1].Entry] != nil {
		return false, errOdd
	}
	s.convict(s.suspects[bad-1], words)
	s.proven, s.suspected = bad, cluster.Ref{}
	return true, nil
}

// hasOthers reports whether something can be gained by knowing that a Namespace is to blame.
func (s *Search) hasOthers(than cluster.Ref) bool {
	return slices.ContainsFunc(s.suspects[s.proven:], func(o entries.Suspect) bool { return o.From != than && s.guilty[o.Entry] == nil })
}

// middle gives where to divide the suspects from good to bad: between two Namespaces, if
// there are several.
func (s *Search) middle(good, bad int) (middle int, several bool) {
	half := good + (bad-good)/2
	border := func(i int) bool { return s.suspects[i-1].From != s.suspects[i].From }
	for d := 0; half-d > good || half+d < bad; d++ {
		if i := half - d; i > good && border(i) {
			return i, true
		}
		if i := half + d; i < bad && border(i) {
			return i, true
		}
	}
	return half, false
}
