package traffic

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What nginx refuses in the templates below, by the path's readTimeout in seconds.
const (
	unknown  = "13s" // an unknown directive, in its own line
	clash    = "14s" // an upstream twice; the second is at the end, in nobody's place
	hash     = "15s" // a hash that can't be built, which has no line
	together = "16s" // what can be there only once
)

// hostileTemplates gives a folder with templates by which nginx refuses some entries.
func hostileTemplates(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, change func(string) string) {
		replaceFile(t, filepath.Join(folder, name), change(readFile("../../templates/"+name)))
	}
	write("location.tmpl", func(s string) string {
		return strings.Replace(s, "{{- if .Closed}}", "{{- if eq .Timeouts.Read 13}}\n      no_such_directive on;\n{{- end}}\n      {{- if .Closed}}", 1)
	})
	write("upstreams.tmpl", func(s string) string {
		return s + `{{range .Rules}}{{if .First}}
{{- if eq .Timeouts.Read 14}}
  upstream operators { server 127.0.0.1:1; }
{{end}}
{{- if eq .Timeouts.Read 15}}
  map $host $long_{{.Upstream.Name}} {
    "` + strings.Repeat("x", 200) + `" 1;
  }
{{end}}
{{- if eq .Timeouts.Read 16}}
  upstream only-once { server 127.0.0.1:1; }
{{end}}
{{- end}}{{end}}`
	})
	write("server.tmpl", func(s string) string {
		return strings.ReplaceAll(s, "    server_name {{.Name}};\n", "    server_name {{.Name}};\n{{- if eq .Name \"broken.example.com\"}}\n    no_such_directive on;\n{{- end}}\n")
	})
	write("nginx.conf.tmpl", func(s string) string {
		return strings.TrimSuffix(strings.TrimSpace(s), "}") + "  upstream operators { server 127.0.0.1:1; }\n}\n"
	})
	return folder
}

const tests = `dispatcher_turn_duration_seconds_count{step="test"}`

// quarantined is the metric for a Namespace.
func quarantined(namespace string) string {
	return fmt.Sprintf("dispatcher_quarantined_entries{namespace=%q}", namespace)
}

// TestQuarantine: DX18. One entry that nginx refuses costs its owner that entry alone:
// others' changes are live in the same turn, among a thousand hosts. What was served
// before stays. It is tried again when it changes, and not when others do.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	d := prepare(t)
	objects := []metav1.Object{created(namespace("rogue", "rogue.example.com"), 5)}
	for n := range 20 {
		name, hosts := fmt.Sprintf("tenant-%d", n), []string{}
		for h := range 50 {
			hosts = append(hosts, fmt.Sprintf("h%d.tenant-%d.example.com", h, n))
		}
		objects = append(objects, created(namespace(name, hosts...), n%10))
		if n > 0 {
			objects = append(objects, newPod(t, name, name, at("/app")))
		}
	}
	web, rogue := newPod(t, "tenant-0", "web", at("/app")), newPod(t, "rogue", "rogue", at("/app"), at("/other"))
	d.apply(append(objects, web, rogue)...)
	templates := "--template-dir=" + hostileTemplates(t)
	d.run(templates)
	for i, bad := range []string{unknown, clash, hash} {
		before := d.metrics()
		path := fmt.Sprintf("/new-%d", i)
		began := time.Now()
		d.apply(rogue.paths(at("/app").with("readTimeout", bad), at("/other")), web.paths(at("/app"), at(path)))
		d.serves("h7.tenant-0.example.com", path, "web")
		took := time.Since(began)
		d.measures(map[string]float64{quarantined("rogue"): 1, "dispatcher_last_turn_successful": 1, `dispatcher_problems{kind="object"}`: 1})
		d.settle()
		n := d.metrics()
		t.Logf("refused for %s: another Namespace's change is live after %v, with %v tests", bad, took, n[tests]-before[tests])
		if took > 10*time.Second {
			t.Errorf("refused for %s: another Namespace's change took %v", bad, took)
		}
		for _, path := range []string{"/app", "/other"} {
			if a := d.ask("rogue.example.com", path); a.Pod != "rogue" {
				t.Errorf("refused for %s: %s answers %d", bad, path, a.Status)
			}
		}
		d.apply(web.paths(at("/app"), at(path+"-more")))
		d.serves("h7.tenant-0.example.com", path+"-more", "web")
		if more := d.metrics()[tests] - n[tests]; more != 1 {
			t.Errorf("refused for %s: another Namespace's change takes %v tests", bad, more)
		}
		d.apply(rogue.paths(at("/app").with("targetPath", path), at("/other")))
		d.eventually("what is not refused any more is served", func() bool { return d.try("rogue.example.com", "/app").URI == path })
		d.eventually("it is held no more", func() bool { _, held := d.metrics()[quarantined("rogue")]; return !held })
	}
	if log := d.log(); strings.Count(log, "not served: nginx refuses it") < 3 || !strings.Contains(log, `rogue.example.com`) ||
		strings.Count(log, `msg="problem solved"`) < 3 {
		t.Error("the owner isn't told")
	}

	// A restart has forgotten who is guilty, and all are suspects.
	d.apply(rogue.paths(at("/app").with("readTimeout", unknown), at("/other")))
	d.measures(map[string]float64{quarantined("rogue"): 1})
	d.signal(syscall.SIGTERM)
	d.wait()
	began := time.Now()
	d.run(templates)
	d.measures(map[string]float64{quarantined("rogue"): 1, "dispatcher_last_turn_successful": 1})
	t.Logf("after a restart all are served after %v, with %v tests", time.Since(began), d.metrics()[tests])
	d.serves("rogue.example.com", "/other", "rogue")
	d.answers("rogue.example.com", "/app", 503)
}

