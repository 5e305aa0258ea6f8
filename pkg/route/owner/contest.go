package owner

import (
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/value"
)

// contests are what later Namespaces declare although an older one has it, in the order
// in which it was found out: that of the later Namespaces' age.
type contests struct {
	found map[contest]*outcome
	order []contest
}

// contest is a host, or some of its paths, that two Namespaces want.
type contest struct {
	winner cluster.Ref
	host   value.Host
	loser  string
}

type outcome struct {
	place string // where the winner declares the host
	whole bool   // nothing of the host is served for the loser
	paths int    // else so many paths are not
}

func (c *contests) of(winner cluster.Ref, state *host, loser cluster.Ref) *outcome {
	k := contest{winner, state.vhost.Name, loser.Name}
	if c.found == nil {
		c.found = map[contest]*outcome{}
	}
	if c.found[k] == nil {
		c.found[k] = &outcome{place: state.places[winner.Name]}
		c.order = append(c.order, k)
	}
	return c.found[k]
}

func (c *contests) whole(winner cluster.Ref, state *host, loser cluster.Ref) {
	c.of(winner, state, loser).whole = true
}

func (c *contests) path(winner cluster.Ref, state *host, loser cluster.Ref) {
	c.of(winner, state, loser).paths++
}

// TellWinners tells the Namespaces that have what others want, too. It is called once,
// after the last Add.
func (h *Hosts) TellWinners() {
	told := map[cluster.Ref]int{}
	var winners []cluster.Ref
	for _, k := range h.contests.order {
		o := h.contests.found[k]
		if told[k.winner]++; told[k.winner] == 1 {
			winners = append(winners, k.winner)
		}
		if told[k.winner] > limit.Contests {
			continue
		}
		name := "the host " + k.host.String()
		if k.host == (value.Host{}) {
			name = "the hosts that nobody declares"
		}
		switch {
		case o.whole:
			h.report(k.winner, o.place, nil, "Namespace %s, created later, declares %s, too; it is not served for that Namespace, and nothing changes for this one", k.loser, name)
		case o.paths == 1:
			h.report(k.winner, o.place, nil, "Namespace %s, created later, declares a path that this one serves of %s, too; it is not served for that Namespace, and nothing changes for this one", k.loser, name)
		default:
			h.report(k.winner, o.place, nil, "Namespace %s, created later, declares %d paths that this one serves of %s, too; they are not served for that Namespace, and nothing changes for this one", k.loser, o.paths, name)
		}
	}
	for _, ns := range winners {
		if n := told[ns] - limit.Contests; n > 0 {
			h.report(ns, "metadata.name", nil, "later Namespaces declare what this one serves %d times more; that is not served for them, and nothing changes for this one", n)
		}
	}
}
