package table

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/route/value"
)

// Auth says what a request must bring along.
type Auth struct {
	// Closed: nobody is let in, because a key is demanded and there is none.
	Closed bool
	// Keys: one of these must come with the request; none means that anybody may.
	Keys []value.Key
}

// String says in words what is demanded; it shows no key.
func (a Auth) String() string {
	switch {
	case a.Closed:
		return "closed"
	case len(a.Keys) > 0:
		return fmt.Sprintf("API key %v", a.Keys)
	}
	return "open"
}
