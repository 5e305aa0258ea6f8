package tell

import (
	"fmt"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/table"
)

// What is the same is told once and counts once; beyond the limit only a number is told,
// of that object alone.
func TestProblems(t *testing.T) {
	t.Parallel()
	a, b := cluster.Ref{Kind: "Pod", Name: "a"}, cluster.Ref{Kind: "Pod", Name: "b"}
	var p Problems
	for i := range limit.Told {
		for range 3 {
			p.Addf(a, "key", "reason %d", i)
			p.Add(table.Problem{Ref: a, Key: "key", Reason: fmt.Sprintf("reason %d", i)})
		}
	}
	p.Addf(b, "key", "reason 0")
	if n := len(p.Problems()); n != limit.Told+1+1 { // the last one's second copies came when all were told
		t.Fatalf("%d problems", n)
	}
	p = Problems{}
	for i := range limit.Told + 7 {
		p.Addf(a, "key", "reason %d", i)
	}
	p.Addf(b, "key", "reason 0")
	list := p.Problems()
	if n := len(list); n != limit.Told+2 {
		t.Fatalf("%d problems", n)
	}
	if list[limit.Told].Ref != b || list[limit.Told+1].Reason != "it has 7 more problems, which are not told one by one: correct the others first" {
		t.Errorf("at the end: %v", list[limit.Told:])
	}
}
