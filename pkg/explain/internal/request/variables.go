package request

import "strings"

// Header gives the value of a header as nginx's variable holds it: of several of one
// name, all with commas between. nginx drops headers with an underscore in the name.
func (r *Request) Header(name string) (value string, sent bool) {
	want := asVariable(name)
	if want == "host" {
		return r.Sent, true
	}
	for _, h := range r.Headers {
		if strings.Contains(h.Name, "_") || asVariable(h.Name) != want {
			continue
		}
		if sent {
			value += ", "
		}
		value, sent = value+h.Value, true
	}
	return value, sent
}

// asVariable is a header's name in that of its variable, $http_….
func asVariable(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }

// Arg gives an argument of the query, as it is sent: the first of its name, in which
// case makes no difference (ngx_http_arg).
func (r *Request) Arg(name string) string {
	for arg := range strings.SplitSeq(r.Args, "&") {
		if key, value, ok := strings.Cut(arg, "="); ok && strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// Cookie gives the value of a cookie: the first of its name, in which case makes no
// difference (ngx_http_parse_multi_header_lines).
func (r *Request) Cookie(name string) string {
	for _, h := range r.Headers {
		if !strings.EqualFold(h.Name, "Cookie") {
			continue
		}
		for rest := h.Value; rest != ""; {
			if len(rest) >= len(name) && strings.EqualFold(rest[:len(name)], name) {
				if value, ok := strings.CutPrefix(strings.TrimLeft(rest[len(name):], " "), "="); ok {
					value, _, _ = strings.Cut(strings.TrimLeft(value, " "), ";")
					return value
				}
			}
			i := strings.IndexAny(rest, ";,")
			if i < 0 {
				break
			}
			rest = strings.TrimLeft(rest[i+1:], " ")
		}
	}
	return ""
}

// Label is the left-most label of the host.
func (r *Request) Label() string {
	label, _, _ := strings.Cut(r.Host, ".")
	return label
}

// Segment is the n-th segment, from 1, of the path after its first ones; "" if it has
// none.
func (r *Request) Segment(after, n int) string {
	segments := strings.Split(strings.TrimPrefix(r.Path, "/"), "/")
	if i := after + n - 1; i < len(segments) {
		return segments[i]
	}
	return ""
}
