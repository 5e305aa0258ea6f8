package annotation

import (
	"fmt"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/value"
)

// HostWords reads hosts that are separated by white space, as a Pod's annotation
// trafficHosts lists them (k8s-pods-ingress). Each is judged alone.
func HostWords(text string, l limit.Limits) (hosts []Host, notes []Note) {
	l = l.Filled()
	seen, words := map[value.Host]bool{}, strings.Fields(text)
	for i, word := range words[:min(len(words), l.Hosts)] {
		place := fmt.Sprintf("[%d]", i)
		name, err := value.ParseHost(word)
		switch {
		case err != nil:
			notes = append(notes, Note{place, fmt.Sprintf("the host is dropped: %v", err)})
		case !seen[name]: // twice is once
			seen[name] = true
			hosts = append(hosts, Host{Name: name, Place: place})
		}
	}
	if beyond := len(words) - l.Hosts; beyond > 0 {
		notes = append(notes, Note{"", l.Words(beyond)})
	}
	if len(hosts) == 0 && len(notes) == 0 {
		notes = append(notes, Note{"", "the Pod is not routed: no host stands there; write them with spaces between, like \"www.example.com api.example.com\""})
	}
	return hosts, notes
}

// PathWords reads entries of the form PORT:PATH that are separated by white space, as
// a Pod's annotation publicPaths lists them (k8s-pods-ingress). Each is judged alone.
func PathWords(text string, l limit.Limits) (entries []Path, notes []Note) {
	l = l.Filled()
	seen, words := map[value.Path]string{}, strings.Fields(text) // path → port
	for i, word := range words[:min(len(words), l.Paths)] {
		place := fmt.Sprintf("[%d]", i)
		e, err := parsePathWord(word, l)
		if err != nil {
			notes = append(notes, Note{place, fmt.Sprintf("the entry is dropped: %v", err)})
			continue
		}
		e.Index = i
		port, twice := seen[e.Base]
		switch {
		case twice && port != e.Port:
			notes = append(notes, Note{place, fmt.Sprintf("the entry is dropped: %s stands in an earlier entry with port %s; one path has one port", cluster.Quote(e.Base.String()), port)})
		case !twice:
			seen[e.Base] = e.Port
			entries = append(entries, e)
		}
	}
	if beyond := len(words) - l.Paths; beyond > 0 {
		notes = append(notes, Note{"", l.Entries(beyond)})
	}
	if len(entries) == 0 && len(notes) == 0 {
		notes = append(notes, Note{"", "the Pod is not routed: no path stands there; write them with spaces between, like \"80:/ 3000:/nodejs\""})
	}
	return entries, notes
}

func parsePathWord(word string, l limit.Limits) (e Path, err error) {
	port, path, ok := strings.Cut(word, ":")
	if !ok {
		return e, fmt.Errorf("%s has no colon: write PORT:PATH, like 3000:/nodejs", cluster.Quote(word))
	}
	if _, err := value.ParsePort(port); err != nil {
		return e, err
	}
	base, err := option.ParsePath(path, l)
	if err != nil {
		return e, err
	}
	return Path{Port: port, Base: base.WithoutSlash(), Match: value.Prefix}, nil
}
