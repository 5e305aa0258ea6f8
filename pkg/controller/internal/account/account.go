// Package account keeps the account of turns: why one takes place, what its steps
// took, and how long the objects that changed had waited. What happens enters; a
// Turn leaves. It never decides anything.
package account

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Turn is what there is to measure of one turn. It is zero in a Report that
// follows none.
type Turn struct {
	Cause  string // one of Causes
	Result string // "live", "unchanged" (nothing was to do) or "failed"
	Steps  []Step // in the order in which they were done; a turn may go round several times
	// Reloads are the results of handing configurations to the proxy: "success",
	// "refused" (the text is at fault) or "failed".
	Reloads []string
	// Namespaces are those that they come from; none: they are of no one's doing.
	Namespaces []string
	// Delays are how long the objects that changed had waited when the new
	// configuration became live, each since its first change that was not.
	Delays []time.Duration
}

// Step is one step of a turn: "build" or "render".
type Step struct {
	Name string
	Took time.Duration
}

const (
	// CauseStart is that all objects are known.
	CauseStart   = "start"
	causeClock   = "clock"   // a certificate is to be looked at again
	causeSeveral = "several" // of different kinds
)

// Causes are all that Turn.Cause may be: what changed since the last turn, but
// for the Changes of an operator, which are named by their What.
func Causes() []string {
	return []string{CauseStart, causeClock, causeSeveral, "Namespace", "Pod", "Secret",
		"Service", "EndpointSlice", "Ingress", "IngressClass", "ConfigMap", "StatefulSet", "Addresses"}
}

// Account is that of the present turn, and of what waits for one.
type Account struct {
	Turn    Turn
	cause   string                    // of the next turn; "" if nothing changed
	waiting map[cluster.Ref]time.Time // the objects whose change isn't live, and since when
	served  map[cluster.Ref]time.Time // those of them that this turn is about
}

// Arrived notes that an object has changed.
func (a *Account) Arrived(ref cluster.Ref, at time.Time) {
	if first, waits := a.waiting[ref]; waits && first.Before(at) {
		return
	}
	if a.waiting == nil {
		a.waiting = map[cluster.Ref]time.Time{}
	}
	a.waiting[ref] = at
}

// Because notes why there will be a turn.
func (a *Account) Because(cause string) {
	switch {
	case a.cause == "" || cause == CauseStart:
		a.cause = cause
	case a.cause != CauseStart && a.cause != cause:
		a.cause = causeSeveral
	}
}

// Begin begins the account of a turn.
func (a *Account) Begin() {
	a.Turn = Turn{Cause: cmp.Or(a.cause, causeClock)}
	a.cause = ""
	a.served, a.waiting = a.waiting, nil
}

// Took adds a step that has just ended.
func (a *Account) Took(step string, began time.Time) {
	a.Turn.Steps = append(a.Turn.Steps, Step{step, time.Since(began)})
}

// Reloaded adds what came of handing a configuration to the proxy.
func (a *Account) Reloaded(result string) { a.Turn.Reloads = append(a.Turn.Reloads, result) }

// Again takes a turn back that will be begun anew, for the same reason.
func (a *Account) Again() {
	if a.cause == "" {
		a.cause = a.Turn.Cause
	}
	a.Turn = Turn{}
	a.back()
}

// back has the objects that this turn was about wait for the next one.
func (a *Account) back() {
	for ref, at := range a.served {
		a.Arrived(ref, at)
	}
	a.served = nil
}

// End ends the account of a turn. applied says that what is served has changed.
func (a *Account) End(now time.Time, applied bool, err error) {
	turn := &a.Turn
	switch {
	case err != nil:
		turn.Result = "failed"
	case applied:
		turn.Result = "live"
	default:
		turn.Result = "unchanged"
	}
	if applied {
		for _, at := range a.served {
			turn.Delays = append(turn.Delays, now.Sub(at))
		}
	}
	if !applied && err != nil {
		a.back()
	}
}

// Distinct gives each change once.
func Distinct(changes []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(changes)))
}

// Shorten keeps a log line readable.
func Shorten(changes []string) []string {
	const limit = 10
	changes = Distinct(changes)
	if len(changes) > limit {
		changes = append(changes[:limit:limit], fmt.Sprintf("and %d more", len(changes)-limit))
	}
	return changes
}

// Objects counts what is known of the cluster, by kind.
func Objects(s *cluster.Snapshot) map[string]int {
	return map[string]int{
		"Namespace": len(s.Namespaces), "Pod": len(s.Pods), "Secret": len(s.Secrets) + len(s.TLSSecrets), "Service": len(s.Services),
		"EndpointSlice": len(s.EndpointSlices), "Ingress": len(s.Ingresses), "IngressClass": len(s.IngressClasses),
		"ConfigMap": len(s.ConfigMaps), "StatefulSet": len(s.StatefulSets),
	}
}

// Result is what came of handing a configuration to a proxy.
func Result(err error) string {
	switch {
	case err == nil:
		return "success"
	case IsRefused(err):
		return "refused"
	}
	return "failed"
}

// IsRefused reports whether the text itself is at fault, so that time does not mend it.
func IsRefused(err error) bool {
	var r interface{ Refused() bool }
	return errors.As(err, &r) && r.Refused()
}
