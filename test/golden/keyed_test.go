package golden

import (
	"fmt"
	"strings"

	crossplane "github.com/nginxinc/nginx-go-crossplane"
)

// keys are what a configuration says of keys, by the variable that it sets.
type keys map[string][]string

// where says where the keys of a block with rows go: split_clients, or a map of
// overrides. Other maps are the same everywhere.
func (l *lister) where(d *crossplane.Directive) {
	name := d.Args[1]
	if d.Directive == "map" && !strings.HasPrefix(name, "$override_") {
		return
	}
	for _, row := range d.Block {
		to := row.Args[0]
		switch {
		case d.Directive == "map" && row.Directive == "default":
			if to != "" {
				l.fail("map %s: default %s", name, to)
			}
			continue
		case strings.HasPrefix(name, "$override_key_"):
			if to != "="+strings.TrimPrefix(row.Directive, `\`) {
				l.fail("map %s: %s is compared with %s", name, row.Directive, to)
			}
			continue
		case to != "none":
			upstream, ok := l.upstreams[to]
			if !ok {
				l.fail("%s %s: %s does not exist", d.Directive, name, to)
			}
			l.used[to] = true
			to = upstream
		}
		what := row.Directive
		if d.Directive == "map" {
			what += " to"
		}
		l.keys[name] = append(l.keys[name], what+" "+to)
	}
	l.source[name] = d.Args[0]
}

// member says where the keys of a location go, from the directives that choose.
func (l *lister) member(chosen []string) string {
	var parts []string
	for _, name := range chosen {
		rows := l.keys[name]
		if rows == nil {
			l.fail("%s does not exist", name)
		}
		parts = append(parts, fmt.Sprintf("%s: %s", l.source[name], strings.Join(rows, ", ")))
	}
	return "by " + strings.Join(parts, "; but ")
}

// chooses gives the variable from which a directive takes the Pod of a key, "" if it
// is none of these.
func chooses(d *crossplane.Directive) string {
	switch {
	case d.Directive == "set" && d.Args[0] == "$member":
		return d.Args[1]
	case d.Directive == "if" && strings.HasPrefix(strings.Join(d.Args, " "), "$override_key_"):
		return d.Block[0].Args[1]
	}
	return ""
}
