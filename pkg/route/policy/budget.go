package policy

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/table"
)

// Budget counts what the keys of Namespaces take up over all their hosts and paths. Each
// Member is an upstream, and each override several lines: nginx needs seconds for many
// times as many as there may be, and meanwhile nobody's changes go live. Its zero value is
// ready for use.
type Budget struct{ members, overrides map[string]int }

// Spend counts an Upstream of a Namespace, and says why it is too much; "" if it isn't.
// What is too much is not counted.
func (b *Budget) Spend(namespace string, up *table.Upstream) (why string) {
	if up.Keyed == nil {
		return ""
	}
	if b.members == nil {
		b.members, b.overrides = map[string]int{}, map[string]int{}
	}
	members, overrides := b.members[namespace]+len(up.Keyed.Members), b.overrides[namespace]+len(up.Keyed.Overrides)
	switch {
	case members > limit.Members:
		return fmt.Sprintf("the paths with policy \"hash\" of Namespace %s have more than %d Pods together, each counted for every host and path; use fewer hosts, paths or replicas", namespace, limit.Members)
	case overrides > limit.AllOverrides:
		return fmt.Sprintf("the overrides of Namespace %s are more than %d together, each counted for every host and path; use fewer", namespace, limit.AllOverrides)
	}
	b.members[namespace], b.overrides[namespace] = members, overrides
	return ""
}
