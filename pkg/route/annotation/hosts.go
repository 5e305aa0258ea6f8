package route

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/internal/ordered"
	"github.com/30x/dispatcher/pkg/route/value"
)

// hostClaim is one host of a Namespace's hosts annotation.
type hostClaim struct {
	host value.Host
	// refused says why the host must not be served although its name is right:
	// its options ask for a protection that can't be given. Serving it without
	// would be worse than not at all.
	refused bool
}

// hostClaims reads a Namespace's hosts annotation. Each host is judged alone.
func (b *builder) hostClaims(ns *cluster.Namespace) []hostClaim {
	key := b.opts.HostsAnnotation
	text, ok := ns.Annotations[key]
	if !ok {
		return nil
	}
	members, err := ordered.Object([]byte(text))
	if err != nil {
		b.problem(ns.Ref, key, "none of its hosts is served: %v; write a JSON object like {\"www.example.com\": {}}", err)
		return nil
	}
	claims := make([]hostClaim, 0, len(members))
	seen := make(map[value.Host]int, len(members)) // place in claims
	for _, m := range members {
		place := fmt.Sprintf("%s[%s]", key, cluster.Quote(m.Name))
		host, err := value.ParseHost(m.Name)
		if err != nil {
			b.problem(ns.Ref, place, "the host is dropped: %v", err)
			continue
		}
		why := hostOptions(m.Value)
		if why != "" {
			b.problem(ns.Ref, place, "the host is not served, also not on plain HTTP: %s", why)
		}
		if i, twice := seen[host]; twice {
			b.problem(ns.Ref, place, "the host stands here twice (case and a trailing dot make no difference): remove this one")
			claims[i].refused = claims[i].refused || why != ""
			continue
		}
		seen[host] = len(claims)
		claims = append(claims, hostClaim{host: host, refused: why != ""})
	}
	return claims
}

// hostOptions judges the options of a host and says why it can't be served.
// Whatever is not understood could have been a misspelt protection, so it is refused.
func hostOptions(raw []byte) (why string) {
	if ordered.IsNull(raw) {
		return ""
	}
	options, err := ordered.Object(raw)
	if err != nil {
		return fmt.Sprintf("its options can't be read: %v; write {} for none", err)
	}
	for _, o := range options {
		switch {
		case o.Name != "ssl":
			return fmt.Sprintf("the option %s is unknown; write {} for none", cluster.Quote(o.Name))
		case !ordered.IsNull(o.Value):
			return "it asks for ssl, and TLS hosts are not supported by this version"
		}
	}
	return ""
}
