package request

// normalise splits the URI of a request line and decodes its path, as nginx does
// before it compares it with locations: percent encodings are decoded once, what is
// decoded counts like what is written (%2F is a slash), slashes in a row are one, and
// dot segments are resolved. why says why nginx answers 400. It follows
// ngx_http_parse_complex_uri (src/http/ngx_http_parse.c) with merge_slashes on.
func normalise(uri string) (path, args, why string) {
	out := make([]byte, 0, len(uri))
	for i := 0; i < len(uri); i++ {
		c, literal := uri[i], false
		switch c {
		case '?':
			path, ok := closeSegment(out)
			if !ok {
				return "", "", above
			}
			return string(path), uri[i+1:], ""
		case '%':
			if i+2 >= len(uri) || hex(uri[i+1]) < 0 || hex(uri[i+2]) < 0 {
				return "", "", "a percent sign is not followed by two hexadecimal digits"
			}
			c = byte(hex(uri[i+1])<<4 | hex(uri[i+2]))
			i += 2
			if c == 0 {
				return "", "", "it holds %00"
			}
			literal = c == '%' || c == '?' || c == '#'
		}
		if c == '/' && !literal {
			var ok bool
			if out, ok = closeSegment(out); !ok {
				return "", "", above
			}
			if n := len(out); n > 0 && out[n-1] == '/' {
				continue
			}
		}
		out = append(out, c)
	}
	out, ok := closeSegment(out)
	if !ok {
		return "", "", above
	}
	return string(out), "", ""
}

const above = "its dot segments lead above the root"

// closeSegment resolves the last segment if it is of dots.
func closeSegment(out []byte) (_ []byte, ok bool) {
	n := len(out)
	switch {
	case n >= 2 && out[n-1] == '.' && out[n-2] == '/':
		return out[:n-1], true
	case n >= 3 && out[n-1] == '.' && out[n-2] == '.' && out[n-3] == '/':
		for n -= 4; n >= 0; n-- {
			if out[n] == '/' {
				return out[:n+1], true
			}
		}
		return nil, false
	}
	return out, true
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// After is what follows the first segments of the path as the client wrote it,
// without the query; false if dot segments or encoded slashes hide where that begins.
// It is what pathAfter in pkg/render captures.
func (r *Request) After(segments int) (string, bool) {
	path := r.URI
	for i := range len(path) {
		if path[i] == '?' || path[i] == '#' {
			path = path[:i]
			break
		}
	}
	if dotted(path) {
		return "", false
	}
	at := 0
	for range segments {
		start := at
		for at < len(path) && path[at] == '/' {
			at++
		}
		first := at
		for at < len(path) && path[at] != '/' {
			if slash(path[at:]) == 3 {
				return "", false
			}
			at++
		}
		if at == first || first == start {
			return "", false
		}
	}
	if at >= len(path) || path[at] != '/' {
		return "", false
	}
	return path[at:], true
}

// dotted reports whether the path has a segment of one or two dots, encoded or not.
func dotted(path string) bool {
	for i := range len(path) {
		n := slash(path[i:])
		if n == 0 {
			continue
		}
		rest, dots := path[i+n:], 0
		for dots < 2 && dot(rest) > 0 {
			rest = rest[dot(rest):]
			dots++
		}
		if dots > 0 && (rest == "" || slash(rest) > 0) {
			return true
		}
	}
	return false
}

// slash is the length of the slash that a text begins with, encoded or not; 0 if it
// doesn't.
func slash(s string) int { return begins(s, '/', "2f") }

// dot is the same for a dot.
func dot(s string) int { return begins(s, '.', "2e") }

func begins(s string, plain byte, digits string) int {
	switch {
	case s == "":
		return 0
	case s[0] == plain:
		return 1
	case len(s) >= 3 && s[0] == '%' && s[1] == digits[0] && s[2]|0x20 == digits[1]:
		return 3
	}
	return 0
}
