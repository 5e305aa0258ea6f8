package ingress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// claim is a path of a host that an Ingress asks for.
type claim struct {
	ing       *ingress
	place     string // where in the Ingress
	path      value.Path
	match     value.Match
	backend   cluster.IngressBackend
	byDefault bool // it is that of spec.defaultBackend
}

func (c claim) key() table.Key { return table.Key{Path: c.path.String(), Match: c.match} }

// at is where in the Ingress a field of the path or its backend stands.
func (c claim) at(field string) string {
	if c.byDefault {
		return c.place + strings.TrimPrefix(strings.TrimPrefix(field, ".path"), ".backend")
	}
	return c.place + field
}

// addRules adds the paths of an Ingress' rules.
func (t *translator) addRules(ing *ingress) {
	if len(ing.Rules) == 0 && ing.Default == nil {
		t.problem(ing.Ref, "spec.rules", "nothing is served: it has neither rules nor a defaultBackend; write one of the two")
	}
	for i, rule := range ing.Rules {
		place := fmt.Sprintf("spec.rules[%d]", i)
		h := t.host(ing, place+".host", rule.Host)
		if h == nil {
			continue
		}
		if len(rule.Paths) == 0 && ing.Default == nil {
			t.problem(ing.Ref, place+".http", "nothing of the host is served by it: it has no paths; write some, or a defaultBackend")
		}
		for j, p := range rule.Paths {
			c := claim{ing: ing, place: fmt.Sprintf("%s.http.paths[%d]", place, j), backend: p.Backend}
			if t.read(&c, p) {
				t.claim(h, c)
			}
		}
	}
}

// addDefault lets an Ingress' default backend serve what no rule does: the other paths of
// its hosts, and hosts that nobody declares, which are for one Namespace alone. In
// another one only an Ingress without rules is told so: there the hosts are all that it
// is for.
func (t *translator) addDefault(ing *ingress) {
	if ing.Default == nil {
		return
	}
	const place = "spec.defaultBackend"
	root, _ := value.ParsePath("/")
	c := claim{ing, place, root, value.Prefix, *ing.Default, true}
	if len(ing.Rules) == 0 || ing.Namespace == t.opts.DefaultNamespace {
		t.host(ing, place, "")
	}
	for _, h := range ing.hosts {
		if other, taken := h.paths[c.key()]; !taken || other.byDefault {
			t.claim(h, c)
		}
	}
}

// host gives the host that an Ingress declares; nil if it can't be served, which has
// been told.
func (t *translator) host(ing *ingress, place, text string) *host {
	var name value.Host
	if text == "" {
		if t.opts.DefaultNamespace != ing.Namespace {
			t.problem(ing.Ref, place, "it is not served: requests for hosts that nobody declares are not for this Namespace; write a host, or have the operator set DEFAULT_NAMESPACE")
			return nil
		}
	} else {
		var err error
		if name, err = value.ParseHost(text); err != nil {
			t.problem(ing.Ref, place, "the rule is dropped: %v", err)
			return nil
		}
	}
	h := t.hosts[name]
	if h == nil {
		if why := t.refuse(name); why != "" {
			t.problem(ing.Ref, place, "the host is not served: %s", why)
			return nil
		}
		h = &host{Host: Host{Name: name, Ref: ing.Ref, Place: place}, paths: map[table.Key]claim{}}
		t.hosts[name] = h
	}
	if !slices.Contains(ing.hosts, h) {
		ing.hosts = append(ing.hosts, h)
	}
	return h
}

// refuse counts a host, and says why the Namespace may not have it; "" if it may.
func (t *translator) refuse(name value.Host) string {
	if name == (value.Host{}) {
		return t.in.Quota.Refuse(name)
	}
	return t.in.Quota.Host(name)
}

// read reads a path and how it is matched; false if it can't be served, which has been
// told.
func (t *translator) read(c *claim, p cluster.IngressPath) bool {
	switch p.Type {
	case "Exact":
		c.match = value.Exact
	case "Prefix", "ImplementationSpecific":
		c.match = value.Prefix
	default:
		t.problem(c.ing.Ref, c.at(".pathType"), "the path is dropped: %s is no type of path; write Prefix or Exact", cluster.Quote(p.Type))
		return false
	}
	text := p.Path
	if text == "" {
		text = "/"
	}
	var err error
	if c.path, err = option.ParsePath(text, t.opts.Limits); err != nil {
		t.problem(c.ing.Ref, c.at(".path"), "the path is dropped: %v", err)
		return false
	}
	if c.match == value.Prefix {
		c.path = c.path.WithoutSlash() // "/foo/" stands for "/foo", too
	}
	if p.Type == "ImplementationSpecific" && strings.ContainsAny(text, "*()") {
		t.problem(c.ing.Ref, c.at(".path"), "%s is taken as it stands, since there are no regular expressions: it serves the paths that begin with these characters; if others are meant, write them out", cluster.Quote(text))
	}
	return true
}

// claim gives a path of a host to an Ingress, unless another one has it.
func (t *translator) claim(h *host, c claim) {
	if first, taken := h.paths[c.key()]; taken {
		t.problem(c.ing.Ref, c.at(".path"), "the path %s of %s is not served by it: %s of Ingress %s, which comes first, serves it; remove one of the two",
			cluster.Quote(c.path.String()), h.show(), first.place, first.ing.Name)
		return
	}
	if t.in.Quota.Locations(1) == 0 {
		c.ing.beyond++
		return
	}
	h.paths[c.key()] = c
	h.Locations = append(h.Locations, t.serve(c))
}

// show is the host in words.
func (h *Host) show() string {
	if h.Name == (value.Host{}) {
		return "hosts that nobody declares"
	}
	return h.Name.String()
}
