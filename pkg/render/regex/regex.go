// Package regex holds the only regular expressions that the default templates render.
// A number enters, or nothing; a key of a map leaves. They never hold anything that a
// tenant writes.
package regex

import "fmt"

// PathAfter is a key of a map over $request_uri. It captures what follows the
// first segments of the path, as the client wrote it, without the query. It
// matches only if those segments are the ones that nginx has compared: no dot
// segment anywhere (nginx resolves them first, encoded or not), no encoded slash
// among the first segments, no fragment.
// All of these maps share one capture, $after: a request evaluates only one.
func PathAfter(segments int) string {
	const dots = `(?![^?#]*?(?:/|%2[Ff])(?:[.]|%2[Ee]){1,2}(?:/|%2[Ff]|[?#]|$))`
	const segment = `(?:/+(?:(?!%2[Ff])[^/?#])+)`
	return fmt.Sprintf(`~^%s%s{%d}(?<after>/[^?#]*)(?:[?]|$)`, dots, segment, segments)
}

// HostParent is a key of a map over $host, which is in lower case. It captures what
// follows the left-most label, with its dot. In nginx a wildcard stands for any number
// of labels, and for what is no label; in Kubernetes and in TLS it stands for one.
func HostParent() string { return `~^[a-z0-9_-]+(?<parent>[.].+)$` }

// AskedHost is a key of a map over $host:$http_host. It matches if the header Host names
// the host of the request, whatever its case, its port and its trailing dot.
func AskedHost() string {
	return `~*^(?<asked>[[][^]]*[]]|[^:]*):\k<asked>[.]?(?::[0-9]+)?$`
}

// KeySegment is a key of a map over $uri, which is decoded, without dot segments and
// empty ones. It captures a segment of the path, from 1.
func KeySegment(n int) string { return fmt.Sprintf(`~^(?:/[^/]*){%d}/(?<key_segment>[^/]+)`, n-1) }

// KeyLabel is a key of a map over $host. It captures the left-most label.
func KeyLabel() string { return `~^(?<key_label>[^.]+)` }

// PrintablePath is a key of a map over $request_uri. It captures the path, up to
// the query or the first byte that is not Printable ASCII.
func PrintablePath() string { return `~^(?<printable_path>[\x21-\x3e\x40-\x7e]*)` }

// Printable is a key of a map. It matches a text of Printable ASCII.
func Printable() string { return `~^[\x21-\x7e]*$` }
