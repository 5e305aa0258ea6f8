package parse

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
)

// Selectors reads one or more label selectors with || between them; what one of them
// matches is matched.
func Selectors(s string) (labels.Selector, error) {
	var all anyOf
	for text := range strings.SplitSeq(s, "||") {
		one, err := Selector(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		all.others = append(all.others, one)
	}
	if len(all.others) == 1 {
		return all.others[0], nil
	}
	all.Selector = labels.Nothing()
	return all, nil
}

// anyOf is several selectors. Kubernetes has no word for that, so no server can select
// by it: its Requirements are none.
type anyOf struct {
	labels.Selector
	others []labels.Selector
}

// Matches reports whether one of them does.
func (a anyOf) Matches(l labels.Labels) bool {
	return slices.ContainsFunc(a.others, func(s labels.Selector) bool { return s.Matches(l) })
}

// String is the text that Selectors reads.
func (a anyOf) String() string {
	var texts []string
	for _, s := range a.others {
		texts = append(texts, s.String())
	}
	return strings.Join(texts, " || ")
}

// Requirements are none that a server could select by.
func (anyOf) Requirements() (labels.Requirements, bool) { return nil, false }
