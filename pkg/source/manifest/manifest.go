// Package manifest reads Kubernetes manifests. The bytes of files enter; typed
// objects leave, with workloads expanded into their Pods, and a Problem for
// every document that was dropped or holds a mistake. It is pure: it never
// touches a file, a clock or the environment, and the order of its input
// changes nothing.
package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/30x/dispatcher/pkg/source/manifest/internal/lint"
)

// Problem tells of a document that was dropped or holds a mistake. Its texts
// are safe to log: foreign text in them is escaped and cut.
type Problem struct {
	Where  string // file and document number
	Reason string // what is wrong, and what to do about it
}

// String is the one-line form: where: reason.
func (p Problem) String() string { return p.Where + ": " + p.Reason }

// File is what one file holds. It is not changed after Parse has made it.
type File struct {
	Mistakes []Problem // documents that count although they hold a mistake
	Broken   []Problem // documents that were dropped

	name  string
	items []item
}

// Empty reports whether the file holds no object that matters here.
func (f *File) Empty() bool { return len(f.items) == 0 }

// item is an object and where it was read.
type item struct {
	id
	where  string
	object metav1.Object
}

type id struct{ kind, namespace, name string }

func (i id) String() string {
	if i.namespace == "" {
		return Plain(i.kind + "/" + i.name)
	}
	return Plain(i.kind + "/" + i.namespace + "/" + i.name)
}

// Plain makes foreign text safe to show: all but printable ASCII is escaped,
// and more than 300 bytes are cut.
func Plain(s string) string {
	const limit = 300
	end := ""
	if len(s) > limit {
		s, end = s[:limit], "..."
	}
	q := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`) + end
}

// Parse reads the documents of one file: YAML or JSON, one or many, Lists too.
// Kinds that it does not know are passed over. The name serves for messages
// and, among files, for order. The error is about text that is not YAML or
// JSON at all, and names the file and the line.
func Parse(name string, data []byte) (*File, error) {
	f := &File{name: name}
	if bytes.IndexByte(data, 0) >= 0 { // what is ASCII is every other byte in UTF-16
		return nil, fmt.Errorf("%s: it is not UTF-8 text: save it as UTF-8", Plain(name))
	}
	number := 0
	for _, c := range split(data) {
		objects, doubled, err := c.toJSON()
		if err != nil {
			return nil, syntaxError(name, number+1, c, err)
		}
		for _, o := range objects {
			number++
			where := fmt.Sprintf("%s: document %d", Plain(name), number)
			if doubled != nil {
				f.Mistakes = append(f.Mistakes, Problem{where, reason(doubled) + ": remove one of the two"})
			}
			f.add(where, o, metav1.TypeMeta{})
		}
	}
	return f, nil
}

// chunk is the text between two document markers; line is its first line,
// counted from 0.
type chunk struct {
	line int
	text []byte
}

// split cuts a stream into its documents and leaves out those that hold only
// comments. A marker stays at the head of the document that it starts.
func split(data []byte) []chunk {
	var out []chunk
	var c chunk
	n, filled, marked := 0, false, false
	flush := func() {
		if filled {
			out = append(out, c)
		}
		c, filled, marked = chunk{line: n}, false, false
	}
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		bare := bytes.TrimRight(line, " \t\r\n")
		rest, marker := bytes.CutPrefix(bare, []byte("---"))
		marker = marker && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t')
		if !marker {
			rest = bare
		} else if filled || marked { // else directives belong to what follows
			flush()
		}
		marked = marked || marker
		c.text = append(c.text, line...)
		n++
		if string(bare) == "..." {
			flush()
			continue
		}
		rest = bytes.TrimSpace(rest)
		filled = filled || len(rest) > 0 && rest[0] != '#' && rest[0] != '%'
	}
	flush()
	return out
}

// toJSON turns a document into JSON: more than one only if it is a stream of
// JSON values. doubled tells of a key that stands twice; the last one counts.
func (c chunk) toJSON() (objects []json.RawMessage, doubled, err error) {
	if text := bytes.TrimSpace(c.text); text[0] == '{' {
		if objects, err := stream(text); err == nil {
			return objects, nil, nil
		} else if bytes.HasPrefix(bytes.TrimSpace(text[1:]), []byte(`"`)) {
			return nil, nil, err
		}
	}
	object, doubled := yaml.YAMLToJSONStrict(c.text)
	if doubled != nil {
		// Blank lines in front make the parser count from the file's start.
		text := append(bytes.Repeat([]byte("\n"), c.line), c.text...)
		_, doubled = yaml.YAMLToJSONStrict(text)
		object, err = yaml.YAMLToJSON(text)
	}
	return []json.RawMessage{object}, doubled, err
}

func stream(text []byte) (objects []json.RawMessage, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var o json.RawMessage
		switch err := d.Decode(&o); {
		case err == io.EOF:
			return objects, nil
		case err != nil:
			return nil, err
		}
		objects = append(objects, o)
	}
}

func syntaxError(name string, number int, c chunk, err error) error {
	line := c.line + 1
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		text := bytes.TrimLeft(c.text, " \t\r\n")
		lead := c.text[:len(c.text)-len(text)]
		line += bytes.Count(lead, []byte("\n")) + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		line += bytes.Count(bytes.TrimRight(c.text, " \t\r\n"), []byte("\n"))
	}
	text := reason(err)
	if m := regexp.MustCompile(`^line (\d+): (.*)`).FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	advice := []string{"correct the YAML or JSON"}
	for i, hint := range lint.Indentation(c.text, c.line+1) {
		if i == 0 {
			line, advice = hint.Line, []string{hint.Text}
		} else {
			advice = append(advice, fmt.Sprintf("line %d: %s", hint.Line, hint.Text))
		}
	}
	return fmt.Errorf("%s:%d: document %d can't be read (%s): %s", Plain(name), line, number, text, strings.Join(advice, "; "))
}

// reason puts a library's error in plain words.
func reason(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		want := map[reflect.Kind]string{reflect.Slice: "a list", reflect.Map: "an object", reflect.Struct: "an object", reflect.String: "a string", reflect.Bool: "true or false"}
		return Plain(fmt.Sprintf("%s is of type %s and must be %s", wrong.Field, wrong.Value, cmp.Or(want[wrong.Type.Kind()], "a number")))
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	for _, library := range []string{"error converting YAML to JSON: ", "yaml: ", "json: ", "unmarshal errors: "} {
		text = strings.TrimPrefix(text, library)
	}
	return Plain(text)
}
