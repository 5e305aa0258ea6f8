// Package table is what a table of settings is made of. Rows enter; flags, help and a
// page leave, and the values that were chosen. It never reads the environment itself,
// and never parses a value.
package table

import (
	"regexp"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Group is a heading of the help.
type Group string

// Setting is one row of the table. Made only by Row.
type Setting struct {
	Group Group
	Env   string             // environment name; the flag's is made from it
	Arg   string             // what the value is, for the help; "" for a boolean
	Def   string             // default, parsed like any other value
	Help  string             // one or two sentences
	Set   func(string) error // parses a value, and stores it
}

// Row makes a row of its parts, in the order of Setting's fields.
func Row(g Group, env, arg, def, help string, set func(string) error) Setting {
	return Setting{Group: g, Env: env, Arg: arg, Def: def, Help: help, Set: set}
}

// Flag is the setting's flag without dashes: its environment name in lower-kebab.
func (s Setting) Flag() string {
	return strings.ToLower(strings.ReplaceAll(s.Env, "_", "-"))
}

// Origin is where else a value comes from, for the help.
func (s Setting) Origin() string {
	if s.Def == "" {
		return s.Env
	}
	return s.Env + ", default " + s.Def
}

// Into makes a row's Set function: parse, then store.
func Into[T any](field *T, parse func(string) (T, error)) func(string) error {
	return func(value string) error {
		v, err := parse(value)
		if err != nil {
			return err
		}
		*field = v
		return nil
	}
}

// password is what may be a user's password or token in a URL.
var password = regexp.MustCompile(`(?s):.*@`)

// Shown is a value as an error may show it: quoted, cut and without password.
func Shown(value string) string {
	return cluster.Quote(password.ReplaceAllString(value, ":***@"))
}
