package limits

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/route"
)

const (
	one  = `[{"basePath": "/", "containerPort": 80}]`
	json = `{"basePath": "/p%d", "containerPort": 80}`
)

// kase is a limit, and what shows that it holds.
type kase struct {
	setting string
	limit   int                                // the default
	world   func(n int) []metav1.Object        // with n of what is limited
	served  func(c route.Counts) int           // of what is limited; nil: locations, which are one at the limit, and none beyond it
	told    string                             // the object and the key of the Problem about one more
	reason  string                             // what it begins with
	more    func(t *route.Table, n int) string // what else is wrong; may be nil
}

// want is how many are served of n.
func (c kase) want(n int) int {
	switch {
	case c.setting == "MAX_OVERRIDES" || c.setting == "MAX_KEY_BYTES":
		return 1 // the path is served all the same
	case c.served != nil:
		return c.limit
	}
	return c.limit + 1 - n
}

func hosts(c route.Counts) int     { return c.Hosts }
func locations(c route.Counts) int { return c.Locations }
func endpoints(c route.Counts) int { return c.Endpoints }

func list(n int, format string) string { return "[" + join(n, ", ", format) + "]" }

func cases(t *testing.T) map[string]kase {
	ns := func(hosts string) *corev1.Namespace { return namespace("t", 5, hosts) }
	return map[string]kase{
		"hosts of an annotation": {"MAX_HOSTS_PER_NAMESPACE", 100, func(n int) []metav1.Object {
			return []metav1.Object{ns("{" + join(n, ", ", `"h%d.example": {}`) + "}"), serving("t", "web", one)}
		}, hosts, "Namespace/t: " + prefix + "hosts", "its last 1 host is dropped: a Namespace may have 100", nil},
		"hosts of all kinds": {"MAX_HOSTS_PER_NAMESPACE", 100, func(n int) []metav1.Object {
			return []metav1.Object{
				ns("{" + join(60, ", ", `"h%d.example": {}`) + "}"), serving("t", "web", one), service("t"),
				ingress("t", "i", strings.Fields(join(n-60, " ", "i%d.example")), []string{"/"}),
			}
		}, hosts, "Ingress/t/i: spec.rules[40].host", "the host is not served: Namespace t has 100 hosts already", nil},
		"hosts of Pods": {"MAX_HOSTS_PER_NAMESPACE", 100, func(n int) []metav1.Object {
			return []metav1.Object{ns("{}"), words("t", "a", join(50, " ", "h%d.example"), "80:/"), words("t", "b", join(n-50, "\n", "g%d.example"), "80:/")}
		}, hosts, "Pod/t/b: trafficHosts[50]", "the host is not served: Namespace t has 100 hosts already", nil},
		"paths of a Pod": {"MAX_PATHS_PER_POD", 64, func(n int) []metav1.Object {
			return []metav1.Object{ns(`{"a.example": {}}`), serving("t", "web", list(n, json)), serving("t", "other", one)}
		}, func(c route.Counts) int { return c.Locations - 1 }, "Pod/t/web: " + prefix + "paths", "its last 1 entry is dropped: a Pod may have 64", nil},
		"paths in words": {"MAX_PATHS_PER_POD", 64, func(n int) []metav1.Object {
			return []metav1.Object{ns(`{}`), words("t", "web", "a.example", join(n, " ", "80:/p%d"))}
		}, locations, "Pod/t/web: publicPaths", "its last 1 entry is dropped: a Pod may have 64", nil},
		"hosts times paths": {"MAX_LOCATIONS_PER_NAMESPACE", 2000, func(n int) []metav1.Object {
			hosts, second := 40, 10 // of 40 and 10 paths
			if n == 2001 {
				hosts, second = 29, 29
			}
			return []metav1.Object{ns("{" + join(hosts, ", ", `"h%02d.example": {}`) + "}"), serving("t", "a", list(40, json)), serving("t", "b", list(second, `{"basePath": "/q%d", "containerPort": 80}`))}
		}, locations, `Namespace/t: ` + prefix + `hosts["h28.example"]`, "1 of its paths is not served: Namespace t may have 2000", func(t *route.Table, n int) string {
			if h := t.Hosts[len(t.Hosts)-1]; n > 2000 && (len(h.Locations) != 68 || h.Find("/q9", "prefix") != nil || h.Find("/q8", "prefix") == nil) {
				return "another path than the last one of the last host is dropped"
			}
			return ""
		}},
		"paths of Pods and Ingresses": {"MAX_LOCATIONS_PER_NAMESPACE", 2000, func(n int) []metav1.Object {
			return []metav1.Object{
				ns("{" + join(50, ", ", `"h%d.example": {}`) + "}"), serving("t", "a", list(39, json)), words("t", "m", "m.example", join(40, " ", "80:/p%d")),
				service("t"), ingress("t", "i", []string{"i.example"}, strings.Fields(join(n-1990, " ", "/p%d"))),
			}
		}, locations, "Ingress/t/i: spec.rules", "1 of its paths is not served: Namespace t may have 2000", nil},
		"paths of all": {"MAX_LOCATIONS", 50000, func(n int) (objects []metav1.Object) {
			for i := range 25 {
				name := fmt.Sprintf("n%d", i)
				objects = append(objects, namespace(name, int64(100-i), "{"+join(40, ", ", fmt.Sprintf(`"h%%d.%s.example": {}`, name))+"}"), serving(name, "web", list(50, json)))
			}
			if n > 50000 {
				objects = append(objects, namespace("young", 200, `{"young.example": {}}`), serving("young", "web", one))
			}
			return objects
		}, locations, `Namespace/young: ` + prefix + `hosts["young.example"]`, "1 of its paths is not served: all Namespaces together may have 50000", nil},
		"bytes of a path": {"MAX_PATH_BYTES", 1024, func(n int) []metav1.Object {
			return []metav1.Object{ns(`{"a.example": {}}`), serving("t", "web", `[{"basePath": "/`+strings.Repeat("p", n-1)+`", "containerPort": 80}]`)}
		}, nil, "Pod/t/web: " + prefix + "paths[0].basePath", "the entry is dropped: the path has 1025 bytes, and may have 1024", nil},
		"bytes of an encoded path": {"MAX_PATH_BYTES", 1024, func(n int) []metav1.Object {
			return []metav1.Object{ns(`{}`), words("t", "web", "a.example", "80:/"+strings.Repeat("%C3%A9", 170)+strings.Repeat("p", n-1021))}
		}, nil, "Pod/t/web: publicPaths[0]", "the entry is dropped: the path has 1025 bytes, and may have 1024", nil},
		"bytes of a target": {"MAX_PATH_BYTES", 1024, func(n int) []metav1.Object {
			return []metav1.Object{ns(`{"a.example": {}}`), serving("t", "web", `[{"basePath": "/", "containerPort": 80, "targetPath": "/`+strings.Repeat("p", n-1)+`"}]`)}
		}, nil, "Pod/t/web: " + prefix + "paths[0].targetPath", "the entry is dropped: the path has 1025 bytes, and may have 1024", nil},
		"bytes of a path of an Ingress": {"MAX_PATH_BYTES", 1024, func(n int) []metav1.Object {
			return []metav1.Object{ns("{}"), service("t"), ingress("t", "i", []string{"a.example"}, []string{"/" + strings.Repeat("p", n-1)})}
		}, nil, "Ingress/t/i: spec.rules[0].http.paths[0].path", "the path is dropped: the path has 1025 bytes, and may have 1024", nil},
		"bytes of a key": {"MAX_KEY_BYTES", 2048, func(n int) []metav1.Object {
			return []metav1.Object{ns(`{"a.example": {}}`), serving("t", "web", one), secret("t", map[string][]byte{"api-key": []byte(strings.Repeat("k", n))})}
		}, locations, "Secret/t/routing: data.api-key", "all paths of the Namespace answer 403", func(t *route.Table, n int) string {
			if auth := t.Hosts[0].Locations[0].Auth; auth.Closed == (n == 2048) || len(auth.Keys) != 2049-n {
				return fmt.Sprintf("%+v is demanded", auth)
			}
			return ""
		}},
		"bytes of a certificate": {"MAX_CERTIFICATE_BYTES", 65536, func(n int) []metav1.Object {
			return []metav1.Object{ns(withTLS), serving("t", "web", one), secret("t", padded(t, n))}
		}, nil, `Namespace/t: ` + prefix + `hosts["a.example"].ssl`, "the host is not served, also not on plain HTTP: the certificate can't be used: the field of certificate is longer than 65536 bytes", nil},
		"weight": {"MAX_WEIGHT", 1000, func(n int) []metav1.Object {
			return []metav1.Object{ns(`{"a.example": {}}`), serving("t", "web", fmt.Sprintf(`[{"basePath": "/", "containerPort": 80, "weight": %d}]`, n))}
		}, nil, "Pod/t/web: " + prefix + "paths[0].weight", `the entry is dropped: "1001" is not a weight: write an integer from 1 to 1000`, nil},
		"Pods of a path": {"MAX_PODS_PER_ROUTE", 1000, pods(`[{"basePath": "/", "containerPort": 80}]`), endpoints,
			"Pod/t/web-0000: " + prefix + "paths[0].policy", "1 of its Pods gets no requests of the path: it may have 1000", nil},
		"Pods of a path with keys": {"MAX_PODS_PER_ROUTE", 1000, pods(`[{"basePath": "/", "containerPort": 80, "policy": "hash", "key": "host"}]`), func(c route.Counts) int { return c.Members },
			"Pod/t/web-0000: " + prefix + "paths[0].policy", "1 of its Pods gets no requests of the path: it may have 1000", nil},
		"endpoints of a Service": {"MAX_PODS_PER_ROUTE", 1000, func(n int) []metav1.Object {
			return []metav1.Object{ns("{}"), service("t"), addresses(n), ingress("t", "i", []string{"a.example"}, []string{"/"})}
		}, endpoints, "Ingress/t/i: " + prefix + "policy", "1 of its Pods gets no requests of the path: it may have 1000", nil},
		"endpoints of a Namespace": {"MAX_ENDPOINTS_PER_NAMESPACE", 20000, func(n int) []metav1.Object {
			objects := many("t", 5, 20, 50, 20)
			if n > 20000 {
				objects = append(objects, service("t"), addresses(1), ingress("t", "i", []string{"z.example"}, []string{"/"}))
			}
			return objects
		}, endpoints, "Ingress/t/i: spec.rules[0].host", `all requests for the path "/" are answered with 503: the paths of Namespace t have more than 20000 Pods`, nil},
		"endpoints of all": {"MAX_ENDPOINTS", 200000, func(n int) (objects []metav1.Object) {
			for i := range 10 {
				objects = append(objects, many(fmt.Sprintf("n%d", i), int64(100-i), 40, 50, 10)...)
			}
			if n > 200000 {
				objects = append(objects, namespace("young", 200, `{"young.example": {}}`), serving("young", "web", one))
			}
			return objects
		}, endpoints, `Namespace/young: ` + prefix + `hosts["young.example"]`, `all requests for the path "/" are answered with 503: the paths of all Namespaces have more than 200000 Pods`, nil},
		"overrides": {"MAX_OVERRIDES", 10000, func(n int) []metav1.Object {
			pins := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "t", Name: "pins"}, Data: map[string]string{}}
			for i := range n {
				pins.Data[fmt.Sprintf("k%05d", i)] = "web"
			}
			return []metav1.Object{ns(`{"a.example": {}}`), serving("t", "web", `[{"basePath": "/", "containerPort": 80, "policy": "hash", "key": "host", "overrides": "pins"}]`), pins}
		}, locations, "ConfigMap/t/pins: data", "the last 1 overrides by key are dropped, the hash decides: there may be 10000", func(t *route.Table, _ int) string {
			if got := len(t.Hosts[0].Locations[0].Upstream.Keyed.Overrides); got != 10000 {
				return fmt.Sprintf("%d overrides count", got)
			}
			return ""
		}},
		"levels of a host": {"MAX_JSON_DEPTH", 8, func(n int) []metav1.Object {
			deep := strings.Repeat("[", n-2) + strings.Repeat("]", n-2)
			return []metav1.Object{ns(`{"a.example": {}}`), serving("t", "web", `[{"basePath": "/", "containerPort": 80, "x\"[[[[[[[[[": `+deep+`}]`)}
		}, nil, "Pod/t/web: " + prefix + "paths[0]", "the entry is dropped: it has 9 levels of brackets in each other, and may have 8", nil},
	}
}

