package limits

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/route/limit"
)

// Each limit is the operator's: with another number, that one counts.
func TestEachSettingCounts(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for name, c := range cases(t) {
		known[c.setting] = true
		if c.setting == "MAX_LOCATIONS" || c.setting == "MAX_CERTIFICATE_BYTES" || c.setting == "MAX_KEY_BYTES" {
			continue // the default of one is large, those of the others are the most that there may be
		}
		_, problems := build(t, fmt.Sprintf("POD_HOSTS=open %s=%d", c.setting, c.limit+1), c.world(c.limit+1)...)
		for _, p := range problems {
			if !strings.Contains(p.Reason, "the field is ignored") {
				t.Errorf("%s: %s", name, p)
			}
		}
	}
	for _, r := range limit.Rows() {
		if !known[r.Setting] {
			t.Errorf("nothing shows that %s holds", r.Setting)
		}
	}
}

// Of the Pods beyond the limit those stay that have been ready longest, so that a new one
// takes nothing from them.
func TestReadyLongestStay(t *testing.T) {
	t.Parallel()
	var objects []metav1.Object
	for i, since := range []int64{30, 10, 20, 10, 0} {
		p := serving("t", fmt.Sprintf("web-%d", i), one)
		p.Status.PodIP = fmt.Sprintf("10.0.0.%d", i)
		if since > 0 {
			p.Status.Conditions[0].LastTransitionTime = metav1.Unix(since, 0)
		}
		objects = append(objects, p)
	}
	for most, want := range map[int]string{1: "1", 2: "1 3", 3: "1 2 3", 4: "0 1 2 3", 5: "0 1 2 3 4"} {
		table, _ := build(t, fmt.Sprintf("MAX_PODS_PER_ROUTE=%d", most), append(slices.Clone(objects), namespace("t", 1, `{"a.example": {}}`))...)
		var got []string
		for _, e := range table.Hosts[0].Locations[0].Upstream.Endpoints {
			got = append(got, strings.TrimPrefix(e.Pod.Name, "web-"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("of %d there stay %v, want %s", most, got, want)
		}
	}
}

// When there is no room for all, the Namespaces created first keep theirs, and a host of
// which paths are dropped tells of them once.
func TestOldestKeepTheirs(t *testing.T) {
	t.Parallel()
	objects := []metav1.Object{
		namespace("young", 9, `{"young.example": {}}`), serving("young", "web", list(9, json)),
		namespace("old", 1, `{"old.example": {}}`), serving("old", "web", list(9, json)),
	}
	table, problems := build(t, "MAX_LOCATIONS=10", objects...)
	if n := len(table.Named("old.example").Locations); n != 9 {
		t.Errorf("the older one has %d paths", n)
	}
	if n := len(table.Named("young.example").Locations); n != 1 || len(problems) != 1 || !strings.HasPrefix(problems[0].Reason, "8 of its paths are not served: all Namespaces together may have 10") {
		t.Errorf("the younger one has %d paths, and is told %v", n, problems)
	}
}

// A hostile object can't flood the log: it has a number of Problems, and one that sums
// up the rest.
func TestProblemsOfAnObject(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{50: 50, 51: 51, 60: 51} {
		entries := list(n, `{"basePath": "bad%d", "containerPort": 80}`)
		_, problems := build(t, "MAX_PATHS_PER_POD=1000", namespace("t", 1, `{"a.example": {}}`), serving("t", "web", entries), serving("t", "z", "x"))
		if len(problems) != want+1 { // that of the other Pod
			t.Fatalf("%d bad entries give %d Problems, want %d", n, len(problems), want+1)
		}
		last, sum := problems[len(problems)-1], fmt.Sprintf("it has %d more problems, which are not told one by one", n-50)
		if n > 50 && (last.Ref.Name != "web" || !strings.HasPrefix(last.Reason, sum)) {
			t.Errorf("of %d the last is %s", n, last)
		}
	}
}

// A host that stands twice keeps its protection, also where the second is beyond the limit.
func TestTwinBeyondTheLimit(t *testing.T) {
	t.Parallel()
	hosts := `{"a.example": {}, ` + join(100, ", ", `"h%d.example": {}`) + `, "A.example": {"ssl": {}}}`
	table, _ := build(t, "", namespace("t", 1, hosts), serving("t", "web", one))
	if table.Named("a.example") != nil {
		t.Error("a host is served without the protection that its twin asks for")
	}
}

// What a tenant writes is judged in a moment, and takes up little, however long, wide or
// deep it is.
func TestJudgedInAMoment(t *testing.T) { // alone, since it measures
	const size = 256 << 10 // all annotations of an object
	ns := func(hosts string) []metav1.Object {
		return []metav1.Object{namespace("t", 1, hosts), serving("t", "web", one)}
	}
	pod := func(paths string) []metav1.Object {
		return []metav1.Object{namespace("t", 1, `{"a.example": {}}`), serving("t", "web", paths)}
	}
	var wide []metav1.Object
	wide = append(wide, namespace("t", 1, "{"+join(100, ", ", `"h%d.example": {}`)+"}"))
	for i := range 100 {
		wide = append(wide, serving("t", fmt.Sprintf("web-%d", i), list(64, fmt.Sprintf(`{"basePath": "/%d-%%d", "containerPort": 80}`, i))))
	}
	contested := append([]metav1.Object{namespace("a", 0, "{"+join(100, ", ", `"h%d.example": {}`)+"}"), serving("a", "web", one)},
		namespace("t", 1, "{"+join(100, ", ", `"h%d.example": {}`)+"}"), serving("t", "web", one))
	for name, objects := range map[string][]metav1.Object{
		"20,000 hosts":            ns("{" + join(20_000, ",", `"a%d.b":{}`) + "}"),
		"20,000 bad hosts":        ns("{" + join(20_000, ",", `"%d":{}`) + "}"),
		"20,000 twins":            ns("{" + strings.TrimSuffix(strings.Repeat(`"a.b":1,`, 20_000), ",") + "}"),
		"20,000 entries":          pod("[" + join(20_000, ",", `{"b":%d}`) + "]"),
		"an entry of 20,000":      pod("[{" + join(20_000, ",", `"f%d":1`) + "}]"),
		"64 entries of 60":        pod(list(64, "{"+join(60, ",", `"f%%%d":1`)+"}")),
		"100,000 levels":          pod(strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)),
		"100,000 levels of hosts": ns(`{"a.b":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}"),
		"100,000 levels, open":    pod(strings.Repeat(`[{"a":`, 40_000)),
		"9,000 levels":            pod(`[{"basePath": "/x", "containerPort": 80, "x": ` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}, " + one[1:]),
		"a long string":           pod(`[{"basePath": "/` + strings.Repeat("p", size-100) + `", "containerPort": 80}]`),
		"a long number":           pod(`[{"basePath": "/", "containerPort": 80, "weight": ` + strings.Repeat("9", size-100) + `}]`),
		"100,000 words":           {namespace("t", 1, "{}"), words("t", "web", strings.Repeat("a ", 100_000), strings.Repeat("b ", 100_000))},
		"640,000 paths of hosts":  wide,
		"100 contested hosts":     contested,
	} {
		begin := time.Now()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, problems := build(t, "POD_HOSTS=open", objects...)
		runtime.ReadMemStats(&after)
		took, bytes := time.Since(begin), after.TotalAlloc-before.TotalAlloc
		t.Logf("%-24s %8s %6d KiB, %d Problems", name, took.Round(time.Microsecond), bytes>>10, len(problems))
		if took > 2*time.Second || bytes > 64<<20 { // hundreds of times what it takes on a machine at rest
			t.Errorf("%s took %s and %d KiB", name, took, bytes>>10)
		}
		if len(problems) > 250 {
			t.Errorf("%s: %d Problems", name, len(problems))
		}
	}
}
