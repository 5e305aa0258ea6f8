package route

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/internal/ordered"
	"github.com/30x/dispatcher/pkg/route/value"
)

// pathEntry is one entry of a Pod's paths annotation, read but not yet matched
// with the Pod's containers.
type pathEntry struct {
	index  int
	path   value.Path
	match  Match
	port   string     // number or name
	target value.Path // zero: none
	weight int        // 0: none
}

func (e pathEntry) key() pathKey { return pathKey{e.path.String(), e.match} }

// note is a Problem that has no object yet.
type note struct{ place, reason string }

// parsedPaths is all that one annotation text says. It is the same for all
// Pods with that text, so each text is read once in a Build.
type parsedPaths struct {
	entries []pathEntry
	notes   []note
}

// parsePaths reads a paths annotation. Each entry is judged alone.
func parsePaths(text string) parsedPaths {
	var out parsedPaths
	complain := func(place, format string, args ...any) {
		out.notes = append(out.notes, note{place, fmt.Sprintf(format, args...)})
	}
	elements, err := ordered.Array([]byte(text))
	if err != nil {
		complain("", "none of its paths is served: %v; write a JSON array like [{\"basePath\": \"/app\", \"containerPort\": 8080}]", err)
		return out
	}
	seen := map[pathKey]bool{}
	for i, raw := range elements {
		place := fmt.Sprintf("[%d]", i)
		entry, bad := parsePathEntry(raw, func(field, format string, args ...any) {
			complain(place+field, format, args...)
		})
		if bad {
			continue
		}
		entry.index = i
		if seen[entry.key()] {
			complain(place+".basePath", "the entry is dropped: %s stands in an earlier entry of this Pod; one path has one port", cluster.Quote(entry.path.String()))
			continue
		}
		seen[entry.key()] = true
		out.entries = append(out.entries, entry)
	}
	return out
}

// parsePathEntry reads one entry; bad means that it is dropped, and complain
// has been told why.
func parsePathEntry(raw json.RawMessage, complain func(field, format string, args ...any)) (e pathEntry, bad bool) {
	members, err := ordered.Object(raw)
	if err != nil {
		complain("", "the entry is dropped: %v", err)
		return e, true
	}
	e.match = Prefix
	drop := func(field string, err error) {
		complain("."+field, "the entry is dropped: %v", err)
		bad = true
	}
	seen := map[string]bool{}
	for _, m := range members {
		if seen[m.Name] {
			complain("."+quoteField(m.Name), "the entry is dropped: the field stands there twice")
			bad = true
		}
		seen[m.Name] = true
		if ordered.IsNull(m.Value) {
			continue
		}
		var err error
		switch m.Name {
		case "basePath":
			e.path, err = decodePath(m.Value)
		case "targetPath":
			e.target, err = decodePath(m.Value)
		case "containerPort":
			e.port, err = ordered.NumberText(m.Value)
		case "weight":
			var text string
			if text, err = ordered.NumberText(m.Value); err == nil {
				e.weight, err = value.ParseWeight(text)
			}
		case "match":
			e.match, err = decodeMatch(m.Value)
		default:
			complain("."+quoteField(m.Name), "the field is ignored: it is unknown; known are basePath, containerPort, targetPath, weight and match")
		}
		if err != nil {
			drop(m.Name, err)
		}
	}
	if e.path.IsZero() && !bad {
		complain("", "the entry is dropped: it has no basePath")
		return e, true
	}
	if e.port == "" && !bad {
		complain("", "the entry is dropped: it has no containerPort")
		return e, true
	}
	if e.match == Prefix {
		// A prefix stands for its path with and without a trailing slash, as in
		// the Prefix path type of a Kubernetes Ingress.
		e.path = e.path.WithoutSlash()
	}
	return e, bad
}

func decodePath(raw json.RawMessage) (value.Path, error) {
	s, err := ordered.String(raw)
	if err != nil {
		return value.Path{}, err
	}
	return value.ParsePath(s)
}

func decodeMatch(raw json.RawMessage) (Match, error) {
	s, err := ordered.String(raw)
	if m := Match(s); err == nil && (m == Prefix || m == Exact) {
		return m, nil
	}
	return "", fmt.Errorf("%s is not a kind of match: write \"prefix\" or \"exact\"", cluster.Quote(s))
}

// quoteField shows a field's name as it is if it is a plain word.
func quoteField(name string) string {
	for i := range len(name) {
		if !value.IsAlphanumeric(name[i]) || i > 40 {
			return cluster.Quote(name)
		}
	}
	return cmp.Or(name, `""`)
}

// resolvePort finds the declared port that an entry means, and its container.
func resolvePort(p *cluster.Pod, text string) (value.Port, *cluster.Container, error) {
	number, numberErr := value.ParsePort(text)
	for i := range p.Containers {
		c := &p.Containers[i]
		for _, declared := range c.Ports {
			if declared.Number < 1 || declared.Number > 65535 {
				continue
			}
			if numberErr == nil && value.Port(declared.Number) == number || numberErr != nil && declared.Name != "" && declared.Name == text {
				return value.Port(declared.Number), c, nil
			}
		}
	}
	if numberErr == nil {
		return 0, nil, fmt.Errorf("no container declares TCP port %d: add it to the container's ports", number)
	}
	return 0, nil, fmt.Errorf("%s is neither a port from 1 to 65535 nor the name of a TCP port that a container declares", cluster.Quote(text))
}
