// Package limit knows how much one tenant may take up, once, in one table. What an
// operator has chosen enters; numbers leave, the words in which owners are told of them,
// and a count of what a Namespace has taken. It never drops anything itself, and never
// counts one tenant's entries for another.
package limit

import (
	"cmp"
	"fmt"
	"strings"
)

// Limits are the numbers that an operator may change. A zero field is the default.
type Limits struct {
	Hosts        int // of a Namespace
	Paths        int // entries of a Pod
	Locations    int // paths of hosts, of a Namespace
	AllLocations int // of all Namespaces together
	PathBytes    int // of a path as it is written
	Depth        int // of brackets in each other in an annotation
	KeyBytes     int // of an API key
	CertBytes    int // of a field of a Secret with certificates or a key
	Weight       int // of a Pod
	Pods         int // of a location
	Overrides    int // of a ConfigMap
	Endpoints    int // of a Namespace, each counted for every host and path
	AllEndpoints int // of all Namespaces together
}

// Default are the limits where an operator says nothing.
func Default() Limits {
	return Limits{
		Hosts: 100, Paths: 64, Locations: 2000, AllLocations: 50000, PathBytes: 1024, Depth: 8,
		KeyBytes: 2048, CertBytes: 64 << 10, Weight: 1000, Pods: 1000, Overrides: 10000,
		Endpoints: 20000, AllEndpoints: 200000,
	}
}

// What no setting changes, since nginx would not stand more.
const (
	Members      = 4000    // Pods with keys of a Namespace, each counted for every host and path
	AllOverrides = 40000   // overrides of a Namespace, counted alike
	Certificates = 4 << 20 // bytes of all certificates and keys of a Namespace's hosts: some hundred hosts. nginx needs many times that in memory
	Told         = 50      // Problems of an object, Events and lines of the log alike
	Contests     = 20      // Problems of a Namespace about others that declare what it serves
)

// Filled has the default in the place of each zero.
func (l Limits) Filled() Limits {
	d := Default()
	return Limits{
		Hosts: cmp.Or(l.Hosts, d.Hosts), Paths: cmp.Or(l.Paths, d.Paths), Locations: cmp.Or(l.Locations, d.Locations), AllLocations: cmp.Or(l.AllLocations, d.AllLocations),
		PathBytes: cmp.Or(l.PathBytes, d.PathBytes), Depth: cmp.Or(l.Depth, d.Depth), KeyBytes: cmp.Or(l.KeyBytes, d.KeyBytes), CertBytes: cmp.Or(l.CertBytes, d.CertBytes),
		Weight: cmp.Or(l.Weight, d.Weight), Pods: cmp.Or(l.Pods, d.Pods), Overrides: cmp.Or(l.Overrides, d.Overrides),
		Endpoints: cmp.Or(l.Endpoints, d.Endpoints), AllEndpoints: cmp.Or(l.AllEndpoints, d.AllEndpoints),
	}
}

// Row is one limit.
type Row struct {
	Setting     string
	Unit        string // what the number counts, in words
	Least, Most int    // that an operator may choose
	Help        string // what may be so much
	Beyond      string // what becomes of the rest
	at          func(*Limits) *int
}

// At is where the limit stands.
func (r Row) At(l *Limits) *int { return r.at(l) }

// Default is the number where an operator says nothing.
func (r Row) Default() int {
	d := Default()
	return *r.at(&d)
}

