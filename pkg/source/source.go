// Package source is where objects come from: a Kubernetes API server, or
// manifest files. A client or a path enters; Events with typed objects leave.
// It decides nothing about routing, never changes an object in the cluster or
// a file, and an API or a file that can't be read withdraws nothing.
package source

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/source/manifest"
)

// Event is one thing that happened to an object, or the note that everything
// that exists has been delivered. Receivers must not change the Object.
type Event struct {
	Object  metav1.Object // *corev1.Namespace, *corev1.Pod, …; nil with Synced
	Deleted bool
	Synced  bool // all objects that existed at the start have been sent
}

// Problem tells of a document that was dropped or holds a mistake.
type Problem = manifest.Problem
