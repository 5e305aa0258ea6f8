// Package option knows what the owner of a path may ask for, once, in one table:
// the fields of a Pod's path entry, and the annotations of Services and Ingresses,
// are both read by it. Texts enter; Options leave, or why a text can't be used. It
// never knows who asks, and never fills in a default.
package option

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/limit"
	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Options are what was asked for. A zero field was not.
type Options struct {
	Target         value.Path
	Balance        value.Balance
	Sticky         value.Cookie
	SlowStart      int // seconds
	Policy         value.Policy
	ReadyGrace     int // seconds
	Key            value.KeySource
	WhenDown       value.WhenDown
	Overrides      value.ObjectName // of a ConfigMap
	OnMove         value.OnMove
	Sources        value.Ranges
	Auth           bool // an API key is demanded
	MaxBody        value.Size
	ConnectTimeout int // this and the next two: seconds
	ReadTimeout    int
	SendTimeout    int
	Protocol       value.Protocol
	BackendHost    value.Host // not a wildcard

	defaults uint32 // bits of the fields that ask for what is the default, and are set all the same
}

// Limits are those of a location.
func (o Options) Limits() table.Limits {
	return table.Limits{MaxBody: o.MaxBody, ConnectTimeout: o.ConnectTimeout, ReadTimeout: o.ReadTimeout, SendTimeout: o.SendTimeout}
}

// Backend is how those who serve a location are asked.
func (o Options) Backend() table.Backend {
	return table.Backend{HTTPS: o.Protocol == value.HTTPS, Host: o.BackendHost}
}

// Field is one option.
type Field struct {
	Name    string // of the field in a path entry; in an annotation it follows the prefix
	Help    string
	Example string // a value that can be used
	List    bool   // in a path entry it may be an array of strings
	zero    string // what the zero value is written like, if it can be asked for
	bit     uint32 // in Options.defaults
	isPath  bool
	parse   func(*Options, string) error
	text    func(*Options) string
	copy    func(to, from *Options)
}

// Parse sets the option, or says why the text can't be used.
func (f Field) Parse(o *Options, text string, l limit.Limits) error {
	if f.isPath {
		if _, err := ParsePath(text, l); err != nil {
			return err
		}
	}
	if err := f.parse(o, text); err != nil {
		return err
	}
	o.defaults &^= f.bit
	if f.text(o) == "" {
		o.defaults |= f.bit
	}
	return nil
}

// ParsePath is value.ParsePath of a text that is not too long.
func ParsePath(text string, l limit.Limits) (value.Path, error) {
	if err := l.Filled().Path(text); err != nil {
		return value.Path{}, err
	}
	return value.ParsePath(text)
}

// Text is what the option is set to, in a canonical form; "" if it isn't.
func (f Field) Text(o Options) string {
	if o.defaults&f.bit != 0 {
		return f.zero
	}
	return f.text(&o)
}

// Copy sets the option in one to what it is in another.
func (f Field) Copy(to *Options, from Options) {
	f.copy(to, &from)
	to.defaults = to.defaults&^f.bit | from.defaults&f.bit
}

// Protects reports whether an unknown option looks as if it were to say who is let in, such
// as a misspelt one: what asks for protection must not be served without it.
func Protects(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "allow", "deny", "range", "whitelist"}, func(word string) bool { return strings.Contains(name, word) })
}

