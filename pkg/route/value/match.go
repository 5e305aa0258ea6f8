package value

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Match says which requests a path stands for.
type Match string

// A prefix path stands for itself and all below it, on segment boundaries; an
// exact one for itself alone.
const (
	Prefix Match = "prefix"
	Exact  Match = "exact"
)

// ParseMatch accepts the two words.
func ParseMatch(s string) (Match, error) {
	if m := Match(s); m == Prefix || m == Exact {
		return m, nil
	}
	return "", fmt.Errorf("%s is not a kind of match: write \"prefix\" or \"exact\"", cluster.Quote(s))
}
