package manifest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
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
	if kind, ok := strings.CutSuffix(head.Kind, "List"); ok && head.Items != nil {
		given := metav1.TypeMeta{APIVersion: head.APIVersion, Kind: kind}
		for i, o := range head.Items {
			f.add(fmt.Sprintf("%s, item %d", where, i+1), o, given)
		}
		return
	}
	if head.Kind == "" && head.Metadata != nil {
		drop("kind is missing: write the kind of this object")
		return
	}
	object := newObject(head.APIVersion, head.Kind)
	if object == nil {
		if version := misnamed(head.APIVersion, head.Kind); version != "" {
			drop(fmt.Sprintf("there is no %s of apiVersion %s: write %s", Plain(head.Kind), strconv.Quote(Plain(head.APIVersion)), version))
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
		drop(fmt.Sprintf("this %s has no metadata.name: give it one", head.Kind))
		return
	}
	normalise(object)
	it := item{id{head.Kind, object.GetNamespace(), object.GetName()}, where, object}
	for _, m := range mistakes {
		f.Mistakes = append(f.Mistakes, mistake(it, reason(m)))
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

// Unreadable is the type of a Secret whose document holds a mistake. It is
// handed over all the same, because what it may have protected must not be
// served as if there were no Secret.
const Unreadable corev1.SecretType = "dispatcher.30x.github.com/unreadable"

// newObject returns nil for kinds that nobody here reads.
func newObject(apiVersion, kind string) metav1.Object {
	// Workloads of all versions there ever were are alike in what is read here.
	switch group, _, _ := strings.Cut(apiVersion, "/"); group {
	case "apps", "extensions":
		switch kind {
		case "Deployment":
			return &appsv1.Deployment{}
		case "StatefulSet":
			return &appsv1.StatefulSet{}
		case "ReplicaSet":
			return &appsv1.ReplicaSet{}
		case "DaemonSet":
			return &appsv1.DaemonSet{}
		}
	}
	switch apiVersion + " " + kind {
	case "v1 Namespace":
		return &corev1.Namespace{}
	case "v1 Pod":
		return &corev1.Pod{}
	case "v1 Secret":
		return &corev1.Secret{}
	case "v1 ConfigMap":
		return &corev1.ConfigMap{}
	case "v1 Service":
		return &corev1.Service{}
	case "v1 Endpoints":
		return &corev1.Endpoints{} //nolint:staticcheck // deprecated, yet people have it in git
	case "v1 ReplicationController":
		return &corev1.ReplicationController{}
	case "discovery.k8s.io/v1 EndpointSlice":
		return &discoveryv1.EndpointSlice{}
	case "networking.k8s.io/v1 Ingress":
		return &networkingv1.Ingress{}
	case "networking.k8s.io/v1 IngressClass":
		return &networkingv1.IngressClass{}
	}
	return nil
}

// misnamed tells of a type that nobody has but that is close to one of ours, and
// says how to write that: a missing apiVersion, another of Kubernetes' own, or
// the kind in another case. Types of other groups are somebody else's.
func misnamed(apiVersion, kind string) (right string) {
	switch group, _, found := strings.Cut(apiVersion, "/"); {
	case found && group != "apps" && group != "extensions" && group != "core":
		return ""
	case !found && apiVersion != "" && apiVersion != "v1":
		return ""
	}
	for _, version := range []string{"v1", "apps/v1", "discovery.k8s.io/v1", "networking.k8s.io/v1"} {
		for _, k := range []string{"Namespace", "Pod", "Secret", "ConfigMap", "Service", "Endpoints", "ReplicationController",
			"Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "EndpointSlice", "Ingress", "IngressClass"} {
			if strings.EqualFold(k, kind) && newObject(version, k) != nil {
				return fmt.Sprintf("apiVersion: %s, kind: %s", version, k)
			}
		}
	}
	return ""
}

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
