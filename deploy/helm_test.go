package deploy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/30x/dispatcher/deploy/helm"
)

// folder is where the program is built that renders the chart.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "h"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

var program = sync.OnceValues(func() (helm.Program, error) {
	return helm.Build(context.Background(), "helm", folder)
})

// run has Helm 3 or 4 do what the flags say with the chart and values.
func run(t *testing.T, version int, values string, flags ...string) (string, error) {
	t.Helper()
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return p.Run(t.Context(), values, append(flags, fmt.Sprintf("-helm=%d", version))...)
}

// chart renders the chart. A field that Kubernetes doesn't know, an object that
// nobody expects or a difference between Helm 3 and Helm 4 fails the test.
func chart(t *testing.T, values string, flags ...string) (m manifests) {
	t.Helper()
	text, err := run(t, 4, values, flags...)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := run(t, 3, values, flags...); err != nil || other != text {
		t.Errorf("Helm 3 renders something else: %v\n%s\nHelm 4:\n%s", err, other, text)
	}
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return m
		}
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := strict.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		if !m.add(object) {
			t.Fatalf("nobody expects this:\n%s", document)
		}
	}
}

// example reads the values of an example.
func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("helm", "examples", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// onlyHelms are labels that say which release an object belongs to.
var onlyHelms = []string{"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}

// meaning is an object as a map from the place of each value to the value. What
// Kubernetes takes for a set has no order there, and names that only the object
// itself refers to don't end with the first instance's name.
func meaning(t *testing.T, object any) map[string]string {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	all, out := map[string]string{}, map[string]string{}
	flatten("", fields, all)
	for place, value := range all {
		out[strings.ReplaceAll(place, "-public", "")] = strings.ReplaceAll(value, "-public", "")
	}
	return out
}

func flatten(place string, value any, out map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			if !slices.Contains(onlyHelms, key) {
				flatten(place+"."+key, item, out)
			}
		}
		if len(v) == 0 {
			out[place] = "{}"
		}
	case []any:
		for i, item := range v {
			key := any(i)
			if m, ok := item.(map[string]any); ok {
				for _, by := range []string{"name", "mountPath"} { // the last that is there
					if name, ok := m[by]; ok {
						key = name
					}
				}
			}
			flatten(fmt.Sprintf("%s[%v]", place, key), item, out)
		}
	default:
		out[place] = fmt.Sprint(v)
	}
}

// same compares what a kustomization and the chart make, place by place.
func same(t *testing.T, kustomization, chart any) {
	t.Helper()
	if chart == nil || reflect.ValueOf(chart).IsNil() {
		t.Errorf("the chart makes no %T", kustomization)
		return
	}
	want, got := meaning(t, kustomization), meaning(t, chart)
	if len(want) < 3 {
		t.Fatalf("%T has only %d values: is it read at all?", kustomization, len(want))
	}
	for _, place := range slices.Sorted(maps.Keys(got)) {
		if _, known := want[place]; !known {
			t.Errorf("%T: only the chart has %s: %s", chart, place, got[place])
		}
	}
	for _, place := range slices.Sorted(maps.Keys(want)) {
		switch value, known := got[place]; {
		case !known:
			t.Errorf("%T: only the kustomization has %s: %s", chart, place, want[place])
		case value != want[place]:
			t.Errorf("%T: %s: the chart says %s, the kustomization %s", chart, place, value, want[place])
		}
	}
}

// The chart means the same as the kustomizations, with Helm 3 and Helm 4.
func TestChartMeansTheKustomizations(t *testing.T) {
	for folder, values := range map[string]string{
		"base":                    "",
		"overlays/public-private": example(t, "public-private"),
		"overlays/tls":            example(t, "tls"),
		"overlays/sidecar":        example(t, "sidecar"),
		"overlays/ingress-tls":    example(t, "ingress-tls"),
	} {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			k, c := build(t, folder), chart(t, values)
			same(t, k.account, c.account)
			same(t, k.role, c.role)
			same(t, k.binding, c.binding)
			same(t, k.local, c.local)
			same(t, k.localBinding, c.localBinding)
			if len(c.classes) != len(k.classes) {
				t.Errorf("the chart makes %d IngressClasses, the kustomization %d", len(c.classes), len(k.classes))
			}
			for name, class := range k.classes {
				same(t, class, c.classes[name])
			}
			same(t, k.daemonSet, c.daemonSet)
		})
	}
}

// What Helm itself finds wrong with the chart.
func TestChartLint(t *testing.T) {
	for _, values := range []string{"", example(t, "public-private"), example(t, "tls"), example(t, "ingress-tls"), example(t, "sidecar")} {
		for _, version := range []int{3, 4} {
			if _, err := run(t, version, values, "-lint"); err != nil {
				t.Errorf("Helm %d, with values %q: %v", version, values, err)
			}
		}
	}
	if _, err := run(t, 4, "replicas: 3", "-lint"); err == nil {
		t.Error("lint finds nothing wrong with a key that the chart doesn't have")
	}
}

// Only what belongs to the chart is in its folder, which is packaged as a whole.
func TestChartFiles(t *testing.T) {
	var got []string
	root := os.DirFS("helm/dispatcher")
	err := fs.WalkDir(root, ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			got = append(got, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		".helmignore", "Chart.yaml", "README.md",
		"templates/NOTES.txt", "templates/_containers.tpl", "templates/_helpers.tpl", "templates/daemonset.yaml", "templates/ingressclass.yaml", "templates/rbac.yaml", "templates/serviceaccount.yaml",
		"values.schema.json", "values.yaml",
	}
	if !slices.Equal(got, want) {
		t.Errorf("files:\n got %q\nwant %q", got, want)
	}
}
