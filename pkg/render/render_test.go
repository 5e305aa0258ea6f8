package render

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/nginxlex"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/render/regex"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/templates"
)

// table builds one Namespace with the hosts and one Pod with the paths.
func table(t *testing.T, hosts, paths string) *route.Table {
	t.Helper()
	options := route.Options{Dispatcher: true, HostsAnnotation: "hosts", PathsAnnotation: "paths"}
	ns, err := cluster.NewNamespace(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a", Annotations: map[string]string{"hosts": hosts}}}, options.Interest())
	if err != nil {
		t.Fatal(err)
	}
	pod, err := cluster.NewPod(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "web", Annotations: map[string]string{"paths": paths}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 80}}}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.0.0.1", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}, options.Interest())
	if err != nil {
		t.Fatal(err)
	}
	out, problems := route.Build(&cluster.Snapshot{Namespaces: []*cluster.Namespace{ns}, Pods: []*cluster.Pod{pod}}, options)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return out
}

func rich(t *testing.T) *route.Table {
	t.Helper()
	return table(t, `{"a.example": {}, "*.a.example": {}}`, `[
		{"basePath": "/", "containerPort": 80, "targetPath": "/up"}, {"basePath": "/a", "containerPort": 80},
		{"basePath": "/a/b/c", "containerPort": 80, "targetPath": "/"}, {"basePath": "/x/", "containerPort": 80, "match": "exact"}]`)
}

func settings(t *testing.T) Params {
	t.Helper()
	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseTemplates(texts)
	if err != nil {
		t.Fatal(err)
	}
	return Params{
		Templates: parsed, Nginx: Stable(), Listen: []netip.Addr{netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("::")}, Port: 8080,
		StatusPath: "/status", DefaultReturn: "404", ClientMaxBodySize: "0", WorkerProcesses: "auto", OpenFiles: 1024,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, AccessLog: true, User: "nginx", APIKeyHeader: "X-Api-Key", WorkerShutdown: 10, ProxyConnectTimeout: 5, ProxyReadTimeout: 60,
		PidFile: "/run/pid", ControlSocket: "/run/control", TempDir: "/tmp",
	}
}

func render(t *testing.T, tb *route.Table, p Params) (Files, []*nginxlex.Node) {
	t.Helper()
	files, err := Render(tb, p)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := nginxlex.Parse(string(files.Conf))
	if err != nil {
		t.Fatal(err)
	}
	return files, nodes
}

// each visits all directives with the names of the blocks around them.
func each(nodes []*nginxlex.Node, blocks []string, visit func(blocks []string, n *nginxlex.Node)) {
	for _, n := range nodes {
		visit(blocks, n)
		each(n.Block, append(slices.Clone(blocks), n.Name()), visit)
	}
}

// The only regular expressions are the constants of regex.go, as keys of maps.
func TestRegularExpressions(t *testing.T) {
	tb := rich(t)
	tb.Hosts = append(tb.Hosts, hostOf("keyed.example", keyedPlace("/a", "segment:2", "x"), keyedPlace("/b", "host")))
	_, nodes := render(t, tb, settings(t))
	found := map[string]bool{}
	each(nodes, nil, func(blocks []string, n *nginxlex.Node) {
		for i, w := range n.Words {
			if !strings.HasPrefix(w.Text, "~") {
				continue
			}
			if i > 0 || !slices.Equal(blocks, []string{"http", "map"}) || !w.Quoted {
				t.Errorf("line %d: %s", n.Line, n)
			}
			found[w.Text] = true
		}
	})
	want := map[string]bool{regex.HostParent(): true, regex.PathAfter(0): true, regex.PathAfter(3): true, regex.PrintablePath(): true, regex.Printable(): true, regex.KeySegment(3): true, regex.KeyLabel(): true}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("found %v, want %v", found, want)
	}
}

