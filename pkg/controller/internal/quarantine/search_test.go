package quarantine

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/entries"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func namespace(n int) cluster.Ref { return cluster.Ref{Kind: "Namespace", Name: fmt.Sprintf("n%d", n)} }

// tableOf makes a table of hosts, each of one Namespace, with paths of their own. age
// marks who serves them: another one makes every path another entry.
func tableOf(hosts, paths, namespaces int, age byte) *route.Table {
	t := &route.Table{}
	for i := range hosts {
		from := namespace(i % namespaces)
		h := &route.VirtualHost{Name: must(value.ParseHost(fmt.Sprintf("h%03d.example", i))), Owner: from, From: []cluster.Ref{from}}
		for j := range paths {
			h.Locations = append(h.Locations, &route.Location{
				Path: must(value.ParsePath(fmt.Sprintf("/p%d", j))), Match: value.Prefix, From: from, Limits: route.Limits{ReadTimeout: int(age)},
				Upstream: &route.Upstream{Name: fmt.Sprintf("pods-%d-%d", i, j), Endpoints: []route.Endpoint{
					{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, age}), 80), Pod: cluster.Ref{Kind: "Pod", Namespace: from.Name, Name: "p"}}}},
			})
		}
		t.Hosts = append(t.Hosts, h)
	}
	return t
}

// judge plays nginx: it refuses single entries, pairs of them, and claims.
type judge struct {
	alone  map[entries.Entry]bool
	pairs  [][2]entries.Entry
	claims map[entries.Entry]bool
	good   *route.Table
	blame  func(*judge, map[entries.Entry]bool) (entries.Entry, bool)
	tries  int
}

// has gives the entries of a table that aren't those of the good one, and the claims.
func (j *judge) has(t *route.Table) (in, claims map[entries.Entry]bool) {
	in, claims = map[entries.Entry]bool{}, map[entries.Entry]bool{}
	for _, h := range t.Hosts {
		e := entries.Entry{Host: h.Name.String()}
		if h.Refused {
			claims[e] = true
			continue
		}
		in[e] = j.good == nil || j.good.Named(e.Host) == nil
		for _, l := range h.Locations {
			e.Key = l.Key()
			switch {
			case l.Stays:
				claims[e] = true
			case j.good == nil || j.good.Named(e.Host) == nil || j.good.Named(e.Host).Find(e.Key.Path, e.Key.Match) == nil ||
				j.good.Named(e.Host).Find(e.Key.Path, e.Key.Match).Limits != l.Limits:
				in[e] = true
			}
		}
	}
	return in, claims
}

func (j *judge) refuses(in, claims map[entries.Entry]bool) bool {
	for e := range j.alone {
		if in[e] {
			return true
		}
	}
	for e := range j.claims {
		if claims[e] {
			return true
		}
	}
	return slices.ContainsFunc(j.pairs, func(p [2]entries.Entry) bool { return in[p[0]] && in[p[1]] })
}

func (j *judge) try(_ context.Context, t *route.Table) (Verdict, error) {
	j.tries++
	in, claims := j.has(t)
	return Verdict{Refused: j.refuses(in, claims), Words: "no", Blame: func() (entries.Entry, bool) { return j.blame(j, in) }}, nil
}

// greedy gives the entries that must be found: going through all in their order, each
// that can't be served beside those before it.
func (j *judge) greedy(suspects []entries.Suspect) (guilty []entries.Entry) {
	in := map[entries.Entry]bool{}
	for _, s := range suspects {
		if host := (entries.Entry{Host: s.Host}); slices.Contains(guilty, host) {
			continue
		}
		in[s.Entry] = true
		if j.refuses(in, nil) {
			delete(in, s.Entry)
			guilty = append(guilty, s.Entry)
		}
	}
	return guilty
}

func nobody(*judge, map[entries.Entry]bool) (entries.Entry, bool) { return entries.Entry{}, false }

// anyOf points to a guilty entry, like nginx's line does.
func anyOf(j *judge, in map[entries.Entry]bool) (entries.Entry, bool) {
	for e := range j.alone {
		if in[e] {
			return e, true
		}
	}
	return entries.Entry{}, false
}

func none(route.Endpoint) bool { return false }