// Find gives the option of a name.
func Find(name string) (f Field, ok bool) {
	for _, f := range Fields() {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Names lists all options' names in words.
func Names() string {
	var names []string
	for _, f := range Fields() {
		names = append(names, f.Name)
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// Fields are all options, in the order of the documentation.
func Fields() []Field {
	fields := []Field{
		field("targetPath", "/api", "Replaces the path's own on the way to the Pod. Without it the request's path reaches the Pod untouched.",
			func(o *Options) *value.Path { return &o.Target }, value.ParsePath, value.Path.String),
		field("policy", "one", "How Pods share the path: balance (the default), one (all requests go to one Pod, the one that has been ready longest) or hash (each goes to the Pod of its key).",
			func(o *Options) *value.Policy { return &o.Policy }, value.ParsePolicy, func(p value.Policy) string { return string(p) }).zeroAs("balance"),
		field("readyGrace", "10s", "With policy one: for how long (0s, the default, to 15m) the Pod is kept while it is not ready, unless it is being deleted.",
			func(o *Options) *int { return &o.ReadyGrace }, value.ParseGrace, seconds).zeroAs("0s"),
		field("key", "segment:1", "With policy hash: where a request's key stands: segment:N (of the path after the base path), arg:NAME, header:NAME, cookie:NAME, or host (its left-most label). NAME is up to 64 letters, digits and _, in a header - instead of _.",
			func(o *Options) *value.KeySource { return &o.Key }, value.ParseKeySource, value.KeySource.String),
		field("whenDown", "wait", "With policy hash: what becomes of the keys of a Pod that does not serve: wait (503 until it is back; the default) or next (the next Pod).",
			func(o *Options) *value.WhenDown { return &o.WhenDown }, value.ParseWhenDown, func(w value.WhenDown) string { return string(w) }),
		field("overrides", "overwriting", "With policy hash: name of a ConfigMap in the same namespace; its data, KEY: POD-NAME, beats the hash for exactly these keys.",
			func(o *Options) *value.ObjectName { return &o.Overrides }, value.ParseObjectName, value.ObjectName.String),
		field("onMove", "drain", "With policy hash: what becomes of open connections of a key that moves to another Pod: drain (they stay until they end), which is all that there is.",
			func(o *Options) *value.OnMove { return &o.OnMove }, value.ParseOnMove, func(m value.OnMove) string { return string(m) }),
		field("balance", "least_conn", "With policy balance: round_robin (the default), least_conn or random.",
			func(o *Options) *value.Balance { return &o.Balance }, value.ParseBalance, func(b value.Balance) string { return string(b) }),
		field("sticky", "pod", "Name of a cookie that keeps a client at its Pod. Needs nginx 1.29.6.",
			func(o *Options) *value.Cookie { return &o.Sticky }, value.ParseCookie, value.Cookie.String),
		field("slowStart", "30s", "In which time (1s to 15m) a new Pod comes to its full share. Needs endpoints that change without a reload.",
			func(o *Options) *int { return &o.SlowStart }, value.ParseSlowStart, seconds),
		field("allowSourceRanges", "192.0.2.0/24,2001:db8::/32", "Networks of clients that are let in; all others get 403.",
			func(o *Options) *value.Ranges { return &o.Sources }, value.ParseRanges, value.Ranges.String),
		field("auth", "required", "required answers 403 to all requests while the Namespace has no API key.",
			func(o *Options) *bool { return &o.Auth }, parseAuth, required),
		field("maxBodySize", "10m", "Largest request body, in bytes or with k, m or g; 0 is no limit.",
			func(o *Options) *value.Size { return &o.MaxBody }, value.ParseSize, value.Size.String),
		field("connectTimeout", "5s", "How long nginx waits for a connection to a Pod (1s to 24h).",
			func(o *Options) *int { return &o.ConnectTimeout }, value.ParseTimeout, seconds),
		field("readTimeout", "1m", "How long a Pod may be silent while nginx waits for its answer, or on a WebSocket (1s to 24h).",
			func(o *Options) *int { return &o.ReadTimeout }, value.ParseTimeout, seconds),
		field("sendTimeout", "1m", "How long a Pod may take no bytes of a request (1s to 24h).",
			func(o *Options) *int { return &o.SendTimeout }, value.ParseTimeout, seconds),
		field("backendProtocol", "https", "http (the default) or https. With https whoever serves must have a certificate for backendHost by an authority of BACKEND_CA; nobody is asked without.",
			func(o *Options) *value.Protocol { return &o.Protocol }, value.ParseProtocol, func(p value.Protocol) string { return string(p) }),
		field("backendHost", "api.example.com", "The host that whoever serves is asked for: Host, and with https the name in its certificate. Without it, that of a Service of type ExternalName, else the host that the client asks for.",
			func(o *Options) *value.Host { return &o.BackendHost }, value.ParseBackendHost, value.Host.String),
	}
	for i := range fields {
		fields[i].bit = 1 << i
	}
	return fields
}

// zeroAs says how the zero value is written, where it can be asked for.
func (f Field) zeroAs(word string) Field {
	f.zero = word
	return f
}

func field[T any](name, example, help string, at func(*Options) *T, parse func(string) (T, error), show func(T) string) Field {
	var zero T
	_, isPath := any(zero).(value.Path)
	return Field{
		Name: name, Help: help, Example: example, List: strings.Contains(example, ","), isPath: isPath,
		parse: func(o *Options, text string) error {
			v, err := parse(text)
			if err == nil {
				*at(o) = v
			}
			return err
		},
		text: func(o *Options) string { return show(*at(o)) },
		copy: func(to, from *Options) { *at(to) = *at(from) },
	}
}

func seconds(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n) + "s"
}

// parseAuth accepts the one word that there is.
func parseAuth(s string) (bool, error) {
	if s != "required" {
		return false, fmt.Errorf("%s is unknown: write \"required\"", cluster.Quote(s))
	}
	return true, nil
}

func required(b bool) string {
	if b {
		return "required"
	}
	return ""
}
