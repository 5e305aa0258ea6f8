// Package annotation reads the annotations of Namespaces and Pods. Their text
// enters; entries leave, with a Note on each that was dropped or needs
// attention. It knows no other object than the one that it reads, and never
// lets one bad entry drop its neighbours.
package annotation

import (
	"encoding/json"
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation/internal/ordered"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Note says what is wrong with an annotation, and what to write instead.
type Note struct {
	Place  string // follows the annotation's name: "", "[1].weight", `["www.example.com"]`
	Reason string
}

// Host is one host of a Namespace's annotation.
type Host struct {
	Name  value.Host
	Place string // as in Note
	TLS   *TLS   // nil: plain HTTP
	// Refused says that the host must not be served although its name is right:
	// its options ask for a protection that can't be given. Serving it without
	// would be worse than not at all.
	Refused bool
}

// Hosts reads a Namespace's annotation. Each host is judged alone. secret is the
// name of the Secret whose fields its options may refer to.
func Hosts(text, secret string, l limit.Limits) (hosts []Host, notes []Note) {
	l = l.Filled()
	members, err := ordered.Object([]byte(text))
	if err != nil {
		return nil, []Note{{"", fmt.Sprintf("none of its hosts is served: %v; write a JSON object like {\"www.example.com\": {}}", err)}}
	}
	seen := make(map[value.Host]int, len(members)) // place in hosts
	for n, m := range members {
		name, err := value.ParseHost(m.Name)
		i, twice := seen[name]
		if n >= l.Hosts { // more than the limit, which is told below
			if twice && !hosts[i].Refused { // the other may ask for a protection
				hosts[i].Refused = true
				notes = append(notes, Note{hosts[i].Place, NotServed + "it stands here again beyond the number of hosts that there may be; remove that one"})
			}
			continue
		}
		place := fmt.Sprintf("[%s]", cluster.Quote(m.Name))
		if err != nil {
			notes = append(notes, Note{place, fmt.Sprintf("the host is dropped: %v", err)})
			continue
		}
		host, told := readHost(name, place, m.Value, secret, l)
		if twice {
			told = append(told, Note{place, "the host stands here twice (case and a trailing dot make no difference): remove this one"})
			hosts[i].Refused = hosts[i].Refused || host.asksMore(hosts[i])
		} else {
			seen[name] = len(hosts)
			hosts = append(hosts, host)
		}
		notes = append(notes, told...)
	}
	if beyond := len(members) - l.Hosts; beyond > 0 {
		notes = append(notes, Note{"", l.Words(beyond)})
	}
	return hosts, notes
}

// readHost reads a host's options.
func readHost(name value.Host, place string, raw json.RawMessage, secret string, l limit.Limits) (h Host, notes []Note) {
	h = Host{Name: name, Place: place}
	var why *refusal
	if err := l.Levels(raw, 1); err != nil {
		why = refuse("", "%v", err)
	} else {
		h.TLS, why = options(raw, secret)
	}
	if why != nil {
		h.Refused = true
		notes = append(notes, Note{place + why.place, NotServed + why.reason})
	}
	return h, notes
}

// NotServed begins the reason why a host's options close it.
const NotServed = "the host is not served, also not on plain HTTP: "

// asksMore reports whether h asks for a protection that o doesn't.
func (h Host) asksMore(o Host) bool {
	return h.Refused || h.TLS != nil && (o.TLS == nil || h.TLS.ClientCertificate != "" && o.TLS.ClientCertificate == "")
}
