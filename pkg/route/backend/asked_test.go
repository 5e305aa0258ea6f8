package backend

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/value"
)

// words are the options that are set, and what else holds.
func words(a Asked) string {
	var out []string
	for _, f := range option.Fields() {
		if text := f.Text(a.Options); text != "" && f.Name != "allowSourceRanges" {
			out = append(out, f.Name+"="+text)
		}
	}
	if s := a.Clients.Sources(); s != nil {
		out = append(out, fmt.Sprint("clients=", s))
	}
	if a.Unserved {
		out = append(out, "unserved")
	}
	return strings.Join(out, " ")
}

var ref = cluster.Ref{Kind: "Ingress", Namespace: "shop", Name: "i"}

// What can't be read is left out, told with its key, and closes what it may have
// protected. DESIGN rule 8.
func TestRead(t *testing.T) {
	const nobody = "clients=[0.0.0.0/32]"
	for _, c := range []struct {
		annotations map[string]string
		want, told  string
	}{
		{map[string]string{"x/balance": "random", "y/balance": "least_conn", "balance": "least_conn"}, "balance=random", ""},
		{map[string]string{"x/policy": "one", "x/readyGrace": "10s", "x/auth": "required"}, "policy=one readyGrace=10s auth=required", ""},
		{map[string]string{"x/allowSourceRanges": "1.2.3.4/32, 10.0.0.0/8"}, "clients=[1.2.3.4/32 10.0.0.0/8]", ""},
		{map[string]string{"x/allowSourceRanges": "1.2.3.4/33"}, nobody, `x/allowSourceRanges: all requests are answered with 403: "1.2.3.4/33" is not`},
		{map[string]string{"x/allowSourceRanges": ""}, nobody, `x/allowSourceRanges: all requests are answered with 403: "" is not`},
		{map[string]string{"x/auth": "no"}, "auth=required", `x/auth: an API key is demanded: "no" is unknown`},
		{map[string]string{"x/policy": "On"}, "unserved", `x/policy: all requests are answered with 503: "On" is not a policy`},
		{map[string]string{"x/backendProtocol": "https", "x/backendHost": "API.example.com."}, "backendProtocol=https backendHost=api.example.com", ""},
		{map[string]string{"x/backendProtocol": "HTTPS"}, "unserved", `x/backendProtocol: all requests are answered with 503: "HTTPS" is not a protocol`},
		{map[string]string{"x/backendProtocol": "https", "x/backendHost": "*.example.com"}, "backendProtocol=https unserved", `x/backendHost: all requests are answered with 503: "*.example.com" is not the name of one host`},
		{map[string]string{"x/backendHost": "10.0.0.1"}, "unserved", `x/backendHost: all requests are answered with 503: "10.0.0.1" is not the name`},
		{map[string]string{"x/maxBodySize": "lots", "x/readTimeout": "5m"}, "readTimeout=300s", `x/maxBodySize: the option is ignored: "lots"`},
		{map[string]string{"x/timeout": "5m", "x/hosts": "{}"}, "", "x/timeout: the option is ignored: it is unknown; known are targetPath, "},
		{map[string]string{"x/allowSourceRange": "10.0.0.0/8"}, nobody, "x/allowSourceRange: all requests are answered with 403: it is unknown"},
		{map[string]string{"x/allowSourceRange": "10.0.0.0/8", "x/allowSourceRanges": "10.0.0.0/8"}, nobody, "x/allowSourceRange: all requests are answered with 403: it is unknown"},
		{map[string]string{"x/a\nb": ""}, "", `x/"a\nb": the option is ignored`},
	} {
		a, notes := Read(ref, c.annotations, Options{Prefix: "x/", Known: []string{"x/hosts"}})
		told := ""
		for _, n := range notes {
			told += n.Key + ": " + n.Reason
		}
		if got := words(a); got != c.want || !strings.HasPrefix(told, c.told) || (c.told == "") != (told == "") {
			t.Errorf("%q gives %s\n%s\nwant %s\n%s", c.annotations, got, told, c.want, c.told)
		}
	}
}

// Option by option the Ingress counts, and protections of both.
func TestOver(t *testing.T) {
	read := func(text string) Asked {
		annotations := map[string]string{}
		for _, field := range strings.Fields(text) {
			name, v, _ := strings.Cut(field, "=")
			annotations["x/"+name] = v
		}
		a, _ := Read(ref, annotations, Options{Prefix: "x/"})
		return a
	}
	for _, c := range []struct{ ingress, service, want string }{
		{"balance=random", "balance=least_conn readTimeout=5s", "balance=random readTimeout=5s"},
		{"", "policy=one", "policy=one"},
		{"policy=balance", "policy=one", "policy=balance"}, // the default can be asked for
		{"balance=wrong", "balance=least_conn", "balance=least_conn"},
		{"policy=one", "policy=wrong", "policy=one"},
		{"", "policy=wrong", "unserved"},
		{"policy=wrong", "policy=one", "unserved"},
		{"backendProtocol=http", "backendProtocol=https", "backendProtocol=http"},
		{"backendProtocol=https", "backendProtocol=wrong", "backendProtocol=https"},
		{"policy=one", "backendProtocol=wrong", "policy=one unserved"}, // each by its own
		{"backendProtocol=https backendHost=a.example", "backendHost=b.example policy=wrong", "backendProtocol=https backendHost=a.example unserved"},
		{"", "auth=required", "auth=required"},
		{"auth=required", "", "auth=required"},
		{"auth=wrong", "auth=required", "auth=required"},
		{"allowSourceRanges=10.0.0.0/8", "", "clients=[10.0.0.0/8]"},
		{"", "allowSourceRanges=10.0.0.0/8", "clients=[10.0.0.0/8]"},
		{"allowSourceRanges=10.0.0.0/8", "allowSourceRanges=10.1.0.0/16,192.0.2.0/24", "clients=[10.1.0.0/16]"},
		{"allowSourceRanges=10.0.0.0/8", "allowSourceRanges=192.0.2.0/24", "clients=[0.0.0.0/32]"},
		{"allowSourceRanges=wrong", "allowSourceRanges=192.0.2.0/24", "clients=[0.0.0.0/32]"},
		{"allowSourceRanges=10.0.0.0/8", "allowSourceRanges=wrong", "clients=[0.0.0.0/32]"},
	} {
		over := read(c.ingress).Over(read(c.service))
		if got := words(over); got != c.want {
			t.Errorf("%q over %q gives %q, want %q", c.ingress, c.service, got, c.want)
		}
		if got, want := over.Sets("balance"), c.want != "" && strings.Contains(c.ingress+c.service, "balance="); c.ingress != "balance=wrong" && got != want {
			t.Errorf("%q over %q sets balance: %v", c.ingress, c.service, got)
		}
	}
	if got := read("readTimeout=5s").Over(Asked{}); got.ReadTimeout != 5 || !got.Sets("readTimeout") {
		t.Errorf("over nothing: %+v", got)
	}
}

