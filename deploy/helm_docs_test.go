package deploy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// current compares a file with what it should be; UPDATE=1 writes it first.
func current(t *testing.T, file, want string) {
	t.Helper()
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, file) != want {
		t.Errorf("%s is not what values.yaml and the table of settings make it: run UPDATE=1 make test", file)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rule is what values.schema.json says of a setting: so much of what the program
// takes that a slip is told when it is installed, and not by a Pod that fails.
func (s setting) rule() map[string]any {
	rule := map[string]any{"description": s.help, "type": []string{"string", "integer"}}
	words := strings.Split(s.arg, "|")
	switch {
	case s.arg == "":
		delete(rule, "type")
		rule["enum"] = []any{true, false, "true", "false", ""}
	case s.arg == "DURATION":
		rule["type"] = "string"
		rule["pattern"] = `^0?$|^([0-9.]+(ns|us|µs|ms|s|m|h))+$`
	case s.arg == strings.ToLower(s.arg): // nothing but words to choose from
		delete(rule, "type")
		rule["enum"] = append(words, "")
	case slices.Contains(words, "true"):
		rule["type"] = []string{"string", "integer", "boolean"}
	case !slices.ContainsFunc(words, func(w string) bool { return slices.Contains([]string{"NUMBER", "PORT", "SIZE", "STATUS"}, w) }):
		rule["type"] = "string"
	}
	return rule
}

// The schema knows the settings that the program has, and no other; what else it
// knows is in values.yaml, where it is explained.
func TestChartSchema(t *testing.T) {
	const file = "helm/dispatcher/values.schema.json"
	var schema map[string]any
	if err := json.Unmarshal([]byte(read(t, file)), &schema); err != nil {
		t.Fatal(err)
	}
	properties := map[string]any{}
	for _, s := range settingsTable(t) {
		properties[s.env] = s.rule()
	}
	definitions := schema["definitions"].(map[string]any)
	if old, ok := definitions["settings"].(map[string]any)["properties"].(map[string]any); ok {
		for name := range properties {
			if old[name] == nil {
				t.Logf("%s does not know the setting %s", file, name)
			}
		}
		for name := range old {
			if properties[name] == nil {
				t.Logf("%s knows %s, which is no setting", file, name)
			}
		}
	}
	definitions["settings"] = map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	current(t, file, want.String())

	values, err := yaml.Parse(read(t, "helm/dispatcher/values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"global": true} // what Helm gives to charts within charts
	for _, v := range reference(t, "", values.YNode()) {
		known[v.key] = true
	}
	var check func(prefix string, schema map[string]any)
	check = func(prefix string, schema map[string]any) {
		for name, of := range schema["properties"].(map[string]any) {
			of, key := of.(map[string]any), prefix+name
			if items, ok := of["items"].(map[string]any); ok && key == "instances" {
				of, key = items, key+"[]"
			}
			if of["properties"] != nil {
				check(key+".", of)
			} else if !known[key] {
				t.Errorf("the schema has %s, values.yaml hasn't", key)
			}
		}
	}
	check("", schema)
}

// value is a row of the reference of values.
type value struct{ key, def, help string }

// reference lists the values that have a comment. One that has neither a comment
// nor values with one inside it fails the test.
func reference(t *testing.T, prefix string, object *yaml.Node) (out []value) {
	t.Helper()
	for i := 0; i < len(object.Content); i += 2 {
		key, content := object.Content[i], object.Content[i+1]
		v := value{key: prefix + key.Value, help: strings.Join(strings.Fields(regexp.MustCompile(`(?m)^#`).ReplaceAllString(key.HeadComment, "")), " ")}
		var inside []value
		commented := strings.Contains(yaml.NewRNode(content).MustString(), "#")
		if commented && content.Kind == yaml.SequenceNode {
			v.key, content = v.key+"[]", content.Content[0]
		}
		if commented {
			inside = reference(t, v.key+".", content)
		} else {
			var def any
			if err := content.Decode(&def); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(def)
			if err != nil {
				t.Fatal(err)
			}
			v.def = string(text)
		}
		switch {
		case v.help != "":
			out = append(out, v)
		case inside == nil:
			t.Errorf("values.yaml does not say what %s is", v.key)
		}
		out = append(out, inside...)
	}
	return out
}

// The README's tables list all values and all settings.
func TestChartReference(t *testing.T) {
	const file = "helm/dispatcher/README.md"
	values, err := yaml.Parse(read(t, "helm/dispatcher/values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	cell := func(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
	code := func(text string) string {
		if text == "" {
			return ""
		}
		return "`" + cell(text) + "`"
	}
	var rows, settings strings.Builder
	for _, v := range reference(t, "", values.YNode()) {
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", code(v.key), code(v.def), cell(v.help))
	}
	for _, s := range settingsTable(t) {
		if !slices.Contains(owned, s.env) {
			fmt.Fprintf(&settings, "| %s | %s | %s | %s |\n", code(s.env), code(s.arg), code(s.def), cell(s.help))
		}
	}
	want := read(t, file)
	for begin, table := range map[string]string{
		"| Key | Default | Meaning |\n|---|---|---|\n":                 rows.String(),
		"| Setting | Value | Default | Meaning |\n|---|---|---|---|\n": settings.String(),
	} {
		at := strings.Index(want, begin)
		if at < 0 {
			t.Fatalf("%s has no table that begins with %s", file, begin)
		}
		end := at + len(begin)
		for strings.HasPrefix(want[end:], "|") {
			end += strings.Index(want[end:], "\n") + 1
		}
		want = want[:at] + begin + table + want[end:]
	}
	current(t, file, want)
}
