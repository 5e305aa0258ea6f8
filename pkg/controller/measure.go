package controller

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
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
	causeStart   = "start"   // all objects are known
	causeClock   = "clock"   // a certificate is to be looked at again
	causeSeveral = "several" // of different kinds
)

// Causes are all that Turn.Cause may be: what changed since the last turn, but
// for the Changes of an operator, which are named by their What.
func Causes() []string {
	return []string{causeStart, causeClock, causeSeveral, "Namespace", "Pod", "Secret"}
}

// arrived notes that an object has changed.
func (t *turner) arrived(ref cluster.Ref, at time.Time) {
	if _, waits := t.waiting[ref]; !waits {
		t.waiting[ref] = at
	}
}

// because notes why there will be a turn.
func (t *turner) because(cause string) {
	switch {
	case t.cause == "" || cause == causeStart:
		t.cause = cause
	case t.cause != causeStart && t.cause != cause:
		t.cause = causeSeveral
	}
}

// begin begins the account of a turn.
func (t *turner) begin() {
	t.report.Turn = Turn{Cause: cmp.Or(t.cause, causeClock)}
	t.cause = ""
}

// took adds a step that has just ended.
func (t *turner) took(step string, began time.Time) {
	t.report.Turn.Steps = append(t.report.Turn.Steps, Step{step, time.Since(began)})
}

// reloaded adds what came of handing a configuration to the proxy.
func (t *turner) reloaded(err error) {
	result := "success"
	switch {
	case err != nil && isRefused(err):
		result = "refused"
	case err != nil:
		result = "failed"
	}
	t.report.Turn.Reloads = append(t.report.Turn.Reloads, result)
}

// end ends the account of a turn.
func (t *turner) end(applied bool, err error) {
	turn := &t.report.Turn
	switch {
	case err != nil:
		turn.Result = "failed"
	case applied:
		turn.Result = "live"
	default:
		turn.Result = "unchanged"
	}
	if applied {
		now := time.Now()
		t.report.LiveSince = now
		for _, at := range t.waiting {
			turn.Delays = append(turn.Delays, now.Sub(at))
		}
	}
	if applied || err == nil {
		clear(t.waiting)
	}
}

func countObjects(s *cluster.Snapshot) map[string]int {
	return map[string]int{"Namespace": len(s.Namespaces), "Pod": len(s.Pods), "Secret": len(s.Secrets)}
}

// countUpstreams gives the number of locations with endpoints.
func countUpstreams(t *route.Table) (n int) {
	for _, h := range t.Hosts {
		for _, l := range h.Locations {
			if len(l.Upstream.Endpoints) > 0 {
				n++
			}
		}
	}
	return n
}

// The kinds of Problems: what the owner has to correct.
const (
	kindHosts  = "hosts"  // the hosts annotation
	kindTLS    = "tls"    // the option ssl of a host in it, and its certificate
	kindPaths  = "paths"  // the paths annotation
	kindAuth   = "auth"   // the auth annotation
	kindSecret = "secret" // the Secret with the API key
	kindLabel  = "label"  // a label that routing reads
	kindObject = "object" // anything else of an object
)

// countProblems gives the number of Problems by kind, 0 for a kind without any.
func countProblems(problems []route.Problem, o route.Options) map[string]int {
	count := map[string]int{kindHosts: 0, kindTLS: 0, kindPaths: 0, kindAuth: 0, kindSecret: 0, kindLabel: 0, kindObject: 0}
	for _, p := range problems {
		count[problemKind(p, o)]++
	}
	return count
}

// problemKind tells what a Problem is about. Annotations and labels have the
// names that the Options give; the longest that fits counts, as one name may be
// the beginning of another.
func problemKind(p route.Problem, o route.Options) string {
	if p.Ref.Kind == "Secret" {
		return kindSecret
	}
	kind, longest := kindObject, ""
	for _, c := range []struct{ name, kind string }{
		{o.HostsAnnotation, kindHosts},
		{o.PathsAnnotation, kindPaths},
		{o.AuthAnnotation, kindAuth},
		{o.OrgLabel, kindLabel},
		{o.EnvLabel, kindLabel},
		{o.AppNameLabel, kindLabel},
		{o.AppRevLabel, kindLabel},
	} {
		place, fits := strings.CutPrefix(p.Key, c.name)
		if fits && len(c.name) > len(longest) && (place == "" || c.kind != kindLabel && strings.ContainsAny(place[:1], "[.")) {
			kind, longest = c.kind, c.name
		}
	}
	if kind == kindHosts && aboutTLS(p.Key[len(longest):]) {
		return kindTLS
	}
	return kind
}

// aboutTLS reports whether a place in the hosts annotation is in the option ssl of
// a host: ["the host"].ssl.certificate, for example. A host's name may hold anything.
func aboutTLS(place string) bool {
	_, inside, found := strings.Cut(place, "[")
	host, err := strconv.QuotedPrefix(inside)
	if !found || err != nil {
		return false
	}
	_, option, _ := strings.Cut(inside[len(host):], "]") // the name may have been cut, and then that is said
	return option == ".ssl" || strings.HasPrefix(option, ".ssl.")
}
