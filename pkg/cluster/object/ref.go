// Package object cuts objects of a cluster to what routing needs of them. An object of
// the Kubernetes API enters; one of our own leaves, or the error that its name is none
// that Kubernetes would accept. It never keeps one, and never judges what is in it.
package object

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Ref names one object. Its parts are valid Kubernetes names: a Ref is made
// only by NewRef, so it is safe in a log line, a comment and a file.
type Ref struct {
	Kind      string // "Pod", "Namespace", …
	Namespace string // empty for cluster-scoped objects
	Name      string
}

// NewRef checks the object's names by the rules of the API server (DNS-1123
// label for a namespace, DNS-1123 subdomain for a name), because objects from
// a file have not passed one. The error quotes what is wrong.
func NewRef(kind string, o metav1.Object) (Ref, error) {
	namespace, name := o.GetNamespace(), o.GetName()
	if errs := validation.IsDNS1123Subdomain(name); len(errs) > 0 {
		return Ref{}, fmt.Errorf("%s: metadata.name: %s is not a valid name: %s", kind, Quote(name), errs[0])
	}
	if namespace != "" {
		if errs := validation.IsDNS1123Label(namespace); len(errs) > 0 {
			return Ref{}, fmt.Errorf("%s/%s: metadata.namespace: %s is not a valid namespace: %s", kind, name, Quote(namespace), errs[0])
		}
	}
	return Ref{Kind: kind, Namespace: namespace, Name: name}, nil
}

// String gives kind/namespace/name, or kind/name for a cluster-scoped object.
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + "/" + r.Name
	}
	return r.Kind + "/" + r.Namespace + "/" + r.Name
}

// Quote makes any text safe to show: quoted in ASCII, control characters
// escaped, and cut to 80 bytes.
func Quote(s string) string {
	const limit = 80
	if len(s) > limit {
		return fmt.Sprintf("%+q (the first %d of %d bytes)", s[:limit], limit, len(s))
	}
	return fmt.Sprintf("%+q", s)
}

// Created is when the object was created, Unix seconds; 0 if it does not say.
func Created(o metav1.Object) int64 {
	if t := o.GetCreationTimestamp(); !t.IsZero() {
		return t.Unix()
	}
	return 0
}

// Pick leaves the given keys; nil if there is none of them.
func Pick(from map[string]string, keys []string) map[string]string {
	var out map[string]string
	for _, k := range keys {
		if v, ok := from[k]; ok {
			if out == nil {
				out = make(map[string]string, len(keys))
			}
			out[k] = v
		}
	}
	return out
}

// PickPrefixed leaves the given keys and all that begin with the prefix, unless that is
// empty.
func PickPrefixed(from map[string]string, keys []string, prefix string) map[string]string {
	for k := range from {
		if prefix != "" && strings.HasPrefix(k, prefix) && !slices.Contains(keys, k) {
			keys = append(slices.Clip(keys), k)
		}
	}
	return Pick(from, keys)
}

// Address reads the address of a Pod, a node or a Service. ok is false if the text is
// none, or means every address.
func Address(text string) (ip netip.Addr, ok bool) {
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" || ip.IsUnspecified() {
		return netip.Addr{}, false
	}
	return ip.Unmap(), true
}
