// Package tell gathers Problems. They enter one by one; a list leaves in which no object
// has more than a fixed number. It never decides what is a Problem.
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
	count map[cluster.Ref]int
	full  []cluster.Ref // objects with more than are told
}

// Add adds a Problem, if its object has not too many already: whoever writes an object
// must not flood logs and Events by it.
func (p *Problems) Add(problem table.Problem) {
	if p.more(problem.Ref) {
		p.list = append(p.list, problem)
	}
}

// Addf is Add of a Problem whose reason is put together only if it is told.
func (p *Problems) Addf(ref cluster.Ref, key, format string, args ...any) {
	if p.more(ref) {
		p.list = append(p.list, table.Problem{Ref: ref, Key: key, Reason: fmt.Sprintf(format, args...)})
	}
}

// more counts a Problem of an object, and reports whether it is told.
func (p *Problems) more(ref cluster.Ref) bool {
	if p.count == nil {
		p.count = map[cluster.Ref]int{}
	}
	p.count[ref]++
	if p.count[ref] == limit.Told+1 {
		p.full = append(p.full, ref)
	}
	return p.count[ref] <= limit.Told
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
