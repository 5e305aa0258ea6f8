package policy

import (
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/table"
)

// One Namespace's endpoints and keys can't take up what others need, and count alone.
func TestBudget(t *testing.T) {
	t.Parallel()
	keyed := func(members, overrides int) *table.Upstream {
		return &table.Upstream{Keyed: &table.Keyed{Members: make([]table.Member, members), Overrides: make([]table.Override, overrides)}}
	}
	b := Budget{Limits: limit.Limits{AllEndpoints: 20005}.Filled()}
	for i, step := range []struct {
		namespace string
		up        *table.Upstream
		want      string
	}{
		{"a", &table.Upstream{Endpoints: make([]table.Endpoint, 20000)}, ""},
		{"a", &table.Upstream{Endpoints: make([]table.Endpoint, 1)}, "of Namespace a have more than 20000 Pods or other endpoints"},
		{"a", keyed(limit.Members-1, limit.AllOverrides), ""},
		{"a", keyed(2, 0), "more than 4000 Pods"},
		{"a", keyed(1, 0), ""},
		{"a", keyed(0, 1), "more than 40000 together"},
		{"b", keyed(limit.Members, 1), ""},
		{"b", keyed(1, 0), "of Namespace b"},
		{"c", &table.Upstream{Endpoints: make([]table.Endpoint, 5)}, ""},
		{"c", &table.Upstream{Endpoints: make([]table.Endpoint, 1)}, "of all Namespaces have more than 20005"},
	} {
		if got := b.Spend(step.namespace, step.up); (got == "") != (step.want == "") || !strings.Contains(got, step.want) {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
}