// Rows are all limits, in the order of the documentation.
func Rows() []Row {
	return []Row{
		{
			hosts, "a number of hosts", 1, 10000,
			"Hosts of a Namespace, in its annotation, in those of its Pods and in its Ingresses together; also entries of one annotation.",
			"The first stay: those of the Namespace's annotation in its order, then those of Pods by name, then those of Ingresses, the oldest first. All others are not served.",
			func(l *Limits) *int { return &l.Hosts },
		},
		{
			paths, "a number of entries", 1, 1000,
			"Entries of a Pod's annotation with paths.",
			"The first entries stay; the others are dropped.",
			func(l *Limits) *int { return &l.Paths },
		},
		{
			locations, "a number of paths", 1, 100000,
			"Paths of a Namespace, each counted for every host that it declares with it.",
			"The first hosts, in the order above, keep their paths; of the host where the number is reached the first paths stay in alphabetical order (of an Ingress: in its own); the others are not served. Requests for these are answered by the next shorter path of the host, if it has one.",
			func(l *Limits) *int { return &l.Locations },
		},
		{
			allLocations, "a number of paths", 1, 1000000,
			"Paths of all hosts of all Namespaces together.",
			"The Namespaces created first keep theirs.",
			func(l *Limits) *int { return &l.AllLocations },
		},
		{
			"MAX_PATH_BYTES", "a number of bytes", 1, 2048,
			"Bytes of a path or targetPath as it is written, percent encodings included.",
			"The entry is dropped.",
			func(l *Limits) *int { return &l.PathBytes },
		},
		{
			"MAX_JSON_DEPTH", "a number of levels", 6, 64,
			"Levels of brackets in each other in an annotation with JSON. A host with TLS needs 6.",
			"The host or the entry of a Pod is dropped.",
			func(l *Limits) *int { return &l.Depth },
		},
		{
			"MAX_KEY_BYTES", "a number of bytes", 1, 2048,
			"Bytes of an API key.",
			"The Namespace's paths answer 403; a second key is ignored.",
			func(l *Limits) *int { return &l.KeyBytes },
		},
		{
			"MAX_CERTIFICATE_BYTES", "a number of bytes", 4096, 64 << 10,
			"Bytes of a field of a Secret with certificates or a private key.",
			"The hosts that need it are not served, also not on plain HTTP.",
			func(l *Limits) *int { return &l.CertBytes },
		},
		{
			"MAX_WEIGHT", "a weight", 1, 65535,
			"Weight of a Pod.",
			"The entry is dropped.",
			func(l *Limits) *int { return &l.Weight },
		},
		{
			pods, "a number of Pods", 1, 10000,
			"Pods, or other endpoints, of one path of a host.",
			"Those that have been ready longest stay, then by name; with policy hash those of StatefulSets, then those created first, then by name. The others get no requests of the path.",
			func(l *Limits) *int { return &l.Pods },
		},
		{
			endpoints, "a number of endpoints", 1, 1000000,
			"Pods, or other endpoints, of all paths of a Namespace, each counted for every host and path.",
			"The paths where the number would be exceeded, in the order of hosts and paths above, answer 503.",
			func(l *Limits) *int { return &l.Endpoints },
		},
		{
			allEndpoints, "a number of endpoints", 1, 10000000,
			"The same of all Namespaces together.",
			"The Namespaces created first keep theirs; paths of others answer 503.",
			func(l *Limits) *int { return &l.AllEndpoints },
		},
		{
			"MAX_OVERRIDES", "a number of overrides", 1, AllOverrides,
			"Overrides of a ConfigMap that policy hash reads.",
			"The first stay in alphabetical order; of the other keys the hash decides.",
			func(l *Limits) *int { return &l.Overrides },
		},
	}
}

// The settings that words are made with.
const (
	hosts        = "MAX_HOSTS_PER_NAMESPACE"
	paths        = "MAX_PATHS_PER_POD"
	locations    = "MAX_LOCATIONS_PER_NAMESPACE"
	allLocations = "MAX_LOCATIONS"
	pods         = "MAX_PODS_PER_ROUTE"
	endpoints    = "MAX_ENDPOINTS_PER_NAMESPACE"
	allEndpoints = "MAX_ENDPOINTS"
)

// raise is what can be done about a limit beside staying below it.
func raise(setting string) string { return ", or have the operator raise " + setting }

// Entries says what is wrong with a number of entries beyond the limit of an annotation
// with paths.
func (l Limits) Entries(beyond int) string {
	return fmt.Sprintf("its last %s dropped: a Pod may have %d; remove some%s", counted(beyond, "entry is", "entries are"), l.Paths, raise(paths))
}

// Words says what is wrong with a number of hosts beyond the limit of an annotation.
func (l Limits) Words(beyond int) string {
	return fmt.Sprintf("its last %s dropped: a Namespace may have %d; remove some%s", counted(beyond, "host is", "hosts are"), l.Hosts, raise(hosts))
}

// Beyond says that a number of Pods of a path get no requests of it.
func (l Limits) Beyond(beyond int) string {
	return fmt.Sprintf("%s no requests of the path: it may have %d; give others another path%s", counted(beyond, "of its Pods gets", "of its Pods get"), l.Pods, raise(pods))
}

// Served says why the paths of a Namespace can't have so many endpoints, of which all
// Namespaces together would have all; "" if they can.
func (l Limits) Served(namespace string, n, all int) string {
	switch {
	case n > l.Endpoints:
		return fmt.Sprintf("the paths of Namespace %s have more than %d Pods or other endpoints together, each counted for every host and path; use fewer hosts, paths or replicas%s", namespace, l.Endpoints, raise(endpoints))
	case all > l.AllEndpoints:
		return fmt.Sprintf("the paths of all Namespaces have more than %d Pods or other endpoints together, and those of Namespaces created first count first; use fewer hosts, paths or replicas%s", l.AllEndpoints, raise(allEndpoints))
	}
	return ""
}

// Path says why a path is too long as it is written, nil if it isn't.
func (l Limits) Path(text string) error {
	return atMost(len(text), l.PathBytes, "the path has %d bytes", "MAX_PATH_BYTES")
}

// Key says why an API key of so many bytes is too long, nil if it isn't.
func (l Limits) Key(size int) error {
	return atMost(size, l.KeyBytes, "it has %d bytes", "MAX_KEY_BYTES")
}

// Levels says why a JSON value is nested too deeply, nil if it isn't. around is how many
// levels there are around it. Brackets in strings don't count.
func (l Limits) Levels(text []byte, around int) error {
	depth, deepest, inString := around, around, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return atMost(deepest, l.Depth, "it has %d levels of brackets in each other", "MAX_JSON_DEPTH")
}

func atMost(n, most int, what, setting string) error {
	if n <= most {
		return nil
	}
	return fmt.Errorf(what+", and may have %d: write a shorter one"+raise(setting), n, most)
}

// counted is a number and its noun.
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + strings.TrimSpace(one)
	}
	return fmt.Sprintf("%d %s", n, more)
}
