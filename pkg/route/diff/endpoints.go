package diff

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/table"
)

// identity tells one endpoint of an upstream from the others. That of a Pod outlives its
// address.
type identity struct {
	pod  cluster.Ref
	addr netip.AddrPort // zero for a Pod
	nth  int            // of those of the same Pod
}

func identities(endpoints []table.Endpoint) []identity {
	out, seen := make([]identity, len(endpoints)), make(map[identity]int, len(endpoints))
	for i, e := range endpoints {
		id := identity{pod: e.Pod}
		if e.Pod.Kind != "Pod" {
			id.addr = e.Addr
		}
		out[i] = id
		out[i].nth = seen[id]
		seen[id]++
	}
	return out
}

// endpoints compares who serves.
func (d *differ) endpoints(n *notes, before, after *table.Upstream) {
	was, is := before.Endpoints, after.Endpoints
	if slices.Equal(was, is) {
		return
	}
	ids, others := identities(was), identities(is)
	old := make(map[identity]table.Endpoint, len(was))
	for i, id := range ids {
		old[id] = was[i]
	}
	var come []cluster.Ref
	gone := len(was)
	moved := &tally{}
	for i, id := range others {
		e, known := old[id]
		if !known {
			come = append(come, id.pod)
			continue
		}
		gone--
		moved.compare(e, is[i], d.AnyAddress)
	}
	if len(come) > 0 {
		n.come(Endpoints, "+"+inPods(len(come)), come)
	}
	if gone > 0 {
		n.note(Endpoints, "-%s", inPods(gone))
	}
	moved.tell(n)
	if len(come)+gone == 0 && !d.AnyAddress && !slices.Equal(ids, others) {
		n.note(Endpoints, "its pods come in another order")
	}
}

// tally sums up what differs of the Pods that stay, in the order in which it was met.
type tally struct {
	words []string
	pods  map[string]int
}

func (t *tally) add(what string) {
	if t.pods == nil {
		t.pods = map[string]int{}
	}
	if t.pods[what]++; t.pods[what] == 1 {
		t.words = append(t.words, what)
	}
}

func (t *tally) compare(was, is table.Endpoint, anyAddress bool) {
	if was.Pod != is.Pod {
		t.add("another pod")
	}
	if was.Weight != is.Weight {
		t.add("weight " + weight(was.Weight, is.Weight) + "→" + weight(is.Weight, was.Weight))
	}
	if was.Addr.Port() != is.Addr.Port() {
		t.add("port " + strconv.Itoa(int(was.Addr.Port())) + "→" + strconv.Itoa(int(is.Addr.Port())))
	}
	if was.Addr.Addr() != is.Addr.Addr() && !anyAddress {
		t.add("another address")
	}
	if was.AppName != is.AppName || was.AppRev != is.AppRev {
		t.add("other labels")
	}
}

// weight writes one that may not be set, which counts as 1.
func weight(w, beside int) string {
	if w == 0 && beside == 1 {
		return "unset"
	}
	return strconv.Itoa(max(w, 1))
}

func (t *tally) tell(n *notes) {
	for _, what := range t.words {
		if pods := t.pods[what]; pods > 1 {
			what += " of " + inPods(pods)
		}
		n.note(Endpoints, "%s", what)
	}
}
