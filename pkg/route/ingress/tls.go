package ingress

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/value"
)

// wish is an entry of spec.tls that asks for a host's TLS.
type wish struct {
	ing    cluster.Ref
	place  string
	secret string
}

// ranks are an Ingress' entries that name a host, by how well they do: by its very name,
// by a wildcard, or by naming none.
type ranks [3][]wish

// addWishes finds out for which hosts an Ingress asks for TLS, and tells of names that
// nobody has a rule for.
func (t *translator) addWishes(ing *ingress) {
	found := map[*host]*ranks{}
	add := func(h *host, rank int, w wish) {
		if found[h] == nil {
			found[h] = &ranks{}
		}
		found[h][rank] = append(found[h][rank], w)
	}
	for i, entry := range ing.TLS {
		w := wish{ing.Ref, fmt.Sprintf("spec.tls[%d]", i), entry.Secret}
		for j, text := range entry.Hosts {
			place := fmt.Sprintf("%s.hosts[%d]", w.place, j)
			name, err := value.ParseHost(text)
			if err != nil {
				t.problem(ing.Ref, place, "the name is dropped: %v", err)
				continue
			}
			exact := t.hosts[name]
			used := exact != nil
			if used {
				add(exact, 0, w)
			}
			for _, h := range ing.hosts {
				if covers(name, h.Name) {
					add(h, 1, w)
					used = true
				}
			}
			if !used {
				t.problem(ing.Ref, place, "it has no effect: no rule is for the host %s; write one, or remove the name", name)
			}
		}
		for _, h := range ing.hosts {
			if len(entry.Hosts) == 0 {
				add(h, 2, w)
			}
		}
	}
	for h, ranks := range found {
		for _, wishes := range ranks {
			if len(wishes) > 0 {
				h.wishes = append(h.wishes, wishes...)
				break
			}
		}
	}
}

// covers reports whether a wildcard stands for a host, too.
func covers(wildcard, h value.Host) bool {
	return wildcard.Wildcard() && !h.Wildcard() && wildcard.Parent() == h.Parent()
}

// grant takes the first wish with a Secret, or refuses the host.
func (t *translator) grant(h *host) {
	if len(h.wishes) == 0 {
		return
	}
	first := h.wishes[0]
	for i := len(h.wishes) - 1; i >= 0; i-- {
		if h.wishes[i].secret != "" {
			first = h.wishes[i]
		}
	}
	name, err := value.ParseObjectName(first.secret)
	refuse := func(field, format string, args ...any) {
		h.Refused = true
		t.problem(first.ing, first.place+field, "%s", fmt.Sprintf("%s: not served, also not on plain HTTP: ", h.show())+fmt.Sprintf(format, args...))
	}
	switch {
	case h.Name == (value.Host{}):
		refuse(".hosts", "TLS needs a name; write the hosts that the entry is for")
	case !t.opts.TLS:
		refuse("", "TLS for Ingresses is off; the operator turns it on with INGRESS_TLS")
	case first.secret == "":
		refuse(".secretName", "it asks for TLS without a certificate; name a Secret of type kubernetes.io/tls")
	case err != nil:
		refuse(".secretName", "%v", err)
	default:
		h.TLS = &TLS{Secret: name.String(), Ref: first.ing, Place: first.place + ".secretName"}
		for _, w := range h.wishes {
			if w.secret != "" && w.secret != first.secret {
				t.problem(w.ing, w.place+".secretName", "the Secret is not used for %s: %s of Ingress %s, which comes first, names Secret %s; name the same in both", h.show(), first.place, first.ing.Name, name)
			}
		}
	}
}
