package value

import (
	"fmt"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Balance says which of a path's Pods gets the next request. The names are those
// of nginx's ngx_http_upstream_module.
type Balance string

// Requests go to the Pods in turn, by their weights; to the one with the fewest
// open requests; or to the less busy one of two at random.
const (
	RoundRobin Balance = "round_robin"
	LeastConn  Balance = "least_conn"
	Random     Balance = "random"
)

// ParseBalance accepts the three words.
func ParseBalance(s string) (Balance, error) {
	if b := Balance(s); b == RoundRobin || b == LeastConn || b == Random {
		return b, nil
	}
	return "", fmt.Errorf("%s is not a way to balance: write \"round_robin\", \"least_conn\" or \"random\"", cluster.Quote(s))
}

// maxCookie is the longest name of a cookie.
const maxCookie = 64

// Cookie is the name of a cookie; its zero value is none.
type Cookie struct{ name string }

// ParseCookie reads a name of letters, digits, '-' and '_', which are a token of
// RFC 6265 and have no meaning to nginx.
func ParseCookie(s string) (Cookie, error) {
	ok := s != "" && len(s) <= maxCookie
	for i := range len(s) {
		ok = ok && (IsAlphanumeric(s[i]) || s[i] == '-' || s[i] == '_')
	}
	if !ok {
		return Cookie{}, fmt.Errorf("%s is not the name of a cookie: write up to %d letters, digits, '-' and '_', like \"pod\"", cluster.Quote(s), maxCookie)
	}
	return Cookie{s}, nil
}

// String is the name.
func (c Cookie) String() string { return c.name }

// MaxSlowStart is the longest time that a new Pod may be spared, in seconds.
const MaxSlowStart = 15 * 60

// ParseSlowStart reads a time up to MaxSlowStart, a whole number of seconds, minutes
// or hours with its unit, and gives it in seconds.
func ParseSlowStart(s string) (seconds int, err error) { return parseSeconds(s, MaxSlowStart) }

// ParseGrace reads a time like ParseSlowStart, or "0s".
func ParseGrace(s string) (seconds int, err error) {
	if s == "0s" {
		return 0, nil
	}
	return ParseSlowStart(s)
}

// MaxTimeout is the longest of nginx's timeouts that may be asked for, in seconds.
const MaxTimeout = 24 * 60 * 60

// ParseTimeout reads a time up to MaxTimeout, like ParseSlowStart.
func ParseTimeout(s string) (seconds int, err error) { return parseSeconds(s, MaxTimeout) }

// parseSeconds reads a time from 1s to limit seconds.
func parseSeconds(s string, limit int) (seconds int, err error) {
	number, unit := s, 0
	for suffix, length := range map[string]int{"s": 1, "m": 60, "h": 3600} {
		if text, ok := strings.CutSuffix(s, suffix); ok {
			number, unit = text, length
		}
	}
	n, err := parseDecimal(number, limit)
	if err != nil || unit == 0 || n*unit > limit {
		return 0, fmt.Errorf("%s is not a time from 1s to %dm: write seconds, minutes or hours with their unit, like \"30s\"", cluster.Quote(s), limit/60)
	}
	return n * unit, nil
}
