package fuzz

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/diff"
	"github.com/30x/dispatcher/pkg/route/healthcheck"
	"github.com/30x/dispatcher/pkg/route/value"
	"github.com/30x/dispatcher/test/internal/corridor"
)

// others are second values of types that only a constructor makes, and of words of which
// there are few.
func others(t *testing.T) map[reflect.Type]any {
	t.Helper()
	ca := pki.NewAuthority(t, "other")
	chain, key := ca.Server(t, []string{"a.example"})
	out := map[reflect.Type]any{}
	for _, v := range []any{
		must(value.ParseHost("other.example")), must(value.ParsePath("/other")), value.Exact, must(value.ParseLabel("other")), must(value.ParseSize("9m")),
		must(value.NewKey([]byte("other"))), value.Random, must(value.ParseCookie("other")), value.PolicyOne, must(value.ParseKeySource("arg:other")),
		value.WhenDown("next"), must(value.ParseOverrideKey("other")), value.Port(99), healthcheck.TCP, netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParseAddrPort("192.0.2.1:9"), must(certificate.NewPair([]byte(chain), []byte(key))), must(certificate.NewBundle([]byte(ca.PEM()))),
	} {
		out[reflect.TypeOf(v)] = v
	}
	return out
}

// mutate calls try for each way in which one exported field below v can differ, with
// its name; v is as before when it returns.
func mutate(t *testing.T, v reflect.Value, name string, others map[reflect.Type]any, try func(name string)) {
	t.Helper()
	set := func(to reflect.Value) {
		was := reflect.New(v.Type()).Elem()
		was.Set(v)
		v.Set(to)
		try(name)
		v.Set(was)
	}
	if other, ok := others[v.Type()]; ok {
		set(reflect.ValueOf(other))
		if v.Kind() == reflect.Pointer {
			return
		}
		set(reflect.Zero(v.Type()))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			mutate(t, v.Elem(), name, others, try)
		}
		if slices.Contains([]string{"VirtualHost.TLS", "TLS.Clients", "Upstream.HealthCheck", "Upstream.Keyed", "Member.Endpoint"}, name) {
			set(reflect.Zero(v.Type())) // elsewhere there is always something
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				mutate(t, v.Field(i), v.Type().Name()+"."+f.Name, others, try)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			mutate(t, v.Index(i), name, others, try)
		}
		if v.Len() > 0 && name != "Keyed.Members" { // others point to these by number
			set(v.Slice(0, v.Len()-1))
		}
	case reflect.Bool:
		set(reflect.ValueOf(!v.Bool()).Convert(v.Type()))
	case reflect.Int, reflect.Int64:
		if name != "Slot.Member" && name != "Override.Member" {
			set(reflect.ValueOf(v.Int() + 1).Convert(v.Type()))
		}
	case reflect.String:
		set(reflect.ValueOf(v.String() + "x").Convert(v.Type()))
	default:
		t.Errorf("%s is of type %s: say in others how it can differ", name, v.Type())
	}
}