// EF4: who both lets in.
func TestClients(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8"},
		{"10.0.0.0/8 192.0.2.0/24", "10.1.0.0/16 10.1.2.3/32 0.0.0.0/0", "10.0.0.0/8 10.1.0.0/16 10.1.2.3/32 192.0.2.0/24"},
		{"10.0.0.0/8", "11.0.0.0/8 2001:db8::/32", ""},
		{"0.0.0.0/0", "::/0", ""},
		{"2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::/48"},
		{"", "10.0.0.0/8", ""},
	} {
		for _, both := range []Clients{Only(prefixes(strings.Fields(c.a)...)).And(Only(prefixes(strings.Fields(c.b)...))), Only(prefixes(strings.Fields(c.b)...)).And(Only(prefixes(strings.Fields(c.a)...)))} {
			if got := fmt.Sprint(both.networks); got != "["+c.want+"]" || both.Nobody() != (c.want == "") {
				t.Errorf("%s and %s: %s, want %s", c.a, c.b, got, c.want)
			}
		}
	}
	everybody, some := Clients{}, Only(prefixes("10.0.0.0/8"))
	if everybody.Sources() != nil || everybody.And(everybody).Sources() != nil || len(everybody.And(some).Sources()) != 1 || len(some.And(everybody).Sources()) != 1 || everybody.Nobody() {
		t.Error("everybody narrows something")
	}
	nobody := Only(nil)
	if !nobody.And(everybody).Nobody() || !everybody.And(nobody).Nobody() || len(nobody.Sources()) != 1 || nobody.Sources()[0].Contains(netip.MustParseAddr("10.0.0.1")) {
		t.Error("nobody lets somebody in")
	}
}

// EX4: spec.loadBalancerSourceRanges, which Kubernetes enforces for its own load
// balancers alone; what is no network lets nobody in.
func TestSourceRanges(t *testing.T) {
	most := strings.TrimPrefix(strings.Repeat(", 10.0.0.1", maxRanges), ", ")
	many := strings.Repeat("10.0.0.1, ", maxRanges) + "10.0.0.2"
	for ranges, want := range map[string]string{
		"":                               "[] 0",
		"1.2.3.4/32":                     "[1.2.3.4/32] 0",
		"' 1.2.3.4/32 ', 10.9.8.7/8":     "[1.2.3.4/32 10.0.0.0/8] 0",
		"1.2.3.4, '2001:db8::/32'":       "[1.2.3.4/32 2001:db8::/32] 0",
		"1.2.3.4/33, 10.0.0.0/8":         "[10.0.0.0/8] 1",
		"1.2.3.4k, '::ffff:1.2.3.4/120'": "[0.0.0.0/32] 2",
		most:                             "[10.0.0.1/32] 0",
		many:                             "[0.0.0.0/32] 1",
	} {
		s := world(t, service("s", byHand+", selector: {a: b}, loadBalancerSourceRanges: ["+ranges+"]"))
		b, notes := New(s, Options{Prefix: prefix}).Find("shop", "s", "", 80)
		if got := fmt.Sprint(b.Asked.Clients.Sources(), len(notes)); got != want {
			t.Errorf("%.40s: %s, want %s: %v", ranges, got, want, notes)
		}
		for _, n := range notes {
			if n.Ref.String() != "Service/shop/s" || n.Key != "spec.loadBalancerSourceRanges" {
				t.Errorf("%+v", n)
			}
		}
	}
}

// The annotations of a Service are read once, and narrow what its ranges say.
func TestServiceAnnotations(t *testing.T) {
	o := strings.Replace(service("s", byHand+", selector: {a: b}, loadBalancerSourceRanges: [10.0.0.0/8]"), "name: s}", "name: s, annotations: {example.com/allowSourceRanges: '10.1.0.0/16,192.0.2.1', example.com/policy: one, example.com/misspelt: text, other: text}}", 1)
	f := New(world(t, o), Options{Prefix: prefix})
	b, notes := f.Find("shop", "s", "", 80)
	if got, want := words(b.Asked), "policy=one clients=[10.1.0.0/16]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(notes) != 1 || notes[0].Key != prefix+"misspelt" || notes[0].Ref != b.Service || b.Asked.Policy != value.PolicyOne {
		t.Errorf("%v", notes)
	}
}
