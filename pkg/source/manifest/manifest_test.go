package manifest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func mustParse(t *testing.T, name, text string) *File {
	t.Helper()
	f, err := Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// names gives Type/namespace/name of each object.
func names(objects []metav1.Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, strings.TrimPrefix(fmt.Sprintf("%T/%s/%s", o, o.GetNamespace(), o.GetName()), "*v1."))
	}
	return out
}

func parsed(t *testing.T, text string) (objects, problems []string) {
	t.Helper()
	found, list := Objects([]*File{mustParse(t, "m.yaml", text)})
	for _, p := range list {
		problems = append(problems, p.String())
	}
	return names(found), problems
}

const (
	podA = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	podB = "apiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: ns}\n"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, text        string
		objects, problems []string
	}{
		{name: "nothing"},
		{name: "comments only", text: "# one\n---\n# two\n---\n"},
		{name: "several documents", text: "# head\n---\n" + podA + "---\n# none\n---\n" + podB, objects: []string{"Pod/default/a", "Pod/ns/b"}},
		{name: "marker with content", text: "--- " + "{apiVersion: v1, kind: Pod, metadata: {name: a}}\n--- # next\n" + podB, objects: []string{"Pod/default/a", "Pod/ns/b"}},
		{name: "directive, end marker, byte order mark, CRLF", text: "\ufeff%YAML 1.1\r\n---\r\n" + strings.ReplaceAll(podA, "\n", "\r\n") + "...\r\n---\r\n" + podB,
			objects: []string{"Pod/default/a", "Pod/ns/b"}},
		{name: "marker inside a block is text", text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  x: |\n    ---\n    y\n", objects: []string{"ConfigMap/default/c"}},
		{name: "a namespace has no namespace", text: "apiVersion: v1\nkind: Namespace\nmetadata: {name: ns, namespace: odd}\n", objects: []string{"Namespace//ns"}},
		{name: "JSON, a stream with tabs", text: "{\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}}\n" +
			`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}}`, objects: []string{"Pod/default/a", "Pod/default/b"}},
		{name: "List in JSON", text: `{"apiVersion": "v1", "kind": "List", "items": [
			{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}},
			{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}]}`, objects: []string{"Pod/default/a", "Secret/default/s"}},
		{name: "list of one kind, items without it", text: "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n",
			objects: []string{"Pod/default/a", "Pod/default/b"}},
		{name: "a YAML boolean as a name, as kubectl reads it", text: "apiVersion: v1\nkind: Namespace\nmetadata: {name: yes}\n",
			problems: []string{"m.yaml: document 1: this Namespace can't be read: metadata.name is of type bool and must be a string: correct this field"}},
		{name: "other kinds are passed over", text: "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}\n---\napiVersion: v1\nkind: Event\nmetadata: {name: x}\n"},
		{name: "a file of other tools is passed over", text: "resources: [a.yaml]\n"},
		{name: "Service, EndpointSlice, Ingress", text: "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: e}\naddressType: IPv4\nendpoints: []\n---\n" +
			"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\n", objects: []string{"EndpointSlice/default/e", "Ingress/default/i", "Service/default/s"}},
		{name: "IngressClass", text: "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: c, namespace: x}\n", objects: []string{"IngressClass//c"}},
		{name: "no apiVersion", text: "kind: Pod\nmetadata: {name: a}\n",
			problems: []string{`m.yaml: document 1: there is no Pod of apiVersion "": write apiVersion: v1, kind: Pod`}},
		{name: "a kind's case, another version of Kubernetes' own", text: "{apiVersion: v1, kind: pod, metadata: {name: a}}\n---\n{apiVersion: apps/v1, kind: Pod, metadata: {name: a}}\n",
			problems: []string{`m.yaml: document 1: there is no pod of apiVersion "v1": write apiVersion: v1, kind: Pod`,
				`m.yaml: document 2: there is no Pod of apiVersion "apps/v1": write apiVersion: v1, kind: Pod`}},
		{name: "a kind's older version", text: "{apiVersion: networking.k8s.io/v1beta1, kind: Ingress, metadata: {name: a}, rules: []}\n---\n" +
			"{apiVersion: discovery.k8s.io/v1beta1, kind: EndpointSlice, metadata: {name: a}}\n---\n{apiVersion: networking.k8s.io/v1beta1, kind: IngressClassList, items: [{metadata: {name: a}}]}\n",
			problems: []string{`m.yaml: document 1: there is no Ingress of apiVersion "networking.k8s.io/v1beta1": write apiVersion: networking.k8s.io/v1, kind: Ingress; a pathType for each path, and in its backend service.name and service.port for serviceName and servicePort; rules: it stands at the top level, and is not used there: indent it, and all that is below it, to stand below spec`,
				`m.yaml: document 2: there is no EndpointSlice of apiVersion "discovery.k8s.io/v1beta1": write apiVersion: discovery.k8s.io/v1, kind: EndpointSlice`,
				`m.yaml: document 3, item 1: there is no IngressClass of apiVersion "networking.k8s.io/v1beta1": write apiVersion: networking.k8s.io/v1, kind: IngressClass`}},
		{name: "kinds of Kubernetes' own that are passed over", text: "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}}\n---\n{apiVersion: networking.k8s.io/v1beta1, kind: IPAddress, metadata: {name: a}}\n"},
		{name: "fields outside metadata and spec", text: "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: null, name: a, spec: null, rules: [], odd: 1}\n---\n" + podA + "containers: []\n",
			objects: []string{"Pod/default/a"},
			problems: []string{"m.yaml: document 1: this Ingress has no metadata.name: name: it stands at the top level, and is not used there: indent it, and all that is below it, to stand below metadata; rules: it stands at the top level, and is not used there: indent it, and all that is below it, to stand below spec",
				"Pod/default/a: containers: it stands at the top level, and is not used there: indent it, and all that is below it, to stand below spec (m.yaml: document 2)"}},
		{name: "somebody else's kind of the same name", text: "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}\n"},
		{name: "a typo is told, and the object counts", text: podA + "metdata: {}\n", objects: []string{"Pod/default/a"},
			problems: []string{`Pod/default/a: metdata: unknown field, it is not used: correct or remove it (m.yaml: document 1)`}},
		{name: "wrong letter case is a typo", text: podA + "spec: {Containers: []}\n", objects: []string{"Pod/default/a"},
			problems: []string{`Pod/default/a: spec.Containers: unknown field, it is not used: correct or remove it (m.yaml: document 1)`}},
		{name: "a key stands twice", text: podA + "spec: {}\nspec: {}\n", objects: []string{"Pod/default/a"},
			problems: []string{`m.yaml: document 1: line 5: key "spec" already set in map: remove one of the two`}},
		{name: "a key stands twice further down", text: podA + "---\n" + podB + "spec: {}\nspec: {}\n", objects: []string{"Pod/default/a", "Pod/ns/b"},
			problems: []string{`m.yaml: document 2: line 9: key "spec" already set in map: remove one of the two`}},
		{name: "a bad document leaves its neighbours", text: podA + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: [x]}\n---\n" + podB, objects: []string{"Pod/default/a", "Pod/ns/b"},
			problems: []string{`m.yaml: document 2: this Pod can't be read: metadata.name is of type array and must be a string: correct this field`}},
		{name: "no name", text: "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n", problems: []string{"m.yaml: document 1: this Pod has no metadata.name: give it one"}},
		{name: "no kind", text: "apiVersion: v1\nmetadata: {name: a}\n", problems: []string{"m.yaml: document 1: kind is missing: write the kind of this object"}},
		{name: "no object", text: "- a\n", problems: []string{"m.yaml: document 1: this is not a Kubernetes object: write apiVersion, kind and metadata, or remove the document"}},
		{name: "the first of two counts", text: podA + "---\n" + podA, objects: []string{"Pod/default/a"},
			problems: []string{"m.yaml: document 2: Pod/default/a is already defined in m.yaml: document 1: this one is not used, rename or remove it"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			objects, problems := parsed(t, tc.text)
			if !slices.Equal(objects, tc.objects) {
				t.Errorf("objects are %q, want %q", objects, tc.objects)
			}
			if !slices.Equal(problems, tc.problems) {
				t.Errorf("problems are\n%q, want\n%q", problems, tc.problems)
			}
		})
	}
}

