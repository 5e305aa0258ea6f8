package manifest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/30x/dispatcher/pkg/source/manifest/internal/kind"
	"github.com/30x/dispatcher/pkg/source/manifest/internal/lint"
)

// add decodes one document into the file. In a list of one kind, its items may
// leave out the type, which is then given.
func (f *File) add(where string, data json.RawMessage, given metav1.TypeMeta) {
	drop := func(reason string) { f.Broken = append(f.Broken, Problem{where, reason}) }
	var head struct {
		metav1.TypeMeta
		Metadata json.RawMessage   `json:"metadata"`
		Items    []json.RawMessage `json:"items"`
	}
	if data[0] != '{' {
		if string(data) != "null" {
			drop("this is not a Kubernetes object: write apiVersion, kind and metadata, or remove the document")
		}
		return
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &head); err != nil {
		drop(reason(err) + ": correct this field")
		return
	}
	if head.Kind == "" {
		head.TypeMeta = given
	}
	if each, ok := strings.CutSuffix(head.Kind, "List"); ok && head.Items != nil {
		given := metav1.TypeMeta{APIVersion: head.APIVersion, Kind: each}
		for i, o := range head.Items {
			f.add(fmt.Sprintf("%s, item %d", where, i+1), o, given)
		}
		return
	}
	if head.Kind == "" && head.Metadata != nil {
		drop("kind is missing: write the kind of this object")
		return
	}
	object := kind.New(head.APIVersion, head.Kind)
	if object == nil {
		if version, name := kind.Close(head.APIVersion, head.Kind); version != "" {
			advice := []string{fmt.Sprintf("write apiVersion: %s, kind: %s", version, name)}
			if name == "Ingress" {
				advice = append(advice, "a pathType for each path, and in its backend service.name and service.port for serviceName and servicePort")
			}
			object := kind.New(version, name)
			mistakes, _ := kjson.UnmarshalStrict(data, object)
			advice = append(advice, misplaced(object, mistakes)...)
			drop(fmt.Sprintf("there is no %s of apiVersion %s: %s", Plain(head.Kind), strconv.Quote(Plain(head.APIVersion)), strings.Join(advice, "; ")))
		}
		return // not ours
	}
	mistakes, err := kjson.UnmarshalStrict(data, object)
	if err != nil {
		drop(fmt.Sprintf("this %s can't be read: %s: correct this field", head.Kind, reason(err)))
		secret, ok := object.(*corev1.Secret)
		if !ok {
			return
		}
		*secret = corev1.Secret{}
		if kjson.UnmarshalCaseSensitivePreserveInts(head.Metadata, &secret.ObjectMeta) != nil {
			return
		}
	}
	if secret, ok := object.(*corev1.Secret); ok && (err != nil || len(mistakes) > 0) {
		secret.Type = Unreadable
	}
	if object.GetName() == "" {
		drop(fmt.Sprintf("this %s has no metadata.name: %s", head.Kind, cmp.Or(strings.Join(misplaced(object, mistakes), "; "), "give it one")))
		return
	}
	normalise(object)
	it := item{id{head.Kind, object.GetNamespace(), object.GetName()}, where, object}
	for _, m := range mistakes {
		p := mistake(it, reason(m))
		if advice := misplaced(object, []error{m}); len(advice) > 0 {
			p.Reason = fmt.Sprintf("%s (%s)", advice[0], where)
		}
		f.Mistakes = append(f.Mistakes, p)
	}
	f.items = append(f.items, it)
}

// mistake names the object and the field, as the Problems of annotations do.
func mistake(it item, text string) Problem {
	what, field, ok := strings.Cut(strings.TrimSuffix(text, `"`), ` field "`)
	if !ok {
		return Problem{it.String(), fmt.Sprintf("%s: correct it (%s)", text, it.where)}
	}
	return Problem{it.String(), fmt.Sprintf("%s: %s field, it is not used: correct or remove it (%s)", field, what, it.where)}
}

// misplaced says of the fields at the top level of a document that nobody knows there
// where they belong.
func misplaced(object metav1.Object, mistakes []error) (advice []string) {
	for _, m := range mistakes {
		_, field, _ := strings.Cut(strings.TrimSuffix(reason(m), `"`), `unknown field "`)
		if part := lint.Place(object, field); part != "" {
			advice = append(advice, fmt.Sprintf("%s: it stands at the top level, and is not used there: indent it, and all that is below it, to stand below %s", field, part))
		}
	}
	return advice
}

// Unreadable is the type of a Secret whose document holds a mistake. It is
// handed over all the same, because what it may have protected must not be
// served as if there were no Secret.
const Unreadable corev1.SecretType = "dispatcher.30x.github.com/unreadable"

// normalise does what the API server would do on the way in.
func normalise(o metav1.Object) {
	switch o := o.(type) {
	case *corev1.Namespace:
		o.Namespace = ""
		return
	case *networkingv1.IngressClass:
		o.Namespace = ""
		return
	case *corev1.Secret:
		for k, v := range o.StringData {
			if o.Data == nil {
				o.Data = map[string][]byte{}
			}
			o.Data[k] = []byte(v)
		}
		o.StringData = nil
	}
	if o.GetNamespace() == "" {
		o.SetNamespace(metav1.NamespaceDefault)
	}
}
