// Package grants knows which hosts an operator lets each Namespace use. A ConfigMap
// enters; a List leaves, with a Problem for every pattern that can't be read. It is pure,
// and never allows what it can't read.
package grants

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Others is the key of a ConfigMap for all Namespaces that it does not list. No
// Namespace has such a name.
const Others = "_others"

// List says which hosts each Namespace may use. A nil List lets all use any.
type List struct {
	ref         cluster.Ref
	missing     bool
	byNamespace map[string][]pattern
}

// pattern is a host, or all hosts that end in a suffix.
type pattern struct {
	host   value.Host
	suffix string // ".example.com"
	all    bool
}

// Read reads the ConfigMap, nil if there is none of the name ref.
func Read(ref cluster.Ref, from *cluster.ConfigMap) (*List, []table.Problem) {
	l := &List{ref: ref, missing: from == nil, byNamespace: map[string][]pattern{}}
	if from == nil {
		return l, []table.Problem{{Ref: ref, Key: "metadata.name", Reason: "no Namespace may use any host: ALLOWED_HOSTS names it, and there is no such ConfigMap; create it"}}
	}
	var problems []table.Problem
	for _, namespace := range slices.Sorted(maps.Keys(from.Data)) {
		l.byNamespace[namespace] = []pattern{}
		for _, word := range strings.Fields(from.Data[namespace]) {
			p, err := parse(word)
			if err != nil {
				problems = append(problems, table.Problem{Ref: ref, Key: "data." + namespace, Reason: fmt.Sprintf("the pattern is dropped: %v", err)})
				continue
			}
			l.byNamespace[namespace] = append(l.byNamespace[namespace], p)
		}
	}
	return l, problems
}

func parse(word string) (pattern, error) {
	if word == "*" {
		return pattern{all: true}, nil
	}
	name, below := strings.CutPrefix(word, "*.")
	h, err := value.ParseHost(name)
	switch {
	case err != nil || h.Wildcard():
		return pattern{}, fmt.Errorf("%s is no pattern of hosts: write www.example.com, *.example.com for all hosts below, or * for all", cluster.Quote(word))
	case below:
		return pattern{suffix: "." + h.String()}, nil
	}
	return pattern{host: h}, nil
}

func (p pattern) allows(h value.Host) bool {
	return p.all || p.suffix != "" && strings.HasSuffix(h.String(), p.suffix) || p.suffix == "" && p.host != value.Host{} && p.host == h
}

// Refuse says why a Namespace may not use a host, the zero one for hosts that nobody
// declares; "" if it may.
func (l *List) Refuse(namespace string, h value.Host) string {
	if l == nil {
		return ""
	}
	patterns, listed := l.byNamespace[namespace]
	if !listed {
		patterns = l.byNamespace[Others]
	}
	if slices.ContainsFunc(patterns, func(p pattern) bool { return p.allows(h) }) {
		return ""
	}
	what := "host " + h.String()
	if h == (value.Host{}) {
		what = "hosts that nobody declares"
	}
	why := "does not allow it"
	if l.missing {
		why = "is missing, so none is allowed"
	}
	return fmt.Sprintf("Namespace %s may not use %s: the operator's list (ConfigMap %s/%s) %s; ask the operator", namespace, what, l.ref.Namespace, l.ref.Name, why)
}
