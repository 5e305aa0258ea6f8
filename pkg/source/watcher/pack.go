package watcher

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/30x/dispatcher/pkg/source/watcher/internal/trim"
)

// packed is a trimmed object in the form in which the API sends it, which takes up
// a quarter of the memory. client-go gathers a list until its last object is here;
// only packed ones wait for it.
type packed struct {
	metav1.TypeMeta
	metav1.ObjectMeta // no more than names and the version
	text              []byte
}

// pack is called as soon as an object is decoded. client-go may give it the same
// one again.
func pack(o any) (any, error) {
	if p, ok := o.(*packed); ok {
		return p, nil
	}
	full, ok := o.(Object)
	if !ok {
		return nil, fmt.Errorf("the Kubernetes API has sent a %T", o)
	}
	trim.Object(full)
	text, err := full.Marshal()
	if err != nil {
		return nil, fmt.Errorf("pack %s/%s: %w", full.GetNamespace(), full.GetName(), err)
	}
	return &packed{
		ObjectMeta: metav1.ObjectMeta{Namespace: full.GetNamespace(), Name: full.GetName(), ResourceVersion: full.GetResourceVersion()},
		text:       text,
	}, nil
}

// unpack gives the object, which is of the same kind as the empty one. Without a
// text it has only its name.
func (p *packed) unpack(empty Object) (Object, error) {
	o, ok := empty.DeepCopyObject().(Object)
	if !ok {
		return nil, fmt.Errorf("a copy of a %T is none", empty)
	}
	o.SetNamespace(p.Namespace)
	o.SetName(p.Name)
	if err := o.Unmarshal(p.text); err != nil {
		return nil, fmt.Errorf("unpack %s/%s: %w", p.Namespace, p.Name, err)
	}
	return o, nil
}

// DeepCopyObject is part of runtime.Object. The text is never changed.
func (p *packed) DeepCopyObject() runtime.Object {
	c := *p
	return &c
}

// packedList is a list of all objects of a kind.
type packedList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []*packed
}

// DeepCopyObject is part of runtime.Object.
func (l *packedList) DeepCopyObject() runtime.Object {
	c := *l
	return &c
}
