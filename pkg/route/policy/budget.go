package policy

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/table"
)

// Budget counts what the endpoints and keys of Namespaces take up over all their hosts and
// paths. Each Member is an upstream, each endpoint a line or a record, and each override
// several lines: nginx needs seconds for many times as many as there may be, and meanwhile
// nobody's changes go live.
type Budget struct {
	Limits limit.Limits // without zeros
	spent  map[string]spent
	all    int // endpoints of all Namespaces
}

type spent struct{ endpoints, members, overrides int }

// Spend counts an Upstream of a Namespace, and says why it is too much; "" if it isn't.
// What is too much is not counted.
func (b *Budget) Spend(namespace string, up *table.Upstream) (why string) {
	s := b.spent[namespace]
	s.endpoints += len(up.Endpoints)
	if k := up.Keyed; k != nil {
		s.members += len(k.Members)
		s.overrides += len(k.Overrides)
	}
	all := b.all + len(up.Endpoints)
	if why = b.Limits.Served(namespace, s.endpoints, all); why != "" {
		return why
	}
	switch {
	case s.members > limit.Members:
		return fmt.Sprintf("the paths with policy \"hash\" of Namespace %s have more than %d Pods together, each counted for every host and path; use fewer hosts, paths or replicas", namespace, limit.Members)
	case s.overrides > limit.AllOverrides:
		return fmt.Sprintf("the overrides of Namespace %s are more than %d together, each counted for every host and path; use fewer", namespace, limit.AllOverrides)
	}
	if b.spent == nil {
		b.spent = map[string]spent{}
	}
	b.spent[namespace], b.all = s, all
	return ""
}
