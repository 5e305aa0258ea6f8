package traffic

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// hostilePaths are what a Pod might write as basePath or targetPath to be more
// than a path (DX5, DX6, DX12, DX28).
var hostilePaths = []string{
	"/x { return 200 pwned; } location /y", "/x {\nreturn 200 pwned;\n}\nlocation /y", "/x{return\t200\tpwned;}location\t/y", "/x; return 200 pwned",
	"= /y", "~ /y", "~* .*", "^~ /y", "@named", "y", "", " /y", "/y ", "/a b", "/y\r\n", "/y\x00", "/y#", "/y\\", `/y"`, "/y'", "/y$request_uri", "/y${host}",
	"/y{", "/y}", "/../y", "/y/..", "/y/./z", "//y", "/y//z", "/y?q", "/%2e%2e/y", "/%2Fy", "/%0a", "/%7Breturn", "/%22", "/%24host", "/%", "/%zz", "m/y",
	"/\u202ey", "/\u00e4", "/%ff", "/" + strings.Repeat("y", 5000), "include /etc/passwd", "http://127.0.0.1/", "/y;include /etc/passwd",
}

// hostileHosts are what a Namespace might write as a host (DX7).
var hostileHosts = []string{
	"evil.com; } server { listen 81; return 200 pwned", "evil.com;\nreturn 200 pwned", "~^.*$", `"~."`, "*", "*.com", "*.*.example.com", ".example.com",
	"www.*", "", "_", "$host", "a b.com", "evil.com/app", "evil.com:80", "http://evil.com", "evil..com", "-evil.com", "../../etc", "e\u212aample.com",
	"evil.com\x00", strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 130) + "com", "[::1]", "example.com#", "{}", "default_server",
}

// TestHostileManifests: DX5, DX6, DX7, DX12, DX28. Next to them the others are
// served, and can still change.
func TestHostileManifests(t *testing.T) {
	t.Parallel()
	web := newPod(t, "shop", "web", at("/app"))
	evil := newPod(t, "evil", "evil", at("/fine"))
	objects := []metav1.Object{namespace("shop", "www.example.com"), web, evil}
	pods := 0
	attack := func(annotation string, change ...func(*corev1.Pod)) {
		p := evil.DeepCopy()
		p.Name = fmt.Sprintf("evil-%d", pods)
		pods++
		p.Annotations[pathsKey] = annotation
		for _, c := range change {
			c(p)
		}
		objects = append(objects, p)
	}
	for _, p := range hostilePaths {
		attack(toJSON([]entry{{"basePath": p, "containerPort": evil.port}}))
		if p != "" {
			attack(toJSON([]entry{{"basePath": fmt.Sprintf("/t%d", pods), "targetPath": p, "containerPort": evil.port}}))
		}
	}
	for _, annotation := range []string{
		"", "pwned", "{}", "null", "[[[[", `[1, "x", null, []]`, strings.Repeat("[", 100_000), "[{“basePath”: “/x”}]", `[{"basePath": ["/x"], "containerPort": 80}]`,
		`[{"basePath": "/x", "containerPort": "+80"}]`, `[{"basePath": "/x", "containerPort": 1e3}]`, `[{"basePath": "/x", "containerPort": "80; }"}]`,
		`[{"basePath": "/x", "containerPort": 80, "weight": "1 backup"}]`, `[{"basePath": "/x", "containerPort": 80, "match": "~"}]`,
	} {
		attack(annotation)
	}
	fine := toJSON([]entry{{"basePath": "/labels", "containerPort": evil.port}})
	attack(fine, func(p *corev1.Pod) { p.Labels["github.com/30x.dispatcher.app.name"] = "x\n} return 200 pwned; #" })
	attack(fine, func(p *corev1.Pod) { p.Status.PodIP = "127.0.0.1:80; } #" })
	attack(fine, func(p *corev1.Pod) { p.Status.PodIP = "fe80::1%lo; return 200 pwned;" })
	attack(fine, func(p *corev1.Pod) { p.Name = "evil\n} return 200 pwned; #" })
	attack(fine, func(p *corev1.Pod) { p.Spec.Containers[0].Ports[0].Name = "; return 200 pwned;" })

	hosts := namespace("evil", append(hostileHosts, "evil.example.com")...)
	hosts.Labels["github.com/30x.dispatcher.org"] = "x\n} server { return 200 pwned; } #"
	objects = append(objects, hosts)
	for i, options := range []string{
		`{"evil.com; return 200 pwned": {}, "typed.example.com": 7}`, `{"a.example.com": {}, "b.example.com": {"ssl": 1}}`, `{"broken.example.com": {}`, `[]`, `"pwned"`,
	} {
		ns := namespace(fmt.Sprintf("types-%d", i))
		ns.Annotations[hostsKey] = options
		objects = append(objects, ns)
	}

	d := prepare(t)
	d.applyList(objects...)
	d.run()
	check := func(path string) {
		t.Helper()
		if got := d.ask("www.example.com", path); got.Pod != "web" {
			t.Errorf("a good Pod is gone: %+v", got)
		}
		if got := d.ask("evil.example.com", "/fine"); got.Pod != "evil" {
			t.Errorf("a good Pod of the hostile Namespace is gone: %+v", got)
		}
		for _, host := range []string{"www.example.com", "evil.example.com", "evil.com", "typed.example.com", "a.example.com", "anything"} {
			for _, uri := range []string{"/", "/x", "/y", "/y/z", "/m/y", "/named", "/include", "/a%20b", "/%0a", "/t0"} {
				if got := d.try(host, uri); strings.Contains(got.Text, "pwned") || got.Status == http.StatusOK && got.Pod == "" {
					t.Errorf("%s%s is answered with %d %q", host, uri, got.Status, got.Text)
				}
			}
		}
		if strings.Contains(d.log(), "refused") {
			t.Error("nginx has refused a configuration")
		}
	}
	check("/app")
	web.paths(at("/app"), at("/changed"))
	d.applyList(objects...)
	d.serves("www.example.com", "/changed", "web")
	check("/changed")

	// Every attack but the last ones, which only decorate a good entry, is a Problem.
	log := d.log()
	for i := range pods - 5 {
		if !strings.Contains(log, fmt.Sprintf("object=Pod/evil/evil-%d ", i)) {
			t.Errorf("no Problem of evil-%d", i)
		}
	}
	if strings.ContainsAny(log, "\x00\u202e\r") {
		t.Error("foreign text is in the log as it is")
	}
}

