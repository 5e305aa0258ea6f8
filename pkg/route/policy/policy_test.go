package policy

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// options reads "name=value" pairs.
func options(t testing.TB, pairs ...string) (o option.Options) {
	t.Helper()
	for _, p := range pairs {
		name, text, _ := strings.Cut(p, "=")
		f, ok := option.Find(name)
		if !ok {
			t.Fatalf("there is no option %s", name)
		}
		if err := f.Parse(&o, text, limit.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// pod is a candidate that serves since it was created.
func pod(name string, since int64, changes ...func(*Candidate)) Candidate {
	ref := cluster.Ref{Kind: "Pod", Namespace: "a", Name: name}
	c := Candidate{
		Ref: ref, Identity: name, Created: since, ReadySince: since, Serves: true, Reachable: true,
		Endpoint: table.Endpoint{Addr: netip.MustParseAddrPort("10.0.0.1:80"), Pod: ref, ReadySince: since},
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func down(c *Candidate) { c.Serves, c.ReadySince = false, 0 }
func pending(c *Candidate) {
	c.Serves, c.Reachable, c.ReadySince, c.Endpoint = false, false, 0, table.Endpoint{}
}
func deleting(c *Candidate) { c.Serves, c.Deleting = false, true }

func of(set string) func(*Candidate) { return func(c *Candidate) { c.StatefulSet = set } }

func at(address string) func(*Candidate) {
	return func(c *Candidate) { c.Endpoint.Addr = netip.MustParseAddrPort(address) }
}

// apply runs Apply on a new Upstream.
func apply(in Input) (*table.Upstream, []Note, int64) {
	in.Upstream = &table.Upstream{Balance: value.LeastConn, SlowStart: 30, Endpoints: []table.Endpoint{{}}}
	notes, until := Apply(in)
	return in.Upstream, notes, until
}

// KF1, KX4, KX5: without a policy all that serve get requests; with one, one does, or none.
func TestApply(t *testing.T) {
	t.Parallel()
	pods := []Candidate{pod("a", 30, down), pod("b", 20), pod("c", 10), pod("d", 5, deleting), pod("e", 1, pending)}
	for _, test := range []struct {
		policy string
		pods   []Candidate
		want   string
	}{
		{"balance", pods, "[b c]"}, {"balance", nil, "[]"},
		{"one", pods, "[c]"}, {"one", pods[:1], "[]"}, {"one", pods[3:], "[]"}, {"one", nil, "[]"},
		{"hash", pods, "[b c]"}, {"hash", pods[:1], "[]"},
	} {
		o := options(t, "policy="+test.policy)
		if o.Policy == value.PolicyHash {
			o = options(t, "policy=hash", "key=arg:k")
		}
		up, notes, until := apply(Input{Options: o, Candidates: test.pods})
		got := []string{}
		for _, e := range up.Endpoints {
			got = append(got, e.Pod.Name)
		}
		if fmt.Sprint(got) != test.want || len(notes) > 0 || until != 0 {
			t.Errorf("%s of %d Pods: %v, %v, %d; want %s", test.policy, len(test.pods), got, notes, until, test.want)
		}
		if balances := up.Balance != "" && up.SlowStart != 0; balances != (test.policy == "balance") || (up.Keyed != nil) != (test.policy == "hash") || up.Policy != o.Policy {
			t.Errorf("%s: %+v", test.policy, up)
		}
	}
}

// KX2: what has no effect is told, and by which policy it would have one.
func TestIdleOptions(t *testing.T) {
	t.Parallel()
	all := []string{"readyGrace=10s", "key=host", "whenDown=next", "overrides=pins", "balance=random", "sticky=pod", "slowStart=1m"}
	for policy, want := range map[string]string{
		"balance": "readyGrace:one key:hash whenDown:hash overrides:hash",
		"one":     "key:hash whenDown:hash overrides:hash balance:balance sticky:balance slowStart:balance",
		"hash":    "readyGrace:one balance:balance sticky:balance slowStart:balance",
	} {
		_, notes, _ := apply(Input{Options: options(t, append(all, "policy="+policy)...)})
		var got []string
		for _, n := range notes {
			for _, with := range []string{"balance", "one", "hash"} {
				if n.Reason == fmt.Sprintf("it has no effect with policy %q: write it with policy %q only", policy, with) && n.Ref == (cluster.Ref{}) {
					got = append(got, n.Key+":"+with)
				}
			}
		}
		if strings.Join(got, " ") != want || len(got) != len(notes) {
			t.Errorf("policy %s: %s, of %v; want %s", policy, got, notes, want)
		}
	}
}

// Copies of an Upstream for two hosts have names of their own, which last, and what
// they share stays as it was.
func TestName(t *testing.T) {
	t.Parallel()
	up, _, _ := apply(Input{Options: options(t, "policy=hash", "key=host"), Candidates: []Candidate{pod("a", 1), pod("b", 1)}})
	one, two, balanced := *up, *up, table.Upstream{}
	Name(&one, "x.example", "/")
	Name(&two, "y.example", "/")
	Name(&balanced, "x.example", "/")
	if one.Name != table.UpstreamName("x.example", "/") || balanced.Name != one.Name || balanced.Keyed != nil || up.Name != "" {
		t.Errorf("named %q, %q, and the original %q", one.Name, balanced.Name, up.Name)
	}
	seen := map[string]bool{"": true, one.Name: true, two.Name: true}
	for i := range up.Keyed.Members {
		for _, u := range []table.Upstream{one, two} {
			m := u.Keyed.Members[i]
			if seen[m.Upstream] || m.Identity != up.Keyed.Members[i].Identity || m.Endpoint == nil {
				t.Errorf("%s: %+v", u.Name, m)
			}
			seen[m.Upstream] = true
		}
		if name := up.Keyed.Members[i].Upstream; name != "" {
			t.Errorf("the original's Member is named %s", name)
		}
	}
	if got, want := one.Keyed.Members[0].Upstream, table.UpstreamName("x.example", "/", "member", "a"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What comes in stays as it was.
func TestApplyChangesNothingElse(t *testing.T) {
	t.Parallel()
	input := func() Input {
		return Input{
			Upstream: &table.Upstream{}, Options: options(t, "policy=hash", "key=host", "whenDown=next", "overrides=pins"),
			Candidates: []Candidate{pod("web-0", 1, of("web")), pod("web-1", 1, of("web"), down, func(c *Candidate) { c.WasReady = []cluster.Span{{From: 1, To: 2}} })},
			Overrides:  &cluster.ConfigMap{Data: map[string]string{"k": "web-0", "l": "nobody"}},
			Sets:       map[string]*cluster.StatefulSet{"web": {Replicas: 3}},
		}
	}
	in, want := input(), input()
	if notes, _ := Apply(in); len(notes) != 1 {
		t.Errorf("%v", notes)
	}
	in.Upstream, want.Upstream = nil, nil
	if !reflect.DeepEqual(in, want) {
		t.Errorf("%+v, want %+v", in, want)
	}
}

// The order of the Pods decides nothing but the order of the endpoints.
func TestOrderOfPods(t *testing.T) {
	t.Parallel()
	pods := []Candidate{pod("a", 3), pod("b", 3), pod("c", 4, down), pod("d", 2, pending)}
	back := slices.Clone(pods)
	slices.Reverse(back)
	for _, o := range []option.Options{options(t, "policy=one"), options(t, "policy=hash", "key=host"), options(t, "policy=hash", "key=host", "whenDown=next")} {
		one, _, _ := apply(Input{Options: o, Candidates: pods})
		two, _, _ := apply(Input{Options: o, Candidates: back})
		if !reflect.DeepEqual(one.Keyed, two.Keyed) || o.Policy == value.PolicyOne && !reflect.DeepEqual(one.Endpoints, two.Endpoints) {
			t.Errorf("%s: %+v in one order, %+v in the other", o.Policy, one, two)
		}
	}
}
