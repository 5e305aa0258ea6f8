package limit

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/route/value"
)

// Quota counts what one Namespace declares, whatever kind of object it stands in, and
// whether another Namespace has it already: so what a tenant loses depends on its own
// objects alone. A nil Quota refuses nothing.
type Quota struct {
	limits    Limits
	namespace string
	refuse    func(value.Host) string
	hosts     map[value.Host]bool
	locations int
}

// NewQuota makes the Quota of a Namespace. refuse says why it may not use a host at all,
// "" if it may; such a host counts for nothing.
func NewQuota(l Limits, namespace string, refuse func(value.Host) string) *Quota {
	return &Quota{limits: l.Filled(), namespace: namespace, refuse: refuse, hosts: map[value.Host]bool{}}
}

// Refuse says why the Namespace may not use a host however few it has; "" if it may.
func (q *Quota) Refuse(h value.Host) string {
	if q == nil || q.refuse == nil {
		return ""
	}
	return q.refuse(h)
}

// Host counts a host, once, and says why the Namespace may not have it; "" if it may.
func (q *Quota) Host(h value.Host) string {
	if q == nil || q.hosts[h] {
		return ""
	}
	if why := q.Refuse(h); why != "" {
		return why
	}
	if len(q.hosts) == q.limits.Hosts {
		return fmt.Sprintf("Namespace %s has %d hosts already, as many as it may; remove some%s", q.namespace, q.limits.Hosts, raise(hosts))
	}
	q.hosts[h] = true
	return ""
}

// Locations counts up to n paths of a host, and gives how many of them the Namespace may
// have.
func (q *Quota) Locations(n int) int {
	if q == nil {
		return n
	}
	n = min(n, q.limits.Locations-q.locations)
	q.locations += n
	return n
}

// Beyond says that a number of paths of a host are more than the Namespace may have.
func (q *Quota) Beyond(n int) string {
	return fmt.Sprintf("%s served: Namespace %s may have %d, each counted for every host; use fewer hosts or paths%s",
		counted(n, "of its paths is not", "of its paths are not"), q.namespace, q.limits.Locations, raise(locations))
}

// Room is how many paths there may be more of all Namespaces together.
type Room struct{ left, of int }

// NewRoom is the room before anything is served.
func NewRoom(l Limits) *Room {
	n := l.Filled().AllLocations
	return &Room{n, n}
}

// Take counts a path, and reports whether there was room for it.
func (r *Room) Take() bool {
	if r.left == 0 {
		return false
	}
	r.left--
	return true
}

// Beyond says that a number of paths of a host are too many for all.
func (r *Room) Beyond(n int) string {
	return fmt.Sprintf("%s served: all Namespaces together may have %d, and those created first have them; remove some%s",
		counted(n, "of its paths is not", "of its paths are not"), r.of, raise(allLocations))
}
