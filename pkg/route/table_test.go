package route

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// DX12, DX13: names keep their parts apart, and have 128 bits.
func TestUpstreamName(t *testing.T) {
	seen := map[string]string{}
	form := regexp.MustCompile(`^pods-[0-9a-f]{32}$`)
	check := func(fields ...string) {
		t.Helper()
		name, text := table.UpstreamName(fields...), fmt.Sprintf("%q", fields)
		if !form.MatchString(name) {
			t.Errorf("%s is named %s", text, name)
		}
		if seen[name] != "" {
			t.Errorf("%s and %s are both named %s", seen[name], text, name)
		}
		seen[name] = text
	}
	for _, fields := range [][]string{
		{}, {""}, {"", ""}, {"a.co", "m/b"}, {"a.com", "/b"}, {"a.com/b"}, {"a.com", "/b", ""}, {"", "a.com", "/b"}, {"a.com\x00/b"},
		{"\x00\x00\x00\x00\x00\x00\x00\x01a"}, {"a"},
	} {
		check(fields...)
	}
	for i := range 200_000 { // a 32-bit hash collides within 150,000 paths
		check("a.example", fmt.Sprintf("/p%d", i), "prefix")
	}
	// The name must last: with another one nginx loses what it knows of the Pods.
	if got, want := table.UpstreamName("a.example", "/", "prefix"), "pods-8ea6475ba1f44c130ddca209e09d13be"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// testOptions are short names for short tests.
func testOptions() Options {
	return Options{Dispatcher: true, HostsAnnotation: "hosts", PathsAnnotation: "paths", AuthAnnotation: "auth", HealthChecks: true}
}

// one builds a Namespace a with the hosts and Pods that each have the paths.
func one(t *testing.T, hosts string, pods ...func(*corev1.Pod)) (*Table, []Problem) {
	t.Helper()
	in := testOptions().Interest()
	ns, err := cluster.NewNamespace(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a", Annotations: map[string]string{"hosts": hosts}}}, in)
	if err != nil {
		t.Fatal(err)
	}
	snap := &cluster.Snapshot{Namespaces: []*cluster.Namespace{ns}}
	for i, change := range pods {
		p := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: fmt.Sprintf("web-%d", i), Annotations: map[string]string{}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 80}}}}},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.0.0.1", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
		}
		change(p)
		made, err := cluster.NewPod(p, in)
		if err != nil {
			t.Fatal(err)
		}
		snap.Pods = append(snap.Pods, made)
	}
	return Build(snap, testOptions())
}

func withPaths(text string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations["paths"] = text }
}

// DX26: locations are found by path and kind of match.
func TestFindAndCounts(t *testing.T) {
	paths := `[{"basePath": "/", "containerPort": 80}, {"basePath": "/a/", "containerPort": 80}, {"basePath": "/a", "containerPort": 80, "match": "exact"}]`
	table, problems := one(t, `{"b.example": {}, "a.example": {}}`, withPaths(paths), withPaths(paths))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got, want := table.Counts(), (Counts{Hosts: 2, Locations: 6, Endpoints: 12, Upstreams: 6}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	h := table.Hosts[0]
	if h.Name.String() != "a.example" {
		t.Errorf("the first host is %s", h.Name)
	}
	for _, c := range []struct {
		path  string
		match value.Match
		want  bool
	}{{"/", value.Prefix, true}, {"/", value.Exact, false}, {"/a", value.Prefix, true}, {"/a", value.Exact, true}, {"/a/", value.Prefix, false}, {"/b", value.Prefix, false}, {"", value.Prefix, false}} {
		if l := h.Find(c.path, c.match); (l != nil) != c.want || l != nil && (l.Path.String() != c.path || l.Match != c.match) {
			t.Errorf("Find(%s, %s) = %v", c.path, c.match, l)
		}
	}
}

// DF5: an annotation that is the same on many Pods tells each of them.
func TestEachPodIsTold(t *testing.T) {
	bad := withPaths(`[{"basePath": "x", "containerPort": 80}]`)
	_, problems := one(t, `{"a.example": {}}`, bad, bad)
	if len(problems) != 2 || problems[0].Ref == problems[1].Ref || problems[0].Key != "paths[0].basePath" {
		t.Errorf("problems %v", problems)
	}
	if got, want := problems[0].String(), "Pod/a/web-0: paths[0].basePath: "; !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s…", got, want)
	}
}

// Fields with odd names are shown so that they can be found.
func TestUnknownFields(t *testing.T) {
	_, problems := one(t, `{"a.example": {}}`, withPaths(`[{"basePath": "/", "containerPort": 80, "": 1, "a b": 2, "x\n": 3, "plain": 4}]`))
	var keys []string
	for _, p := range problems {
		keys = append(keys, p.Key)
	}
	if got, want := strings.Join(keys, " "), `paths[0]."" paths[0]."a b" paths[0]."x\n" paths[0].plain`; got != want {
		t.Errorf("keys %s, want %s", got, want)
	}
}

// DF31, DX21: a request of a check stays below what nginx takes as one parameter.
func TestLongestCheckRequest(t *testing.T) {
	probe := func(path string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			withPaths(`[{"basePath": "/", "containerPort": 80}]`)(p)
			get := &corev1.HTTPGetAction{Path: path}
			get.Port.IntVal = 80
			p.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: get}}
		}
	}
	for length, want := range map[int]bool{1: true, 3900: true, 4000: false, 100_000: false} {
		table, problems := one(t, `{"a.example": {}}`, probe("/"+strings.Repeat("x", length-1)))
		up := table.Hosts[0].Locations[0].Upstream
		if (up.HealthCheck != nil) != want || (len(problems) == 0) != want {
			t.Errorf("a path of %d bytes: check %v, problems %.200v", length, up.HealthCheck != nil, problems)
		}
	}
}
