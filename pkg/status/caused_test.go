package status

import (
	"fmt"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/controller"
)

// TestMetricsOfReloads: reloads are counted by the Namespaces that they come from, of
// which only so many have a counter of their own.
func TestMetricsOfReloads(t *testing.T) {
	t.Parallel()
	s := full()
	r := s.last()
	r.Gathered, r.Waiting = 2, "budget"
	for i := range mostNamed + 5 {
		r.Turn = controller.Turn{Cause: "Pod", Result: "live", Reloads: []string{"success"}, Namespaces: []string{"shop", fmt.Sprint("n", i)}}
		s.Set(r)
	}
	r.Turn = controller.Turn{Cause: "templates", Result: "live", Reloads: []string{"success"}}
	s.Set(r)
	expect(t, s, `
dispatcher_reloads_caused_total{namespace="shop"} 1005
dispatcher_reloads_caused_total{namespace="n0"} 1
dispatcher_namespaces_gathered 2
dispatcher_reloads_waiting{reason="budget"} 1
dispatcher_reloads_waiting{reason="draining"} 0`)
	if n := strings.Count(scrape(t, s), "dispatcher_reloads_caused_total{"); n != mostNamed+2 { // with those of nobody, and _others
		t.Errorf("%d Namespaces have a counter", n)
	}
}
