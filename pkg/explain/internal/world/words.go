package world

import (
	"fmt"
	"strings"

	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/challenge"
	"github.com/30x/dispatcher/pkg/route/policy"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Since is since when somebody has been ready, to be appended; "" if that is not known.
func (w *World) Since(unix int64) string {
	if unix == 0 {
		return ""
	}
	return ", ready since " + w.Time(unix)
}

// Waits says why somebody gets no requests, and what to do.
func (w *World) Waits(c *policy.Candidate) string {
	look := "see kubectl describe pod " + c.Ref.Name + " --namespace=" + c.Ref.Namespace
	switch {
	case c.Serves:
		return "could serve, but another object of its Namespace serves the path: see the problems"
	case c.Ref.Kind != "Pod":
		return "is not ready: correct it at its source, or its condition in " + c.Ref.String()
	case c.Deleting:
		return "is being deleted"
	case !c.Reachable:
		return "is not running, or has no address yet: " + look
	case c.UnreadySince != 0:
		return "is not ready since " + w.Time(c.UnreadySince) + ": " + look
	case c.ReadySince == 0:
		return "is not ready: " + look
	}
	return "is ready, but not among the Service's ready endpoints: " + look
}

// NobodyServes is why a path has no location where endpoints stand in the text.
const NobodyServes = "none of its Pods serves"

// Fate says why a path of a host is not in the Table for a Namespace that asks for it,
// and whether somebody else has it.
func Fate(v *route.VirtualHost, namespace string, k table.Key) (why string, lost bool) {
	switch {
	case v == nil:
		return "the host is not served: see the problems for what to correct", false
	case v.Refused && v.Owner.Name == namespace:
		return "the host is not served, since what is asked for it can't be met: see the problems for what to correct", false
	case v.Refused:
		return fmt.Sprintf("the host is not served: Namespace %s owns it (it was created first), and what it asks for the host can't be met; ask its team to correct it, or take another host", v.Owner.Name), true
	}
	for _, l := range v.Locations { // both kinds of match are one path here, with and without a slash
		if l.From.Name != namespace && strings.TrimSuffix(l.Path.String(), "/") == strings.TrimSuffix(k.Path, "/") {
			return fmt.Sprintf("Namespace %s, created first, has the path: take another path, or another host", l.From.Name), true
		}
	}
	if v.Owner.Name != namespace && challenge.Reserved(k) {
		return fmt.Sprintf("Namespace %s owns the host (it was created first), and who answers there gets certificates for it: take another path, or another host", v.Owner.Name), true
	}
	for _, ns := range v.From {
		if ns.Name == namespace {
			return NobodyServes, false
		}
	}
	return fmt.Sprintf("Namespace %s owns the host (it was created first), and does not share it in this way: see the problems for what to correct, or take another host", v.Owner.Name), true
}

// Covers reports whether a declared path covers a request's.
func Covers(k table.Key, path string) bool {
	return k.Path == path || k.Match == value.Prefix && (k.Path == "/" || strings.HasPrefix(path, k.Path+"/"))
}