// richTable has something in every field that nginx.conf shows.
func richTable(t *testing.T) (table *route.Table, crt, key string) {
	t.Helper()
	ca := pki.NewAuthority(t, "rich")
	chain, private := ca.Server(t, []string{"a.example"})
	folder := t.TempDir()
	crt, key = filepath.Join(folder, "crt"), filepath.Join(folder, "key")
	for name, text := range map[string]string{crt: chain, key: private} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ns := cluster.Ref{Kind: "Namespace", Name: "shop"}
	label := must(value.ParseLabel("one"))
	endpoint := func(name string, last byte) route.Endpoint {
		return route.Endpoint{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, last}), 80), Weight: 2, ReadySince: 7, AppName: label, AppRev: label,
			Pod: cluster.Ref{Kind: "Pod", Namespace: "shop", Name: name}}
	}
	location := func(path string) *route.Location {
		return &route.Location{
			Path: must(value.ParsePath(path)), Match: value.Prefix, Target: must(value.ParsePath("/target")), From: ns, Org: label, Env: label,
			Auth: route.Auth{Keys: []value.Key{must(value.NewKey([]byte("one"))), must(value.NewKey([]byte("two")))}}, Sources: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/9")},
			Limits: route.Limits{MaxBody: must(value.ParseSize("1m")), ConnectTimeout: 1, ReadTimeout: 2, SendTimeout: 3}, Backend: route.Backend{HTTPS: true, Host: must(value.ParseHost("back.example"))},
			Upstream: &route.Upstream{Name: "pods" + path[1:], Endpoints: []route.Endpoint{endpoint("web-0", 1), endpoint("web-1", 2)}},
		}
	}
	pair := must(certificate.NewPair([]byte(chain), []byte(private)))
	balanced, hashed := location("/balanced"), location("/hashed")
	balanced.Upstream.Balance, balanced.Upstream.Sticky, balanced.Upstream.SlowStart = value.LeastConn, must(value.ParseCookie("pod")), 30
	balanced.Upstream.HealthCheck = &healthcheck.Check{Type: healthcheck.HTTP, Port: 81, Interval: 1, Timeout: 2, Rise: 3, Fall: 4}
	one, two := endpoint("web-0", 1), endpoint("web-1", 2)
	hashed.Upstream.Policy, hashed.Upstream.Keyed = value.PolicyHash, &route.Keyed{
		Key: must(value.ParseKeySource("host")), WhenDown: "wait",
		Members:   []route.Member{{Upstream: "pods-m0", Identity: "web-0", Endpoint: &one}, {Upstream: "pods-m1", Identity: "web-1", Endpoint: &two}},
		Slots:     []route.Slot{{Units: 4000, Member: 0}, {Units: 5000, Member: 1}, {Units: 1000, Member: 0}},
		Overrides: []route.Override{{Key: must(value.ParseOverrideKey("a")), Member: 0}, {Key: must(value.ParseOverrideKey("b")), Member: 1}},
	}
	return &route.Table{Until: 9, Ingresses: []cluster.Ref{ns}, Hosts: []*route.VirtualHost{
		{Name: must(value.ParseHost("a.example")), Owner: ns, From: []cluster.Ref{ns, {Kind: "Namespace", Name: "blog"}}, Locations: []*route.Location{balanced, hashed},
			TLS: &route.TLS{Pair: pair, Clients: must(certificate.NewBundle([]byte(ca.PEM()))), Redirect: true, Place: "place"}},
		{Name: must(value.ParseHost("b.example")), Owner: ns, From: []cluster.Ref{ns}, Shadowed: true},
	}}, crt, key
}

// TestNoFieldForgotten: whichever exported field of a Table differs, if nginx.conf does, there is
// a Change that says so. A field of a new type must be told how it can differ.
func TestNoFieldForgotten(t *testing.T) {
	second := others(t)
	for _, endpoints := range []string{"reload", "dynamic"} {
		t.Run(endpoints, func(t *testing.T) {
			before, crt, key := richTable(t)
			c, err := corridor.New(nil, "--endpoints="+endpoints, "--ssl-cert="+crt, "--ssl-key="+key)
			if err != nil {
				t.Fatal(err)
			}
			least := diff.Endpoints
			if endpoints == "dynamic" {
				least, c.Params.Dynamic.Room = diff.Structural, 1<<20
			}
			after, _, _ := richTable(t)
			if endpoints == "dynamic" { // which health checks exclude
				before.Hosts[0].Locations[0].Upstream.HealthCheck, after.Hosts[0].Locations[0].Upstream.HealthCheck = nil, nil
			}
			old, err := c.Render(before)
			if err != nil {
				t.Fatal(err)
			}
			after.Hosts[0].TLS = new(*before.Hosts[0].TLS) // certificates are made anew each time
			shown := map[string]bool{}
			mutate(t, reflect.ValueOf(after).Elem(), "Table", second, func(name string) {
				fresh, err := c.Render(after)
				if err != nil {
					return // it can't be served
				}
				shown[name] = shown[name] || !bytes.Equal(old.Conf, fresh.Conf)
				changes := diff.Of(before, after, diff.Options{})
				if !bytes.Equal(old.Conf, fresh.Conf) && !slices.ContainsFunc(changes, func(c diff.Change) bool { return c.Effect >= least }) {
					t.Errorf("%s: nginx.conf differs, and no change says so: %v", name, changes)
				}
			})
			var hidden []string
			for name, ok := range shown {
				if !ok {
					hidden = append(hidden, name)
				}
			}
			slices.Sort(hidden)
			t.Log("shown:", len(shown)-len(hidden), "not in the text:", hidden)
			if len(shown)-len(hidden) < 40 && endpoints == "reload" {
				t.Error(fmt.Sprint("only few fields are in the text: ", shown))
			}
		})
	}
}
