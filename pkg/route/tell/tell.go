// Package tell gathers Problems. They enter one by one; a list leaves in which none stands
// twice, and no object has more than a fixed number. It never decides what is a Problem.
package tell

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/table"
)

// Problems are gathered in the order in which they are added. The zero value has none.
type Problems struct {
	list  []table.Problem
	known map[table.Problem]bool // those in list
	count map[cluster.Ref]int
	full  []cluster.Ref // objects with more than are told
}

// Add adds a Problem, if it is a new one and its object has not too many already: what is
// wrong with a path is found for each host that has it, and whoever writes an object must
// not flood logs and Events by it.
func (p *Problems) Add(problem table.Problem) {
	if p.room(problem.Ref) {
		p.add(problem)
	}
}

// Addf is Add of a Problem whose reason is put together only if it may be told.
func (p *Problems) Addf(ref cluster.Ref, key, format string, args ...any) {
	if p.room(ref) {
		p.add(table.Problem{Ref: ref, Key: key, Reason: fmt.Sprintf(format, args...)})
	}
}

// room reports whether another Problem of an object may be told, and counts it if not.
func (p *Problems) room(ref cluster.Ref) bool {
	switch n := p.count[ref]; {
	case n < limit.Told:
		return true
	case n == limit.Told:
		p.full = append(p.full, ref)
	}
	p.count[ref]++
	return false
}

func (p *Problems) add(problem table.Problem) {
	if p.known[problem] {
		return
	}
	if p.known == nil {
		p.known, p.count = map[table.Problem]bool{}, map[cluster.Ref]int{}
	}
	p.known[problem] = true
	p.count[problem.Ref]++
	p.list = append(p.list, problem)
}

// Problems gives the list, and at its end how many are not told of each object.
func (p *Problems) Problems() []table.Problem {
	for _, ref := range p.full {
		p.list = append(p.list, table.Problem{
			Ref: ref, Key: "metadata.name", Reason: fmt.Sprintf("it has %d more problems, which are not told one by one: correct the others first", p.count[ref]-limit.Told),
		})
	}
	p.full = nil
	return p.list
}
