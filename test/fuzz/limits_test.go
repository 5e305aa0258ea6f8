package fuzz

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/route/value"
	"github.com/30x/dispatcher/test/internal/judge"
)

// DX21: the longest of everything together, and a host that many share, stay
// below the length at which nginx refuses a word or a comment.
func TestLongestOfEverything(t *testing.T) {
	c := newCorridor(t)
	c.Options.Limits.PathBytes, c.Options.Limits.Weight = value.MaxPath, value.MaxWeight // all that an operator may allow
	label := strings.Repeat("l", 63)
	labels := map[string]string{"org": label, "env": label, "app.name": label, "app.rev": label}
	name, podName := strings.Repeat("n", 63), strings.Repeat("p", 253)
	host := strings.Repeat(strings.Repeat("h", 63)+".", 3) + strings.Repeat("i", 61)
	deep := strings.Repeat("/d", 1024)
	paths := fmt.Sprintf(`[{"basePath": %q, "containerPort": 3000, "targetPath": %q, "weight": 65535}, {"basePath": "/%s", "containerPort": 3000, "targetPath": "/%s"}]`,
		deep, deep, strings.Repeat("%C3%A9", 341), strings.Repeat("%C3%A9", 341))
	h := hostile{hosts: "{}", paths: "[]", ip: "10.0.0.1", probePath: "/" + strings.Repeat("q", 3900), headerName: "A", headerVal: "b", probePort: 3000}
	long := h.objects()
	for _, o := range long {
		o.SetLabels(routable(labels))
		if o.GetNamespace() == "" {
			o.SetName(name)
			o.SetAnnotations(map[string]string{prefix + "hosts": fmt.Sprintf(`{%q: {}, %q: {}}`, host, "*."+host[2:])})
		} else {
			o.SetNamespace(name)
			o.SetName(podName)
			o.SetAnnotations(map[string]string{prefix + "paths": paths})
		}
	}
	table, problems, files := walk(t, c, long)
	if len(problems) > 0 {
		t.Error(problems)
	}
	if n := table.Counts(); n.Hosts != 2 || n.Locations != 4 {
		t.Errorf("%+v are served", n)
	}
	if _, err := judge.New().Check(string(files.Conf)); err != nil {
		t.Error(err)
	}
}

func TestManyNamespacesShareAHost(t *testing.T) {
	c := newCorridor(t)
	var objects []metav1.Object
	for i := range 1000 {
		ns := fmt.Sprintf("team-%d", i)
		objects = append(objects, namespace(ns, int64(i), `{"shared.example": {}}`, nil),
			pod(ns, "web", "10.0.0.1", fmt.Sprintf(`[{"basePath": "/%s", "containerPort": 80}]`, ns), nil))
	}
	table, problems, files := walk(t, c, objects)
	if n := table.Counts(); n.Hosts != 1 || n.Locations != 1000 || len(problems) > 0 {
		t.Errorf("%+v are served, %v", n, problems)
	}
	if _, err := judge.New().Check(string(files.Conf)); err != nil {
		t.Error(err)
	}
}
