package value

import (
	"fmt"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Policy says how the Pods of a path share its requests; "" is balancing.
type Policy string

// PolicyOne sends all requests to one Pod; PolicyHash sends each to the Pod of its
// key.
const (
	PolicyOne  Policy = "one"
	PolicyHash Policy = "hash"
)

// ParsePolicy accepts the two words, and "balance" for neither.
func ParsePolicy(s string) (Policy, error) {
	switch p := Policy(s); p {
	case PolicyOne, PolicyHash:
		return p, nil
	case "balance":
		return "", nil
	}
	return "", fmt.Errorf("%s is not a policy: write \"balance\", \"one\" or \"hash\"", cluster.Quote(s))
}

// WhenDown says what becomes of the keys of a Pod that does not serve.
type WhenDown string

// DownWait answers 503 until the Pod is back; DownNext sends them to the next Pod.
const (
	DownWait WhenDown = "wait"
	DownNext WhenDown = "next"
)

// ParseWhenDown accepts the two words.
func ParseWhenDown(s string) (WhenDown, error) {
	if w := WhenDown(s); w == DownWait || w == DownNext {
		return w, nil
	}
	return "", fmt.Errorf("%s is not what may be done when a Pod is down: write \"wait\" or \"next\"", cluster.Quote(s))
}

// OnMove says what becomes of the open connections of a key that moves to another Pod;
// "" is not said, which is MoveDrain.
type OnMove string

// MoveDrain lets them stay where they are until they end. nginx can close all
// connections of a worker, but not some.
const MoveDrain OnMove = "drain"

// ParseOnMove accepts the one word.
func ParseOnMove(s string) (OnMove, error) {
	if s == string(MoveDrain) {
		return MoveDrain, nil
	}
	return "", fmt.Errorf("%s is not what can be done when a key moves: write \"drain\": open connections stay until they end", cluster.Quote(s))
}

// KeyKind says of which part of a request the key is.
type KeyKind string

// The kinds of keys.
const (
	KeySegment KeyKind = "segment" // the N-th segment of the path after the base path
	KeyArg     KeyKind = "arg"     // an argument of the query
	KeyHeader  KeyKind = "header"
	KeyCookie  KeyKind = "cookie"
	KeyHost    KeyKind = "host" // the left-most label of the host
)

// KeySource says where a request's key stands. Its zero value is nowhere. Made only
// by ParseKeySource.
type KeySource struct {
	kind    KeyKind
	name    string // of the argument, header or cookie
	segment int    // from 1
}

const (
	maxKeyName = 64
	maxSegment = 8
)

// ParseKeySource reads "segment:1", "arg:room", "header:X-Room", "cookie:room" or
// "host". Names are those that nginx has variables for: letters, digits and '_', and
// '-' in a header.
func ParseKeySource(s string) (KeySource, error) {
	kind, name, named := strings.Cut(s, ":")
	k := KeySource{kind: KeyKind(kind), name: name}
	switch k.kind {
	case KeyHost:
		if !named {
			return k, nil
		}
	case KeySegment:
		n, err := parseDecimal(name, maxSegment)
		if err == nil {
			return KeySource{kind: KeySegment, segment: n}, nil
		}
	case KeyArg, KeyCookie, KeyHeader:
		ok := name != "" && len(name) <= maxKeyName
		for i := range len(name) {
			ok = ok && (IsAlphanumeric(name[i]) || name[i] == '_' && k.kind != KeyHeader || name[i] == '-' && k.kind == KeyHeader)
		}
		if ok {
			return k, nil
		}
	}
	return KeySource{}, fmt.Errorf("%s is not where a key can stand: write \"segment:1\" to \"segment:%d\", \"arg:NAME\", \"header:NAME\", \"cookie:NAME\" or \"host\"; "+
		"names have up to %d letters, digits and '_' ('-' in a header)", cluster.Quote(s), maxSegment, maxKeyName)
}

// Kind is the kind of key.
func (k KeySource) Kind() KeyKind { return k.kind }

// Name is the name of the argument, header or cookie.
func (k KeySource) Name() string { return k.name }

// Segment is which segment after the base path it is, from 1.
func (k KeySource) Segment() int { return k.segment }

// String is the text that ParseKeySource reads.
func (k KeySource) String() string {
	switch k.kind {
	case "", KeyHost:
		return string(k.kind)
	case KeySegment:
		return fmt.Sprintf("%s:%d", k.kind, k.segment)
	}
	return string(k.kind) + ":" + k.name
}

// OverrideKey is a key that an override names. Made only by ParseOverrideKey.
type OverrideKey struct{ text string }

// ParseOverrideKey reads a key of a ConfigMap, of which Kubernetes allows up to 253
// letters, digits, '-', '_' and '.'. None of these has a meaning to nginx.
func ParseOverrideKey(s string) (OverrideKey, error) {
	ok := s != "" && len(s) <= 253
	for i := range len(s) {
		ok = ok && (IsAlphanumeric(s[i]) || s[i] == '-' || s[i] == '_' || s[i] == '.')
	}
	if !ok {
		return OverrideKey{}, fmt.Errorf("%s is not a key of a ConfigMap: write up to 253 letters, digits, '-', '_' and '.'", cluster.Quote(s))
	}
	return OverrideKey{s}, nil
}

// String is the key.
func (k OverrideKey) String() string { return k.text }

// Size is a number of bytes as nginx writes it: "512", "64k", "10m", "1g". Its zero
// value is none.
type Size struct{ text string }

// ParseSize reads a number with or without one of k, m and g, up to 1024g. "0" is
// nginx's word for no limit.
func ParseSize(s string) (Size, error) {
	text := asciiLower(s)
	number := strings.TrimRight(text, "kmg")
	_, err := parseDecimal(number, 1<<40)
	if len(text)-len(number) > 1 || err != nil && text != "0" || len(text) > len(number) && len(number) > 4 {
		return Size{}, fmt.Errorf("%s is not a size: write bytes, or up to 9999 of k, m or g, like \"10m\"; \"0\" is no limit", cluster.Quote(s))
	}
	return Size{text}, nil
}

// String is the size as nginx reads it; "" for none.
func (s Size) String() string { return s.text }
