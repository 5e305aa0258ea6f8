package render

import "fmt"

// These are the only regular expressions that the default templates render. They
// are constants but for a number: nothing that a tenant writes is ever in one.

// pathAfter is a key of a map over $request_uri. It captures what follows the
// first segments of the path, as the client wrote it, without the query. It
// matches only if those segments are the ones that nginx has compared: no dot
// segment anywhere (nginx resolves them first, encoded or not), no encoded slash
// among the first segments, no fragment.
// All of these maps share one capture, $after: a request evaluates only one.
func pathAfter(segments int) string {
	const dots = `(?![^?#]*?(?:/|%2[Ff])(?:[.]|%2[Ee]){1,2}(?:/|%2[Ff]|[?#]|$))`
	const segment = `(?:/+(?:(?!%2[Ff])[^/?#])+)`
	return fmt.Sprintf(`~^%s%s{%d}(?<after>/[^?#]*)(?:[?]|$)`, dots, segment, segments)
}

// hostParent is a key of a map over $host. It captures what follows the
// left-most label, with its dot. In nginx a wildcard stands for any number of
// labels; in Kubernetes and in TLS it stands for one.
func hostParent() string { return `~^[^.]+(?<parent>[.].+)$` }

// printablePath is a key of a map over $request_uri. It captures the path, up to
// the query or the first byte that is not printable ASCII.
func printablePath() string { return `~^(?<printable_path>[\x21-\x3e\x40-\x7e]*)` }

// printable is a key of a map. It matches a text of printable ASCII.
func printable() string { return `~^[\x21-\x7e]*$` }