func TestParseSyntaxErrors(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"second document", podA + "---\napiVersion: v1\nkind: Pod: x\n", "m:6: document 2 can't be read (mapping values are not allowed in this context): correct the YAML or JSON"},
		{"tab", "a:\n\t- b\n", "m:2: document 1 can't be read (found character that cannot start any token): it is indented with a tab: write spaces"},
		{"JSON", "{\n \"a\": 1,\n \"b\" 2\n}", "m:3: document 1 can't be read (invalid character '2' after object key): correct the YAML or JSON"},
		{"JSON cut short", "\n{\n \"a\": 1,\n", "m:3: document 1 can't be read (unexpected EOF): correct the YAML or JSON"},
		{"hostile text", "a: *\"\x1b[31m\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse("m", []byte(tc.text))
			if err == nil {
				t.Fatal("no error")
			}
			if tc.want != "" && err.Error() != tc.want {
				t.Errorf("error is %q, want %q", err, tc.want)
			}
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("raw text in the error: %q", err)
			}
		})
	}
}

func TestSecretStringDataIsMerged(t *testing.T) {
	f := mustParse(t, "m", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: YQ==, b: Yg==}\nstringData: {b: plain}\n")
	objects, _ := Objects([]*File{f})
	s := objects[0].(*corev1.Secret)
	if string(s.Data["a"]) != "a" || string(s.Data["b"]) != "plain" || s.StringData != nil {
		t.Errorf("data is %q, stringData %q", s.Data, s.StringData)
	}
}

