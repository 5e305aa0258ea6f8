package limits

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/route"
)

// two Namespaces want the same host, and the older one's Pod may have gone.
func two(released bool) []metav1.Object {
	objects := []metav1.Object{
		namespace("a", 1, `{"www.example": {}, "a.example": {}}`), serving("a", "web", one),
		namespace("b", 2, `{"www.example": {}}`), serving("b", "web", `[{"basePath": "/b", "containerPort": 80}]`),
	}
	if released {
		objects[0] = namespace("a", 1, `{"a.example": {}}`)
	}
	return objects
}

func owners(table *route.Table, host string) (all []string) {
	if v := table.Named(host); v != nil {
		for _, l := range v.Locations {
			all = append(all, l.From.Name+l.Path.String())
		}
	}
	return all
}

// With HOST_POLICY=exclusive the Namespace created first has all of a host. Both sides are
// told, and what is released is free at once.
func TestExclusiveHosts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		settings string
		released bool
		want     string
		told     []string
	}{
		{"", false, "[a/ b/b]", nil},
		{"HOST_POLICY=exclusive", false, "[a/]", []string{
			`Namespace/b: ` + prefix + `hosts["www.example"]: the host www.example is not served for it: Namespace a owns it (it was created first), and no host is shared (HOST_POLICY)`,
			`Namespace/a: ` + prefix + `hosts["www.example"]: Namespace b, created later, declares the host www.example, too; it is not served for that Namespace`,
		}},
		{"HOST_POLICY=exclusive", true, "[b/b]", nil},
	} {
		table, problems := build(t, c.settings, two(c.released)...)
		if got := fmt.Sprint(owners(table, "www.example")); got != c.want {
			t.Errorf("%s, released %t: %s is served, want %s", c.settings, c.released, got, c.want)
		}
		begins(t, problems, c.told)
	}
}

func begins(t *testing.T, problems []route.Problem, want []string) {
	t.Helper()
	if len(problems) != len(want) {
		t.Fatalf("it is told: %v", problems)
	}
	for i, p := range problems {
		if !strings.HasPrefix(p.String(), want[i]) {
			t.Errorf("it is told\n %s\nwant it to begin with\n %s", p, want[i])
		}
	}
}

// An exact name below another Namespace's wildcard is a host of its own, also where hosts
// are exclusive.
func TestExclusiveWildcard(t *testing.T) {
	t.Parallel()
	table, problems := build(t, "HOST_POLICY=exclusive", namespace("a", 1, `{"*.example.com": {}}`), serving("a", "web", one),
		namespace("b", 2, `{"www.example.com": {}}`), serving("b", "web", one))
	if got := fmt.Sprint(owners(table, "*.example.com"), owners(table, "www.example.com"), problems); got != "[a/] [b/] []" {
		t.Error(got)
	}
}

// Who has a host is told of others that want it, but is not flooded by them; and neither
// side is told more of the other than its name.
func TestWinnersAreNotFlooded(t *testing.T) {
	t.Parallel()
	objects := []metav1.Object{namespace("winner", 1, `{"www.example": {}}`), serving("winner", "private-pod", `[{"basePath": "/", "containerPort": 80}, {"basePath": "/private", "containerPort": 80}]`)}
	for i := range 30 {
		name := fmt.Sprintf("loser-%02d", i)
		objects = append(objects, namespace(name, int64(10+i), `{"www.example": {}}`), serving(name, "other-pod", one))
	}
	_, problems := build(t, "", objects...)
	told := slices.DeleteFunc(slices.Clone(problems), func(p route.Problem) bool { return p.Ref.Name != "winner" })
	if len(told) != 21 || len(problems) != 51 || !strings.Contains(told[20].Reason, "10 times more") {
		t.Fatalf("the winner is told %d of %d, at last %s", len(told), len(problems), told[len(told)-1])
	}
	for _, p := range problems {
		if text := p.String(); strings.Contains(text, "private") || strings.Contains(text, "other-pod") {
			t.Errorf("it leaks: %s", text)
		}
	}
}

