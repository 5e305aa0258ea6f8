// Package policy decides which Pods of a path serve which of its requests, where that
// is asked for: one Pod all of them, or each Pod those of its keys. The options of a
// path and the Pods that declare it enter; an Upstream's endpoints and table of keys
// leave, and Notes on what can't be done. It never remembers what it decided: any
// number of Dispatchers, restarted or not, decide the same from the same objects.
package policy

import (
	"fmt"
	"slices"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Candidate is a Pod, or an address of an EndpointSlice without one, that may serve a
// path. Pods that have finished are none.
type Candidate struct {
	Ref      cluster.Ref
	Identity string // the Pod's name, which outlives its address
	// These are the fields of cluster.Pod; times are Unix seconds, 0 if not told.
	Created, ReadySince, UnreadySince int64
	WasReady                          []cluster.Span
	Deleting                          bool
	Serves                            bool           // ready, running, with an address, not being deleted
	Reachable                         bool           // running, with an address: it may be kept for the grace
	Endpoint                          table.Endpoint // valid if Serves or Reachable
	StatefulSet                       string         // that owns it; "" if none does
}

// Of makes the Candidate that a Pod is at an endpoint.
func Of(p *cluster.Pod, at table.Endpoint) Candidate {
	return Candidate{
		Ref: p.Ref, Identity: p.Name, Created: p.Created, ReadySince: p.ReadySince, UnreadySince: p.UnreadySince, WasReady: p.WasReady,
		Deleting: p.Deleting, Serves: p.Serves(), Reachable: p.Running && p.IP.IsValid(), Endpoint: at, StatefulSet: p.StatefulSet,
	}
}

// Input is all that Apply needs. Nothing in it is changed but the Upstream itself.
type Input struct {
	Upstream   *table.Upstream // its Balance, Sticky and SlowStart are set already
	Options    option.Options
	Candidates []Candidate                     // all Pods that declare the path, by name, whether they serve or not
	Overrides  *cluster.ConfigMap              // that the options name; nil: there is none (yet)
	Sets       map[string]*cluster.StatefulSet // of the Namespace, by name
	Now        int64                           // Unix seconds
	Limits     limit.Limits
}

// Note tells an owner what is wrong with an option or an override.
type Note struct {
	Ref    cluster.Ref // zero: the owner of the path
	Key    string      // the option's name, or "data.KEY" of a ConfigMap
	Reason string      // what is wrong, what happens now, and what to write instead
}

// Apply sets the Upstream's Policy, Endpoints and Keyed, and clears what has no effect
// with its Policy. It returns what the owners should know, and the moment when the
// clock alone will change what was decided, Unix seconds, 0 if it will not. The Upstream
// and its Members are given their names by Name. For balancing, the Endpoints may be there
// already, and no Candidates.
func Apply(in Input) (notes []Note, until int64) {
	up := in.Upstream
	in.Limits = in.Limits.Filled()
	up.Policy, up.Keyed = in.Options.Policy, nil
	notes = idle(in.Options)
	if up.Policy != "" || len(in.Candidates) > 0 {
		up.Endpoints = nil
	}
	if up.Policy != "" {
		up.Balance, up.Sticky, up.SlowStart = "", value.Cookie{}, 0
	}
	switch up.Policy {
	case value.PolicyOne:
		var chosen int
		if chosen, until = Chosen(in.Candidates, in.Options.ReadyGrace, in.Now); chosen >= 0 {
			up.Endpoints = []table.Endpoint{in.Candidates[chosen].Endpoint}
		}
	case value.PolicyHash:
		notes = append(notes, divide(in)...)
	default:
		for i := range in.Candidates {
			if in.Candidates[i].Serves {
				up.Endpoints = append(up.Endpoints, in.Candidates[i].Endpoint)
			}
		}
		notes = append(notes, keep(up, in.Limits)...)
	}
	return notes, until
}

// Name names an Upstream, and those of its Members, by the fields that tell it from
// others. The Upstream may be a copy of another one: what the two share is not changed.
func Name(up *table.Upstream, fields ...string) {
	up.Name = table.UpstreamName(fields...)
	if up.Keyed == nil {
		return
	}
	keyed := *up.Keyed
	keyed.Members = slices.Clone(keyed.Members)
	for i := range keyed.Members {
		m := &keyed.Members[i]
		m.Upstream = table.UpstreamName(slices.Concat(fields, []string{"member", m.Identity})...)
	}
	up.Keyed = &keyed
}

// idle has a Note for each option that has no effect with the policy.
func idle(o option.Options) (notes []Note) {
	for _, asked := range []struct {
		name string
		set  bool
		with value.Policy
	}{
		{"readyGrace", o.ReadyGrace != 0, value.PolicyOne},
		{"key", o.Key != value.KeySource{}, value.PolicyHash},
		{"whenDown", o.WhenDown != "", value.PolicyHash},
		{"overrides", o.Overrides != value.ObjectName{}, value.PolicyHash},
		{"onMove", o.OnMove != "", value.PolicyHash},
		{"balance", o.Balance != "", ""},
		{"sticky", o.Sticky != value.Cookie{}, ""},
		{"slowStart", o.SlowStart != 0, ""},
	} {
		if asked.set && asked.with != o.Policy {
			notes = append(notes, Note{Key: asked.name, Reason: fmt.Sprintf("it has no effect with policy %q: write it with policy %q only", word(o.Policy), word(asked.with))})
		}
	}
	return notes
}

// word is how a policy is written.
func word(p value.Policy) string {
	if p == "" {
		return "balance"
	}
	return string(p)
}