func TestPlain(t *testing.T) {
	if got, want := Plain("a \"b\"\n\x1b[31m é"), `a "b"\n\x1b[31m \u00e9`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := Plain(strings.Repeat("x", 1000)); len(got) != 303 {
		t.Errorf("%d bytes", len(got))
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{podA + "---\n" + podB, `{"kind":"List","items":[null,{}]}`, "--- !!binary x", "a: &a [*a]", "null", "{", "...\n---"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("m", data)
		if err != nil {
			return
		}
		objects, problems := Objects([]*File{file})
		for _, o := range objects {
			if o.GetName() == "" {
				t.Error("an object without a name")
			}
		}
		for _, p := range problems {
			if strings.ContainsFunc(p.String(), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("raw text in %q", p)
			}
		}
	})
}

// Text in UTF-16 would be read in part.
func TestUTF16(t *testing.T) {
	text := "k\x00i\x00n\x00d\x00:\x00"
	if _, err := Parse("m.yaml", []byte("\xff\xfe"+text)); err == nil || !strings.Contains(err.Error(), "m.yaml: it is not UTF-8 text") {
		t.Errorf("got %v", err)
	}
}

// A Secret with a mistake is handed over as one that can't be read.
func TestUnreadableSecret(t *testing.T) {
	for _, text := range []string{"stringData: {api-key: no}", "stringdata: {api-key: x}", "data: {api-key: '%'}"} {
		f := mustParse(t, "m", "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\n"+text+"\n")
		objects, problems := Objects([]*File{f})
		if len(objects) != 1 || objects[0].GetNamespace() != "shop" || objects[0].(*corev1.Secret).Type != Unreadable || len(problems) != 1 {
			t.Errorf("%s: %v, %v", text, objects, problems)
		}
	}
}