// Exactly those entries are found that can't be served beside older ones, however many
// there are, and whether nginx points to the right one, to a wrong one or to none; and
// what is left is taken. The number of tries grows with the guilty ones, and hardly with
// the others.
func TestSearchFindsExactlyTheGuilty(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		hosts, paths, namespaces := 1+r.IntN(30), r.IntN(4), 1+r.IntN(5)
		table := tableOf(hosts, paths, namespaces, 2)
		j := &judge{alone: map[entries.Entry]bool{}, claims: map[entries.Entry]bool{}, blame: nobody}
		if r.IntN(2) == 0 {
			j.good = tableOf(r.IntN(hosts+1), paths, namespaces, 1)
		}
		ages := map[string]int{}
		for i, n := range r.Perm(namespaces) {
			ages[namespace(n).Name] = i
		}
		suspects := entries.Suspects(table, j.good, ages)
		if len(suspects) == 0 {
			continue
		}
		pick := func() entries.Entry { return suspects[r.IntN(len(suspects))].Entry }
		for range r.IntN(6) {
			j.alone[pick()] = true
		}
		for range r.IntN(3) {
			if a, b := pick(), pick(); a != b {
				j.pairs = append(j.pairs, [2]entries.Entry{a, b})
			}
		}
		for range r.IntN(3) {
			j.claims[pick()] = true
		}
		switch r.IntN(3) {
		case 0:
			j.blame = anyOf
		case 1:
			j.blame = func(*judge, map[entries.Entry]bool) (entries.Entry, bool) { return pick(), true }
		}
		want := j.greedy(suspects)
		first, _ := j.try(t.Context(), table)
		if first.Refused != (len(want) > 0) {
			t.Fatalf("round %d: the test contradicts itself", round)
		}
		s := Search{Table: table, Good: j.good, Ages: ages, Serving: none, Try: j.try, Most: 1000, Limit: time.Hour}
		found, err := s.Run(t.Context(), first)
		if err != nil || len(found.Delayed) > 0 {
			t.Fatalf("round %d: %v, %d wait", round, err, len(found.Delayed))
		}
		var got []entries.Entry
		for _, g := range found.Guilty {
			got = append(got, g.Entry)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: found %v, want %v (alone %v, pairs %v)", round, got, want, j.alone, j.pairs)
		}
		if v, _ := j.try(t.Context(), entries.Without(table, s.full(), none)); v.Refused {
			t.Fatalf("round %d: what is left is refused", round)
		}
		each := 2*bits.Len(uint(len(suspects))) + 6 + len(j.claims)
		if most := 3 + len(want)*(each+len(want)); j.tries > most {
			t.Errorf("round %d: %d tries for %d guilty of %d, want at most %d", round, j.tries, len(want), len(suspects), most)
		}
	}
}

// One guilty entry among a thousand takes four tries if nginx points to it, else about
// as many as a thousand has binary digits.
func TestTries(t *testing.T) {
	t.Parallel()
	table := tableOf(1000, 1, 100, 2)
	for name, tc := range map[string]struct {
		blame func(*judge, map[entries.Entry]bool) (entries.Entry, bool)
		most  int
	}{"pointed to": {anyOf, 4}, "not": {nobody, 16}} {
		j := &judge{alone: map[entries.Entry]bool{{Host: "h700.example", Key: table.Hosts[700].Locations[0].Key()}: true}, blame: tc.blame}
		first, _ := j.try(t.Context(), table)
		s := Search{Table: table, Serving: none, Try: j.try, Most: 8, Limit: time.Hour}
		if found, err := s.Run(t.Context(), first); err != nil || len(found.Guilty) != 1 || j.tries > tc.most {
			t.Errorf("%s: found %d, %v, in %d tries", name, len(found.Guilty), err, j.tries)
		}
	}
}

// What is refused without any entry is nobody's fault; and what isn't a verdict ends
// the search.
func TestNoEntryAtFault(t *testing.T) {
	t.Parallel()
	table := tableOf(5, 2, 2, 2)
	broken := errors.New("no nginx")
	for name, tc := range map[string]struct {
		try  func(context.Context, *route.Table) (Verdict, error)
		want error
	}{
		"always refused": {func(context.Context, *route.Table) (Verdict, error) {
			return Verdict{Refused: true, Blame: func() (entries.Entry, bool) { return entries.Entry{Host: "h001.example"}, true }}, nil
		}, ErrNoEntry},
		"broken": {func(context.Context, *route.Table) (Verdict, error) { return Verdict{}, broken }, broken},
	} {
		q := &Quarantine{}
		q.See(&cluster.Snapshot{})
		if _, err := q.Find(t.Context(), table, table, Verdict{Refused: true}, tc.try); !errors.Is(err, tc.want) || q.Counts() != nil || q.Leave(table) != table {
			t.Errorf("%s: %v, held are %v", name, err, q.Counts())
		}
	}
}
