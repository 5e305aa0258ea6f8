// Package explain says what becomes of requests, and why. What is known of the cluster
// and what should be served enter, with a URL or the name of a Pod; an Explanation
// leaves, in words and as data: who answers, who doesn't, and what to do where something
// is wrong. It never sends a request, decides nothing that package route has not, and
// never shows an API key.
package explain

import (
	"github.com/30x/dispatcher/pkg/explain/explanation"
	"github.com/30x/dispatcher/pkg/explain/internal/ask"
	"github.com/30x/dispatcher/pkg/explain/internal/pod"
	"github.com/30x/dispatcher/pkg/explain/internal/world"
)

type (
	// World is world.World.
	World = world.World
	// Settings is world.Settings.
	Settings = world.Settings
	// Query is ask.Query.
	Query = ask.Query
	// Explanation is explanation.Explanation.
	Explanation = explanation.Explanation
)

// URL explains what becomes of requests for a URL. The error says what is wrong with
// the question, and what to write instead.
func URL(w World, q Query) (*Explanation, error) { return ask.URL(&w, q) }

// Pod explains what a Pod serves, by NAMESPACE/NAME, and what becomes of all else that
// is meant for it. The error says what is wrong with the question.
func Pod(w World, name string) (*Explanation, error) { return pod.Explain(&w, name) }
