// Package kinds counts problems by what their owner has to correct, and tells which
// are new. Problems enter; numbers and Problems leave. It never looks at more of one than its object and its key.
package kinds

import (
	"log/slog"
	"strconv"
	"strings"

	"github.com/30x/dispatcher/pkg/route"
)

// The kinds of Problems: what the owner has to correct.
const (
	hosts  = "hosts"  // the hosts annotation
	tls    = "tls"    // the option ssl of a host in it, and its certificate
	paths  = "paths"  // the paths annotation
	auth   = "auth"   // the auth annotation
	secret = "secret" // the Secret with the API key
	label  = "label"  // a label that routing reads
	object = "object" // anything else of an object
)

// Count gives the number of Problems by kind, 0 for a kind without any.
func Count(problems []route.Problem, o route.Options) map[string]int {
	count := map[string]int{hosts: 0, tls: 0, paths: 0, auth: 0, secret: 0, label: 0, object: 0}
	for _, p := range problems {
		count[of(p, o)]++
	}
	return count
}

// of tells what a Problem is about. Annotations and labels have the
// names that the Options give; the longest that fits counts, as one name may be
// the beginning of another.
func of(p route.Problem, o route.Options) string {
	if p.Ref.Kind == "Secret" {
		return secret
	}
	kind, longest := object, ""
	type name struct{ name, kind string }
	names := []name{
		{o.HostsAnnotation, hosts},
		{o.PathsAnnotation, paths},
		{o.AuthAnnotation, auth},
		{o.OrgLabel, label},
		{o.EnvLabel, label},
		{o.AppNameLabel, label},
		{o.AppRevLabel, label},
	}
	if m := o.Microservice; m != nil {
		for _, n := range m.HostsAnnotations {
			names = append(names, name{n, hosts})
		}
		for _, n := range m.PathsAnnotations {
			names = append(names, name{n, paths})
		}
	}
	for _, c := range names {
		place, fits := strings.CutPrefix(p.Key, c.name)
		if fits && len(c.name) > len(longest) && (place == "" || c.kind != label && strings.ContainsAny(place[:1], "[.")) {
			kind, longest = c.kind, c.name
		}
	}
	if kind == hosts && aboutTLS(p.Key[len(longest):]) {
		return tls
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

// News gives the Problems that are new, and one for each place that has none any more.
func News(before, now []route.Problem) (fresh, solved []route.Problem) {
	type place struct{ object, key string }
	known, still := make(map[route.Problem]bool, len(before)), make(map[place]bool, len(now))
	for _, p := range before {
		known[p] = true
	}
	for _, p := range now {
		if !known[p] {
			fresh = append(fresh, p)
		}
		still[place{p.Ref.String(), p.Key}] = true
	}
	for _, p := range before {
		if at := (place{p.Ref.String(), p.Key}); !still[at] {
			still[at] = true // told
			solved = append(solved, p)
		}
	}
	return fresh, solved
}

// Log logs what News gives.
func Log(log *slog.Logger, before, now []route.Problem) {
	fresh, solved := News(before, now)
	for _, p := range fresh {
		log.Warn("problem", "object", p.Ref.String(), "key", p.Key, "reason", p.Reason)
	}
	for _, p := range solved {
		log.Info("problem solved", "object", p.Ref.String(), "key", p.Key)
	}
}