// TestManyQuarantined: thirty entries at once that nginx refuses, a host that it refuses
// whatever it serves, and two that it refuses only together: all others are served, and
// of the two the one of the older Namespace.
func TestManyQuarantined(t *testing.T) {
	t.Parallel()
	d := prepare(t)
	var objects []metav1.Object
	want := map[string]float64{"dispatcher_last_turn_successful": 1, quarantined("broken"): 1, quarantined("younger"): 1}
	var rogues []*pod
	for n := range 30 {
		name := fmt.Sprintf("rogue-%02d", n)
		rogue := newPod(t, name, name, at("/app"))
		rogues = append(rogues, rogue)
		objects = append(objects, created(namespace(name, name+".example.com"), n%20), rogue)
		want[quarantined(name)] = 1
	}
	older, younger := newPod(t, "older", "older", at("/app")), newPod(t, "younger", "younger", at("/app"))
	web := newPod(t, "shop", "web", at("/app"))
	objects = append(objects, created(namespace("older", "z.example.com"), 1), older, created(namespace("younger", "a.example.com"), 2), younger,
		created(namespace("shop", "www.example.com"), 3), web, created(namespace("broken", "broken.example.com"), 4), newPod(t, "broken", "broken", at("/app")))
	d.apply(objects...)
	d.run("--template-dir=" + hostileTemplates(t))
	d.measures(map[string]float64{"dispatcher_last_turn_successful": 1, quarantined("broken"): 1})
	if a := d.try("broken.example.com", "/app"); !a.closed() {
		t.Errorf("a host that nginx refuses answers %d", a.Status)
	}
	before := d.metrics()
	var changed []metav1.Object
	for i, r := range rogues {
		changed = append(changed, r.paths(at("/app").with("readTimeout", []string{unknown, clash, hash}[i%3])))
	}
	changed = append(changed, older.paths(at("/app").with("readTimeout", together)), younger.paths(at("/app").with("readTimeout", together)), web.paths(at("/new")))
	began := time.Now()
	d.apply(changed...)
	d.serves("www.example.com", "/new", "web")
	t.Logf("another Namespace's change is live after %v", time.Since(began))
	d.measures(want)
	t.Logf("all are found after %v, with %v tests", time.Since(began), d.metrics()[tests]-before[tests])
	for _, r := range rogues {
		if a := d.ask(r.Namespace+".example.com", "/app"); a.Pod != r.Name {
			t.Errorf("%s answers %d", r.Name, a.Status)
		}
	}
	d.serves("z.example.com", "/app", "older")
	d.serves("a.example.com", "/app", "younger")
	if len(want) != 33 || d.metrics()[quarantined("older")] != 0 {
		t.Errorf("the older one of two that clash is held: %v", d.metrics())
	}
	d.apply(changed[0]) // nothing new
	d.apply(rogues[0].paths(at("/fine")))
	d.serves("rogue-00.example.com", "/fine", "rogue-00")
}

// TestSidecarQuarantine: the same where nginx is in another container.
func TestSidecarQuarantine(t *testing.T) {
	t.Parallel()
	p := newDuo(t)
	web, rogue := newPod(t, "shop", "web", at("/app")), newPod(t, "rogue", "rogue", at("/app"))
	p.apply(namespace("shop", "www.example.com"), web, namespace("rogue", "rogue.example.com"), rogue)
	p.beginNginx()
	p.run("--mode=sidecar", "--template-dir="+hostileTemplates(t))
	for i, bad := range []string{unknown, hash} {
		path := fmt.Sprintf("/new-%d", i)
		p.apply(rogue.paths(at("/app").with("readTimeout", bad)), web.paths(at(path)))
		p.serves("www.example.com", path, "web")
		p.measures(map[string]float64{quarantined("rogue"): 1, "dispatcher_last_turn_successful": 1})
		if a := p.ask("rogue.example.com", "/app"); a.Pod != "rogue" {
			t.Errorf("what was served before answers %d", a.Status)
		}
	}
	if !strings.Contains(p.log(), `unknown directive`) {
		t.Error("nginx's words are not told")
	}
}