func pods(paths string) func(n int) []metav1.Object {
	return func(n int) []metav1.Object {
		objects := []metav1.Object{namespace("t", 5, `{"a.example": {}}`)}
		for i := range n {
			objects = append(objects, serving("t", fmt.Sprintf("web-%04d", i), paths))
		}
		return objects
	}
}

// addresses are n endpoints outside the cluster of the Service.
func addresses(n int) *discoveryv1.EndpointSlice {
	port, s := int32(80), &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "t", Name: "s-1", Labels: map[string]string{discoveryv1.LabelServiceName: "s"}}, AddressType: discoveryv1.AddressTypeIPv4,
	}
	name := ""
	s.Ports = []discoveryv1.EndpointPort{{Name: &name, Port: &port}}
	for i := range n {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("198.51.%d.%d", i/250, 1+i%250)}})
	}
	return s
}

// DX21: at each limit everything is served and nothing is told; of one more, the one
// beyond is dropped alone, and its owner is told the number, the setting and what to do.
func TestLimits(t *testing.T) {
	t.Parallel()
	for name, c := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served := c.served
			if served == nil {
				served = locations
			}
			for _, n := range []int{c.limit, c.limit + 1} {
				table, problems := build(t, "POD_HOSTS=open", c.world(n)...)
				if got := served(table.Counts()); got != c.want(n) {
					t.Errorf("of %d, %d are served, want %d", n, got, c.want(n))
				}
				if c.more != nil {
					if wrong := c.more(table, n); wrong != "" {
						t.Errorf("of %d: %s", n, wrong)
					}
				}
				checkTold(t, c, n, problems)
			}
		})
	}
}

func checkTold(t *testing.T, c kase, n int, problems []route.Problem) {
	t.Helper()
	var told []route.Problem
	for _, p := range problems {
		if !strings.Contains(p.Reason, "the field is ignored") { // what is nested
			told = append(told, p)
		}
	}
	if n == c.limit {
		if len(told) > 0 {
			t.Errorf("at the limit it is told: %v", told)
		}
		return
	}
	if len(told) != 1 {
		t.Fatalf("of one more it is told: %v", told)
	}
	if p := told[0].String(); !strings.HasPrefix(p, c.told+": "+c.reason) {
		t.Errorf("it is told:\n %s\nwant it to begin with\n %s", p, c.told+": "+c.reason)
	}
	if c.setting != "MAX_KEY_BYTES" && c.setting != "MAX_CERTIFICATE_BYTES" && c.setting != "MAX_WEIGHT" && !strings.Contains(told[0].Reason, c.setting) { // these can't or needn't be raised
		t.Errorf("the setting is not told: %s", told[0])
	}
}
