package fuzz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/30x/dispatcher/test/internal/judge"
)

const rounds = 200

// generator makes random worlds. Its pools are small, so that tenants meet.
type generator struct{ *rand.Rand }

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

// percent is true n times of 100.
func (g generator) percent(n int) bool { return g.IntN(100) < n }

func (g generator) hosts() string {
	if g.percent(5) {
		return g.pick("", "{", "[]", "null", `{"a.example": {}} x`, `{"a.example": oops}`)
	}
	text := "{"
	for i := range 1 + g.IntN(4) {
		if i > 0 {
			text += ", "
		}
		name := g.pick("a.example", "A.example", "a.example.", "b.example", "c.example", "*.b.example", "w.b.example", "10.0.0.1")
		options := g.pick("{}", "null")
		if g.percent(10) {
			name, options = g.pick("x;y", "under_score", "*", name), g.pick("{}", `{"ssl": {}}`, `{"sll": 1}`, "7")
		}
		text += fmt.Sprintf("%q: %s", name, options)
	}
	return text + "}"
}

func (g generator) path() string {
	text := ""
	for range g.IntN(4) {
		text += "/" + g.pick("a", "b", "a-b", "a.b", "caf%C3%A9", "(x)*")
	}
	if g.percent(10) {
		text += "/" + g.pick("$x", "..", "/", "x y")
	}
	return text + g.pick("", "/")
}

func (g generator) paths() string {
	if g.percent(5) {
		return g.pick("", "[", "{}", "null", `[{"basePath": "/"}`)
	}
	entries := []map[string]any{}
	for range g.IntN(5) {
		e := map[string]any{"basePath": g.path(), "containerPort": []any{3000, "3000", "http", 80, 443}[g.IntN(5)]}
		if g.percent(10) {
			e["containerPort"] = []any{9, "+80", nil}[g.IntN(3)]
		}
		if g.percent(40) {
			e["targetPath"] = g.path()
		}
		if g.percent(30) {
			e["match"] = g.pick("exact", "exact", "exact", "prefix", "regex")
		}
		if g.percent(30) {
			e["weight"] = []any{1, 7, "2", "65535", 0, 65536}[g.IntN(6)]
		}
		if g.percent(5) {
			e["other"] = true
		}
		entries = append(entries, e)
	}
	text, err := json.Marshal(entries)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (g generator) label() string {
	if g.percent(10) {
		return "not valid"
	}
	return g.pick("", "v1", "two")
}

func (g generator) pod(namespace, name string) *corev1.Pod {
	label := g.label()
	p := pod(namespace, name, g.pick("10.0.0.1", "10.0.0.2", "fd00::1", "::ffff:10.0.0.3"), g.paths(), map[string]string{"app.name": label, "app.rev": label})
	if g.percent(10) {
		p.Status.PodIP = g.pick("", "nonsense")
	}
	p.CreationTimestamp = metav1.Unix(int64(g.IntN(3)), 0)
	if g.percent(10) {
		p.Labels = nil
	}
	if g.percent(10) {
		p.Status.Phase = corev1.PodPending
	}
	if g.percent(30) {
		p.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: g.pick("/", "/status", "", `/"; }`), Port: intstr.Parse(g.pick("3000", "8443", "http", "nowhere", "0")),
		}}}
	}
	return p
}

// world makes the objects of some tenants, created in the seconds 1 to 5.
func (g generator) world() []metav1.Object {
	var out []metav1.Object
	for n := range 2 + g.IntN(6) {
		name := fmt.Sprintf("tenant-%d", n)
		out = append(out, g.tenant(name, 1+int64(g.IntN(5)))...)
	}
	return out
}

func (g generator) tenant(name string, created int64) []metav1.Object {
	label := g.label()
	ns := namespace(name, created, g.hosts(), map[string]string{"org": label, "env": label})
	if g.percent(5) {
		ns.Labels = nil
	}
	if g.percent(5) {
		ns.Annotations[prefix+"auth"] = g.pick("required", "maybe")
	}
	out := []metav1.Object{ns}
	for i := range g.IntN(5) {
		out = append(out, g.pod(name, fmt.Sprintf("web-%d", i)))
	}
	return out
}

// DF10, DX14, DX15: the order in which objects become known changes no byte, and
// no problem. DX12, DX13: what holds of every table.
func TestOrderChangesNothing(t *testing.T) {
	c := newCorridor(t)
	locations, problemCount := 0, 0
	for seed := range uint64(rounds) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		objects := g.world()
		table, problems, files := walk(t, c, objects)
		locations, problemCount = locations+table.Counts().Locations, problemCount+len(problems)
		plainProblems(t, problems)
		sane(t, table)
		nodes, err := judge.New().Check(string(files.Conf))
		if err != nil {
			t.Error(err)
		} else {
			lexersAgree(t, string(files.Conf), nodes)
		}
		for range 3 {
			_, again, others := walk(t, c, shuffled(objects, g.Shuffle))
			if !bytes.Equal(others.Conf, files.Conf) || others.Generation != files.Generation {
				t.Errorf("another order gives another configuration")
			}
			if !slices.Equal(again, problems) {
				t.Errorf("another order gives other problems")
			}
		}
		if t.Failed() {
			t.Fatalf("world %d:\n%s", seed, describe(objects))
		}
	}
	if locations < 10*rounds || problemCount < 10*rounds {
		t.Errorf("the worlds are too poor: %d locations and %d problems in %d of them", locations, problemCount, rounds)
	}
}

// DX12, DX14, DX36: a tenant that comes later changes nothing of what the older
// ones have, whatever it asks for.
func TestNewcomersChangeNothing(t *testing.T) {
	c := newCorridor(t)
	met := 0 // routes that both wanted
	for seed := range uint64(rounds) {
		g := generator{rand.New(rand.NewPCG(seed, 2))}
		objects := g.world()
		older, _, files := walk(t, c, objects)
		before, err := judge.New().Check(string(files.Conf))
		if err != nil {
			t.Fatal(err)
		}
		_, problems, files := walk(t, c, append(objects, g.tenant("a-newcomer", 9)...))
		after, err := judge.New().Check(string(files.Conf))
		if err != nil {
			t.Fatal(err)
		}
		untouched(t, older, before, after)
		for _, p := range problems {
			if p.Ref.Name == "a-newcomer" {
				met++
			}
		}
		if t.Failed() {
			t.Fatalf("world %d:\n%s", seed, describe(objects))
		}
	}
	if met < rounds/4 {
		t.Errorf("the newcomers met only %d times what was taken", met)
	}
}
