// Package request reads a URL as nginx reads the request that a client makes of it. A
// URL and headers enter; what nginx compares with hosts and locations leaves, and the
// values of its variables. It never sends anything, and never knows what is served.
package request

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Request is a request as nginx sees it.
type Request struct {
	Secure  bool   // over TLS
	Sent    string // the host as it is sent, with its port: $http_host
	Host    string // as nginx compares it: lower-case, without port and trailing dot
	Port    string // of the URL; "" if it has none
	URI     string // path and query as they are sent: $request_uri
	Path    string // decoded and normalised: $uri
	Args    string // the query as it is sent: $args
	Bad     string // why nginx answers 400; "" if it doesn't
	Headers []Header
	Client  netip.Addr // zero: not told
}

// Header is one header field.
type Header struct{ Name, Value string }

// ParseHeader reads "Name: value".
func ParseHeader(line string) (Header, error) {
	name, text, ok := strings.Cut(line, ":")
	h := Header{name, strings.Trim(text, " \t")}
	if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(inName, r) }) {
		return h, fmt.Errorf("%s is not a header: write \"Name: value\"", cluster.Quote(name)) // a value may be a secret
	}
	if strings.ContainsFunc(h.Value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return h, fmt.Errorf("the value of header %s holds a control character, which nginx refuses: leave it out", name)
	}
	return h, nil
}

// inName are the characters of a header's name (RFC 9110).
const inName = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Parse reads a URL; without a scheme it is of HTTP. A header Host takes the place of
// the URL's host, as with curl. The error says what to write instead.
func Parse(url string, headers []Header) (Request, error) {
	r := Request{Headers: headers}
	rest := url
	if scheme, after, ok := strings.Cut(url, "://"); ok && !strings.ContainsAny(scheme, "/?#") {
		switch strings.ToLower(scheme) {
		case "https":
			r.Secure = true
		case "http":
		default:
			return r, fmt.Errorf("%s is not a scheme that is served: write http or https", cluster.Quote(scheme))
		}
		rest = after
	}
	rest, _, _ = strings.Cut(rest, "#") // clients keep fragments for themselves
	authority := rest
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, r.URI = rest[:i], rest[i:]
	}
	if !strings.HasPrefix(r.URI, "/") {
		r.URI = "/" + r.URI
	}
	if i := strings.IndexFunc(r.URI, func(c rune) bool { return c <= ' ' || c == 0x7f }); i >= 0 {
		return r, fmt.Errorf("the URL holds %+q: write it percent-encoded, as clients do", r.URI[i])
	}
	authority = authority[strings.LastIndexByte(authority, '@')+1:] // the rest becomes a header
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Host") {
			authority = h.Value
		}
	}
	r.Sent = authority
	if err := r.host(authority); err != nil {
		return r, err
	}
	var why string
	if r.Path, r.Args, why = normalise(r.URI); why != "" {
		r.Bad = why
	}
	return r, nil
}

// host follows ngx_http_validate_host (src/http/ngx_http_request.c).
func (r *Request) host(authority string) error {
	name := authority
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		name, r.Port = authority[:i], authority[i+1:]
		if n, err := strconv.Atoi(r.Port); r.Port != "" && (err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != r.Port) {
			return fmt.Errorf("%s is not a port: write a number from 1 to 65535", cluster.Quote(r.Port))
		}
	}
	if name == "" {
		return errors.New("the URL has no host: write it like http://www.example.com/path")
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 0x80:
			return fmt.Errorf("the host %s is not in ASCII: write it in its xn-- form, as clients send it", cluster.Quote(name))
		case c <= ' ' || c == 0x7f || strings.IndexByte(`"<>\^{|}%`+"`", c) >= 0:
			return fmt.Errorf("the host %s holds %+q: write letters, digits, hyphens and dots", cluster.Quote(name), c)
		case 'A' <= c && c <= 'Z':
			name = name[:i] + string(c+'a'-'A') + name[i+1:]
		}
	}
	if strings.Contains(name, "..") {
		r.Bad = "the host has an empty label"
	}
	r.Host = strings.TrimSuffix(name, ".")
	if r.Host == "" {
		r.Bad = "the host is empty"
	}
	return nil
}
