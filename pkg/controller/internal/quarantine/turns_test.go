package quarantine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller/internal/entries"
	"github.com/30x/dispatcher/pkg/route"
)

// A Namespace with many guilty entries has only its own changes wait; and from turn to
// turn all are found.
func TestManyGuilty(t *testing.T) {
	t.Parallel()
	for name, blame := range map[string]func(*judge, map[entries.Entry]bool) (entries.Entry, bool){"pointed to": anyOf, "not": nobody} {
		for spread, namespaces := range map[string]int{"one Namespace": 1, "each its own": 60} {
			table := tableOf(60, 1, 60, 2)
			j := &judge{alone: map[entries.Entry]bool{}, claims: map[entries.Entry]bool{}, blame: blame}
			for i := range 30 {
				h := table.Hosts[2*i]
				h.Owner, h.From = namespace(i%namespaces), []cluster.Ref{namespace(i % namespaces)}
				h.Locations[0].From = h.Owner
				j.alone[entries.Entry{Host: h.Name.String(), Key: h.Locations[0].Key()}] = true
			}
			q := &Quarantine{}
			q.See(&cluster.Snapshot{})
			turns := 0
			for more := true; more; turns++ {
				q.Release(table)
				rest := q.Leave(table)
				verdict, _ := j.try(t.Context(), rest)
				if verdict.Refused {
					if _, err := q.Find(t.Context(), table, rest, verdict, j.try); err != nil {
						t.Fatal(err)
					}
				}
				rest = q.Leave(table)
				if v, _ := j.try(t.Context(), rest); v.Refused {
					t.Fatalf("%s, %s: turn %d ends with what is refused", name, spread, turns)
				}
				q.Took(rest)
				if namespaces == 1 && !slices.ContainsFunc(rest.Hosts, func(h *route.VirtualHost) bool { return h.Name.String() == "h059.example" && !h.Refused }) {
					t.Errorf("%s, %s: turn %d leaves out an innocent one", name, spread, turns)
				}
				more = q.Waiting() != nil
			}
			held := 0
			for _, n := range q.Counts() {
				held += n
			}
			if held != 30 || turns > 4 || len(q.Problems(table)) != 30 {
				t.Errorf("%s, %s: %d are held after %d turns, %d Problems", name, spread, held, turns, len(q.Problems(table)))
			}
		}
	}
}

// However slow nginx is, each turn gets on, and ends with something that nginx takes.
func TestSlowSearchGetsOn(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 100 {
		namespaces := 1 + r.IntN(4)
		table := tableOf(20, 1, namespaces, 2)
		j := &judge{alone: map[entries.Entry]bool{}, claims: map[entries.Entry]bool{}, blame: nobody}
		for range 1 + r.IntN(5) {
			h := table.Hosts[r.IntN(20)]
			e := entries.Entry{Host: h.Name.String()}
			if r.IntN(2) == 0 {
				e.Key = h.Locations[0].Key()
			}
			j.alone[e], j.claims[e] = true, r.IntN(3) == 0
		}
		want := len(j.greedy(entries.Suspects(table, nil, nil)))
		q := &Quarantine{}
		q.See(&cluster.Snapshot{})
		for turns := 0; ; turns++ {
			if turns > 20+want {
				t.Fatalf("round %d: it does not end: held are %v of %d", round, q.Counts(), want)
			}
			q.Release(table)
			rest := q.Leave(table)
			if verdict, _ := j.try(t.Context(), rest); verdict.Refused {
				s := Search{Table: rest, Good: q.good, Serving: none, Try: j.try, Most: 2, Limit: -1}
				found, err := s.Run(t.Context(), verdict)
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				q.hold(table, found)
			}
			rest = q.Leave(table)
			if v, _ := j.try(t.Context(), rest); v.Refused {
				t.Fatalf("round %d: turn %d ends with what is refused", round, turns)
			}
			q.Took(rest)
			if q.Waiting() == nil {
				break
			}
		}
		if held := len(q.held); held != want {
			t.Errorf("round %d: %d are held, want %d", round, held, want)
		}
	}
}