// DX22: one proxy_set_header inside a location would cancel all the others. And
// nothing reads or rewrites: these are the directives that are never rendered.
func TestNeverRendered(t *testing.T) {
	tb := rich(t)
	tb.Hosts = append(tb.Hosts, hostOf("keyed.example", keyedPlace("/a", "segment:2", "x")))
	_, nodes := render(t, tb, settings(t))
	headers := 0
	each(nodes, nil, func(blocks []string, n *nginxlex.Node) {
		switch n.Name() {
		case "set":
			if n.Args()[0] != "$member" {
				t.Errorf("line %d: %s", n.Line, n)
			}
		case "proxy_set_header":
			headers++
			if !slices.Equal(blocks, []string{"http"}) {
				t.Errorf("line %d: %s stands in %v", n.Line, n, blocks)
			}
		case "include", "rewrite", "root", "alias", "load_module", "try_files", "error_page":
			t.Errorf("line %d: %s", n.Line, n)
		}
	})
	if headers == 0 {
		t.Error("no header is set at all")
	}
}

// What an nginx lacks is not rendered for it.
func TestVersions(t *testing.T) {
	for version, want := range map[string]bool{"1.22.1": false, "1.27.3": false, "1.27.4": true, "1.30.0": true} {
		p := settings(t)
		var err error
		if p.Nginx.Version, err = ParseVersion(version); err != nil {
			t.Fatal(err)
		}
		files, _ := render(t, rich(t), p)
		if got := strings.Contains(string(files.Conf), "\n  keepalive_min_timeout "); got != want {
			t.Errorf("keepalive_min_timeout for %s: %v", version, got)
		}
	}
}

// The generation follows the content alone, and stands in it twice.
func TestGeneration(t *testing.T) {
	first, _ := render(t, rich(t), settings(t))
	again, _ := render(t, rich(t), settings(t))
	other, _ := render(t, table(t, `{"a.example": {}}`, "[]"), settings(t))
	if first.Generation != again.Generation || string(first.Conf) != string(again.Conf) {
		t.Error("the same input gives other bytes")
	}
	if other.Generation == first.Generation {
		t.Error("another table has the same generation")
	}
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(first.Generation) || strings.Count(string(first.Conf), first.Generation) != 2 {
		t.Errorf("generation %s stands %d times in the text", first.Generation, strings.Count(string(first.Conf), first.Generation))
	}
	if !strings.HasPrefix(string(first.Conf), Marker) || strings.ContainsRune(string(first.Conf), 0) {
		t.Error("the first line is not Dispatcher's, or a placeholder is left")
	}
}

func TestTemplateErrors(t *testing.T) {
	const place = "template: " + "nginx.conf.tmpl:1"
	for _, c := range []struct{ text, want string }{
		{"{{.Nothing}}", "execute template: " + place},
		{"{{", "parse template: " + place},
		{`{{template "nowhere"}}`, `template "nowhere" not defined`},
		{"events {}", "control-server.tmpl"},
	} {
		p := settings(t)
		var err error
		if p.Templates, err = ParseTemplates(map[string]string{"nginx.conf.tmpl": c.text}); err == nil {
			_, err = Render(rich(t), p)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q gives %v, want an error with %q", c.text, err, c.want)
		}
	}
	if _, err := ParseTemplates(map[string]string{"other.tmpl": ""}); err == nil {
		t.Error("templates without a main one are accepted")
	}
}

// DX21: a bucket of nginx's hash holds the longest name; see ngx_hash_init.
func TestHashSizes(t *testing.T) {
	for longest := range 254 {
		for _, names := range []int{0, 1, 1000, 1001, 5000} {
			bucket, size := hashSizes(names, longest)
			element := 8 + (longest+2+7)/8*8
			if bucket < element+8 || bucket%64 != 0 || bucket > 1024 {
				t.Errorf("%d names of up to %d bytes: buckets of %d bytes for elements of %d", names, longest, bucket, element)
			}
			if size < names || size < 512 {
				t.Errorf("%d names: %d buckets at most", names, size)
			}
		}
	}
}

func TestParams(t *testing.T) {
	p := settings(t)
	if got := fmt.Sprint(p.ListenAddresses()); got != "[0.0.0.0:8080 [::]:8080]" {
		t.Errorf("listen %s", got)
	}
	for text, want := range map[string]int{"404": 404, "999": 999, "http://x/404": 0} {
		p.DefaultReturn = text
		if got := p.DefaultStatus(); got != want {
			t.Errorf("the status of %s is %d", text, got)
		}
	}
	for files, want := range map[int]int{1024: 960, 32768: 32704, 0: 64} {
		p.OpenFiles = files
		if got := p.WorkerConnections(); got != want {
			t.Errorf("%d open files give %d connections", files, got)
		}
	}
}
