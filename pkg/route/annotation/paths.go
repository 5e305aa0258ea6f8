package annotation

import (
	"encoding/json"
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation/internal/ordered"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Path is one entry of a Pod's annotation, not yet matched with the Pod's
// containers.
type Path struct {
	Index  int // in the array
	Base   value.Path
	Match  value.Match
	Port   string // number or name
	Weight int    // 0: none
	option.Options
}

// Paths reads a Pod's annotation. Each entry is judged alone.
func Paths(text string, l limit.Limits) (entries []Path, notes []Note) {
	l = l.Filled()
	complain := func(place, format string, args ...any) {
		notes = append(notes, Note{place, fmt.Sprintf(format, args...)})
	}
	elements, err := ordered.Array([]byte(text))
	if err != nil {
		complain("", "none of its paths is served: %v; write a JSON array like [{\"basePath\": \"/app\", \"containerPort\": 8080}]", err)
		return nil, notes
	}
	type key struct {
		path  string
		match value.Match
	}
	seen := map[key]bool{}
	for i, raw := range elements[:min(len(elements), l.Paths)] {
		place := fmt.Sprintf("[%d]", i)
		entry, bad := parsePath(raw, l, func(field, format string, args ...any) {
			complain(place+field, format, args...)
		})
		if bad {
			continue
		}
		entry.Index = i
		k := key{entry.Base.String(), entry.Match}
		if seen[k] {
			complain(place+".basePath", "the entry is dropped: %s stands in an earlier entry of this Pod; one path has one port", cluster.Quote(k.path))
			continue
		}
		seen[k] = true
		entries = append(entries, entry)
	}
	if beyond := len(elements) - l.Paths; beyond > 0 {
		complain("", "%s", l.Entries(beyond))
	}
	return entries, notes
}

// parsePath reads one entry; bad means that it is dropped, and complain
// has been told why.
func parsePath(raw json.RawMessage, l limit.Limits, complain func(field, format string, args ...any)) (e Path, bad bool) {
	members, err := []ordered.Member(nil), l.Levels(raw, 1)
	if err == nil {
		members, err = ordered.Object(raw)
	}
	if err != nil {
		complain("", "the entry is dropped: %v; write it like {\"basePath\": \"/app\", \"containerPort\": 8080}", err)
		return e, true
	}
	if len(members) > maxFields {
		complain("", "the entry is dropped: it has %d fields; known are %s", len(members), knownFields())
		return e, true
	}
	e.Match = value.Prefix
	drop := func(field string, err error) {
		complain("."+field, "the entry is dropped: %v", err)
		bad = true
	}
	seen := map[string]bool{}
	for _, m := range members {
		if seen[m.Name] {
			complain("."+value.Word(m.Name), "the entry is dropped: the field stands there twice; remove one of the two")
			bad = true
		}
		seen[m.Name] = true
		if ordered.IsNull(m.Value) {
			continue
		}
		var err error
		switch m.Name {
		case "basePath":
			e.Base, err = decode(m.Value, func(text string) (value.Path, error) { return option.ParsePath(text, l) })
		case "containerPort":
			e.Port, err = ordered.NumberText(m.Value)
		case "weight":
			var text string
			if text, err = ordered.NumberText(m.Value); err == nil {
				e.Weight, err = value.ParseWeight(text, l.Weight)
			}
		case "match":
			e.Match, err = decode(m.Value, value.ParseMatch)
		default:
			field, known := option.Find(m.Name)
			if !known {
				effect := "the field is ignored"
				if option.Protects(m.Name) {
					effect, bad = "the entry is dropped, since this field looks as if it were to protect it", true
				}
				complain("."+value.Word(m.Name), "%s: it is unknown; known are %s", effect, knownFields())
				continue
			}
			read := ordered.String
			if field.List {
				read = ordered.List
			}
			var text string
			if text, err = read(m.Value); err != nil {
				err = fmt.Errorf("%w: write it like %q", err, field.Example)
			} else {
				err = field.Parse(&e.Options, text, l)
			}
		}
		if err != nil {
			drop(m.Name, err)
		}
	}
	if e.Base.IsZero() && !bad {
		complain("", "the entry is dropped: it has no basePath; write one, like \"/app\"")
		return e, true
	}
	if e.Port == "" && !bad {
		complain("", "the entry is dropped: it has no containerPort; write one that a container declares, like 8080")
		return e, true
	}
	if e.Match == value.Prefix {
		// A prefix stands for its path with and without a trailing slash, as in
		// the Prefix path type of a Kubernetes Ingress.
		e.Base = e.Base.WithoutSlash()
	}
	return e, bad
}

// maxFields is far more than there are: each that is unknown is told.
const maxFields = 64

// knownFields lists those that an entry may have.
func knownFields() string { return "basePath, containerPort, weight, match, " + option.Names() }

// decode reads a text by the rules of parse.
func decode[T any](raw json.RawMessage, parse func(string) (T, error)) (v T, err error) {
	s, err := ordered.String(raw)
	if err != nil {
		return v, fmt.Errorf("%w: write it in double quotes", err)
	}
	return parse(s)
}
