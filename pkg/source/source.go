// Package source is where objects come from: a Kubernetes API server, or
// manifest files. A client or a path enters; Events with typed objects leave.
// It decides nothing about routing, never changes an object in the cluster or
// a file, and an API or a file that can't be read withdraws nothing.
package source

import (
	"github.com/30x/dispatcher/pkg/source/manifest"
	"github.com/30x/dispatcher/pkg/source/watcher"
)

// Event is one thing that happened to an object, or the note that everything
// that exists has been delivered. Receivers must not change the Object.
type Event = watcher.Event

// Problem tells of a document that was dropped or holds a mistake.
type Problem = manifest.Problem
