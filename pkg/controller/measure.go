package controller

import "github.com/30x/dispatcher/pkg/controller/internal/account"

type (
	// Turn is what there is to measure of one turn. It is zero in a Report that
	// follows none.
	Turn = account.Turn
	// Step is one step of a turn: "build" or "render".
	Step = account.Step
)

// Causes are all that Turn.Cause may be: what changed since the last turn, but
// for the Changes of an operator, which are named by their What.
func Causes() []string { return account.Causes() }
