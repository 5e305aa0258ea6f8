package table

import "github.com/30x/dispatcher/pkg/cluster"

// Problem tells the owner of an object what is wrong with one of its entries.
// Its texts are safe to log: foreign values in them are quoted and cut.
type Problem struct {
	Ref    cluster.Ref
	Key    string // the annotation's name and the place in it: "…paths[1].weight"
	Reason string // what is wrong, what happens now, and what to write instead
	// Passing: it may pass without a change of the object, and where nobody looks names
	// up it says nothing of the object at all.
	Passing bool
	Path    string // that it is about, among all that the Key stands for; "" if about all
}

// String is the one-line form: kind/namespace/name: key: reason.
func (p Problem) String() string {
	return p.Ref.String() + ": " + p.Key + ": " + p.Reason
}