func allowed(data ...string) *corev1.ConfigMap {
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "edge", Name: "hosts"}, Data: map[string]string{}}
	for i := 0; i < len(data); i += 2 {
		m.Data[data[i]] = data[i+1]
	}
	return m
}

// A Namespace has a host only if the operator's list allows it, whatever object declares
// it, and one that may not use a host doesn't own it.
func TestAllowedHosts(t *testing.T) {
	t.Parallel()
	world := func(list ...metav1.Object) []metav1.Object {
		return append(list,
			namespace("a", 1, `{"www.example.com": {}, "*.a.example.com": {}}`), serving("a", "web", one),
			words("a", "words", "words.example.com", "80:/"), service("a"), ingress("a", "i", []string{"ingress.example.com", ""}, []string{"/"}),
			namespace("b", 2, `{"www.example.com": {}}`), serving("b", "web", one))
	}
	const settings = "ALLOWED_HOSTS=edge/hosts OVERRIDES=none POD_HOSTS=open DEFAULT_NAMESPACE=a"
	for name, c := range map[string]struct {
		list   []metav1.Object
		served string // hosts and their owners
		told   int
	}{
		"all":             {[]metav1.Object{allowed("_others", "*")}, "=a *.a.example.com=a ingress.example.com=a words.example.com=a www.example.com=a", 2}, // b wants the same
		"missing":         {nil, "", 7},
		"nothing":         {[]metav1.Object{allowed()}, "", 6},
		"empty":           {[]metav1.Object{allowed("a", "", "_others", "*")}, "www.example.com=b", 5},
		"by name":         {[]metav1.Object{allowed("b", "WWW.example.com.", "a", "words.example.com")}, "words.example.com=a www.example.com=b", 4},
		"all below":       {[]metav1.Object{allowed("a", "*.example.com")}, "*.a.example.com=a ingress.example.com=a words.example.com=a www.example.com=a", 2},
		"wildcards below": {[]metav1.Object{allowed("a", "*.a.example.com")}, "*.a.example.com=a", 5},
		"not the parent":  {[]metav1.Object{allowed("a", "*.www.example.com")}, "", 6},
		"a bad pattern":   {[]metav1.Object{allowed("a", "words.example.com *x* ~.* ingress.example.com")}, "ingress.example.com=a words.example.com=a", 6},
		"another's list":  {[]metav1.Object{&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "hosts"}, Data: map[string]string{"a": "*"}}}, "", 7},
		"a long list":     {[]metav1.Object{allowed("b", strings.Repeat("x.example.com ", 10_000)+"www.example.com")}, "www.example.com=b", 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, problems := build(t, settings, world(c.list...)...)
			var served []string
			for _, h := range table.Hosts {
				served = append(served, h.Name.String()+"="+h.Owner.Name)
			}
			if got := strings.Join(served, " "); got != c.served {
				t.Errorf("served are %s, want %s", got, c.served)
			}
			if len(problems) != c.told {
				t.Errorf("%d are told, want %d: %v", len(problems), c.told, problems)
			}
			for _, p := range problems {
				if (p.Ref.Namespace == "a" || p.Ref.Kind == "Namespace") && !strings.Contains(p.Reason, "the operator's list (ConfigMap edge/hosts)") && name != "all" {
					t.Errorf("it is told: %s", p)
				}
			}
		})
	}
}

// A host that a Namespace may not use is none of those that it may have.
func TestRefusedHostsDontCount(t *testing.T) {
	t.Parallel()
	table, _ := build(t, "ALLOWED_HOSTS=edge/hosts MAX_HOSTS_PER_NAMESPACE=2", allowed("t", "*.mine.example"), service("t"),
		namespace("t", 1, `{"other.example": {}, "a.mine.example": {}}`), serving("t", "web", one), ingress("t", "i", []string{"b.mine.example"}, []string{"/"}))
	if n := table.Counts().Hosts; n != 2 {
		t.Errorf("%d hosts are served", n)
	}
}
