// Package keyed lays out which Pod gets the requests of which key, in nginx's own
// words: lines of split_clients and of maps. What a table says of a location enters;
// a Keyed for templates leaves. It never decides where a key goes, and never drops
// one.
package keyed

import (
	"strconv"
	"strings"

	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Keyed is the keys of one location. Lines are ready for nginx, since there may be
// thousands, which a template would take long to write; each begins with a line feed.
type Keyed struct {
	Name string // ends the names of its variables
	Key  string // nginx's variable with a request's key
	// Slots are lines of split_clients: "12.34% pods-…;", and "* pods-…;" for the rest.
	// They are not joined where neighbours are the same: nginx rounds each of them, and
	// so a few keys would move.
	Slots     string
	Overrides []Level
	// HasNone: some keys have None in the place of an upstream.
	HasNone bool
}

// None stands for the upstream of a Pod that has no address just now.
const None = "none"

// Level is overrides that can stand in one map.
type Level struct {
	Name string // ends the names of its variables
	To   string // lines of a map from the key to an upstream, or None
	Keys string // lines of a map from the key, in any case, to "=" and the key
}

// indent begins a line.
const indent = "\n    "

// New lays out the keys of a location. depth is the number of segments of its path.
// In a dynamic configuration nginx asks for the endpoint of each Pod, and one without
// an address is no None.
func New(up *route.Upstream, depth int, dynamic bool) *Keyed {
	k := &Keyed{Name: strings.TrimPrefix(up.Name, "pods-"), Key: variable(up.Keyed.Key, depth)}
	to := make([]string, len(up.Keyed.Members))
	for i, m := range up.Keyed.Members {
		if to[i] = m.Upstream; m.Endpoint == nil && !dynamic {
			to[i] = None
		}
	}
	pick := func(member int) string {
		k.HasNone = k.HasNone || to[member] == None
		return to[member]
	}
	var lines strings.Builder
	last := len(up.Keyed.Slots) - 1
	for i, s := range up.Keyed.Slots {
		share := "*"
		if i < last {
			share = percent(s.Units)
		}
		write(&lines, indent, share, " ", pick(s.Member), ";")
	}
	k.Slots = lines.String()
	for i, overrides := range levels(up.Keyed.Overrides) {
		name := k.Name
		if i > 0 {
			name += "_" + strconv.Itoa(i+1)
		}
		var to, keys strings.Builder
		for _, o := range overrides {
			key := o.Key.String()
			write(&to, indent, `"`, word(key), `" `, pick(o.Member), ";")
			write(&keys, indent, `"`, word(key), `" "=`, key, `";`)
		}
		k.Overrides = append(k.Overrides, Level{name, to.String(), keys.String()})
	}
	return k
}

func write(b *strings.Builder, texts ...string) {
	for _, t := range texts {
		b.WriteString(t)
	}
}

// percent writes units of table.SlotUnits, hundredths of a percent: "12.34%".
func percent(units int) string {
	whole, rest := strconv.Itoa(units/100), strconv.Itoa(units%100)
	switch {
	case rest == "0":
		return whole + "%"
	case len(rest) == 1:
		rest = "0" + rest
	}
	return whole + "." + rest + "%"
}

// Label and Segment are the names of variables that maps with constant regular
// expressions set; a number follows Segment.
const (
	Label   = "host_label"
	Segment = "segment_"
)

// variable is where nginx has a request's key. One that is missing is empty.
func variable(k value.KeySource, depth int) string {
	name := strings.ReplaceAll(strings.ToLower(k.Name()), "-", "_")
	switch k.Kind() {
	case value.KeySegment:
		return "$" + Segment + strconv.Itoa(depth+k.Segment())
	case value.KeyArg:
		return "$arg_" + name
	case value.KeyHeader:
		return "$http_" + name
	case value.KeyCookie:
		return "$cookie_" + name
	}
	return "$" + Label
}

// word takes the meaning away from keys that have one in a map.
func word(key string) string {
	switch key {
	case "default", "include", "hostnames", "volatile":
		return `\` + key
	}
	return key
}
