package backend

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Asked is what the annotations of a Service or an Ingress ask for.
type Asked struct {
	option.Options
	Clients Clients // who is let in; it stands for Options.Sources
	// Unserved: nobody may be asked, since it can't be read who should be. It has been
	// told.
	Unserved bool

	set    map[string]bool // names of the options that are there
	unread map[string]bool // of these, those for which it is Unserved
}

// Sets reports whether an option is among the annotations.
func (a Asked) Sets(option string) bool { return a.set[option] }

// Over is what holds where an Ingress asks for a and its Service for base: option by
// option what the Ingress says, but protections of both.
func (a Asked) Over(base Asked) Asked {
	if len(a.set) == 0 { // as nearly always
		base.Clients = a.Clients.And(base.Clients)
		return base
	}
	out := Asked{
		Options: base.Options,
		Clients: a.Clients.And(base.Clients),
		set:     map[string]bool{},
		unread:  map[string]bool{},
	}
	for _, f := range option.Fields() {
		from := base
		if a.set[f.Name] {
			from = a
			f.Copy(&out.Options, a.Options)
		}
		out.set[f.Name], out.unread[f.Name] = from.set[f.Name], from.unread[f.Name]
		out.Unserved = out.Unserved || from.unread[f.Name]
	}
	out.Auth = a.Auth || base.Auth
	return out
}

// Read reads an object's annotations. One that can't be used is left out, but not where
// that would let somebody in, or send requests to Pods that must not have them.
func Read(ref cluster.Ref, annotations map[string]string, opts Options) (a Asked, notes []Note) {
	if len(annotations) == 0 {
		return a, nil
	}
	a.set, a.unread = map[string]bool{}, map[string]bool{}
	fields := option.Fields()
	for _, f := range fields {
		key := opts.Prefix + f.Name
		text, ok := annotations[key]
		if !ok {
			continue
		}
		a.set[f.Name] = true
		err := f.Parse(&a.Options, text, opts.Limits)
		effect := "the option is ignored"
		switch {
		case f.Name == "allowSourceRanges":
			a.Clients, effect = Only(a.Sources.Prefixes()), "all requests are answered with 403"
		case err == nil:
			continue
		case f.Name == "auth":
			a.Auth, effect = true, "an API key is demanded"
		case slices.Contains([]string{"policy", "backendProtocol", "backendHost"}, f.Name):
			a.Unserved, a.unread[f.Name], effect = true, true, "all requests are answered with 503"
		default:
			a.set[f.Name] = false
		}
		if err != nil {
			notes = append(notes, Note{Ref: ref, Key: key, Reason: fmt.Sprintf("%s: %v", effect, err)})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		text, ours := strings.CutPrefix(key, opts.Prefix)
		known := slices.Contains(opts.Known, key) || slices.ContainsFunc(fields, func(f option.Field) bool { return f.Name == text })
		if !ours || known {
			continue
		}
		effect := "the option is ignored"
		if option.Protects(text) {
			a.Clients, effect = a.Clients.And(Only(nil)), "all requests are answered with 403"
		}
		notes = append(notes, Note{Ref: ref, Key: opts.Prefix + value.Word(text), Reason: effect + ": it is unknown; known are " + option.Names()})
	}
	return a, notes
}