// applyList writes all objects into one file; their names may be no file names.
func (d *dispatcher) applyList(objects ...metav1.Object) {
	d.t.Helper()
	d.write("all.json", toJSON(map[string]any{"apiVersion": "v1", "kind": "List", "items": objects}))
}

// TestOversize: DX21. Long host names, IPv6 Pods, long paths and many different
// depths of target paths are served, and stop nobody.
func TestOversize(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("h", 60)
	hosts := []string{label + ".example.com", strings.Join([]string{label, label, label, label, "example"}, "."), "*." + label + ".example.com"}
	web := newPod(t, "shop", "web", at("/app"), at("/"+strings.Repeat("long-path/", 199)+"1234567"))
	var deep []entry
	for n := range 200 {
		deep = append(deep, at(strings.Repeat("/x", n+1)).to("/flat"))
	}
	objects := []metav1.Object{namespace("shop", hosts...), web, namespace("deep", "deep.example.com"), newPod(t, "deep", "deep", deep...)}
	listener, err := net.Listen("tcp", "[::1]:0")
	if err == nil {
		_ = listener.Close()
		objects = append(objects, newPodAt(t, "[::1]:0", "shop", "six", at("/six")))
	}
	d := startLong(t, objects...)
	hosts[2] = strings.Replace(hosts[2], "*", "one", 1)
	for _, host := range hosts {
		for _, uri := range []string{"/app", "/" + strings.Repeat("long-path/", 199) + "1234567/x"} {
			if got := d.ask(host, uri); got.Pod != "web" || got.URI != uri {
				t.Errorf("%s%.20s: %+v", host, uri, got)
			}
		}
	}
	for _, n := range []int{1, 100, 200} {
		if got := d.ask("deep.example.com", strings.Repeat("/x", n)+"/y"); got.URI != "/flat/y" {
			t.Errorf("depth %d: %+v", n, got)
		}
	}
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	if got := d.ask(hosts[0], "/six"); got.Pod != "six" {
		t.Errorf("IPv6 Pod: %+v", got)
	}
}

// TestPathStaysWithItsNamespace: DF19, DX12, DX14. While none of the owner's Pods
// is ready, another Namespace gets neither the path nor its requests.
func TestPathStaysWithItsNamespace(t *testing.T) {
	t.Parallel()
	owner, thief := newPod(t, "a", "owner", at("/x")), newPod(t, "b", "thief", at("/x"), at("/"))
	d := start(t, created(namespace("a", "www.example.com"), 1), created(namespace("b", "www.example.com"), 2), owner, thief)
	d.serves("www.example.com", "/x/1", "owner")
	d.serves("www.example.com", "/y", "thief")
	d.apply(owner.ready(false))
	d.answers("www.example.com", "/x/1", http.StatusServiceUnavailable)
	d.apply(owner.ready(true))
	d.serves("www.example.com", "/x/1", "owner")
	d.remove(owner)
	d.serves("www.example.com", "/x/1", "thief")
}
