// Package value holds the types into which everything that comes from a cluster
// object is parsed before it may reach a template. Text enters; a value leaves
// whose only constructor is a strict allow-list, or an error that quotes what is
// wrong and says what to write. It never holds a character with a meaning in
// nginx's configuration.
package value

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Host is a host name that requests may ask for: lower-case LDH labels, an IPv4
// literal, or a wildcard for one left-most label. Made only by ParseHost.
type Host struct{ name string }

// ParseHost accepts a host name, an IPv4 literal or "*.example.com". It
// lower-cases it and drops one trailing dot. The rules are those of RFC 1123:
// labels of 1 to 63 letters, digits and inner hyphens, 253 bytes in all.
func ParseHost(s string) (Host, error) {
	if len(s) > 254 {
		return Host{}, fmt.Errorf("%s is longer than the 253 bytes of a host name", cluster.Quote(s))
	}
	name := strings.TrimSuffix(asciiLower(s), ".")
	labels := strings.Split(strings.TrimPrefix(name, "*."), ".")
	for _, l := range labels {
		if !isLabel(l) {
			return Host{}, fmt.Errorf("%s is not a host name: write letters, digits, hyphens and dots, like www.example.com or *.example.com, "+
				"without scheme, port or path (international names in their xn-- form)", cluster.Quote(s))
		}
	}
	if strings.HasPrefix(name, "*.") && len(labels) < 2 {
		return Host{}, fmt.Errorf("%s covers a whole top-level domain: a wildcard needs two labels after it", cluster.Quote(s))
	}
	if len(name) > 253 {
		return Host{}, fmt.Errorf("%s is longer than the 253 bytes of a host name", cluster.Quote(s))
	}
	return Host{name}, nil
}

// String is the name as nginx compares it: lower-case, no trailing dot.
func (h Host) String() string { return h.name }

// Wildcard reports whether the host stands for any one left-most label.
func (h Host) Wildcard() bool { return strings.HasPrefix(h.name, "*.") }

// Address reports whether the host is an IPv4 address.
func (h Host) Address() bool {
	_, err := netip.ParseAddr(h.name)
	return err == nil
}

// Parent is what follows the left-most label, with its dot: ".example.com".
func (h Host) Parent() string {
	if i := strings.IndexByte(h.name, '.'); i >= 0 {
		return h.name[i:]
	}
	return ""
}

func isLabel(l string) bool {
	if len(l) < 1 || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	for i := range len(l) {
		if c := l[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Word shows a foreign word as it is if it is a plain one, and else quoted.
func Word(s string) string {
	for i := range len(s) {
		if !IsAlphanumeric(s[i]) || i > 40 {
			return cluster.Quote(s)
		}
	}
	return cmp.Or(s, `""`)
}

// asciiLower does not fold the letters outside ASCII that strings.ToLower would
// turn into ASCII ones (the Kelvin sign).
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// Port is a TCP port, 1 to 65535. Made only by ParsePort and declared ports.
type Port uint16

// ParsePort reads a port in plain decimal: no sign, no leading zero, no space
// (nginx would read "+443" and "0443" differently, or refuse them).
func ParsePort(s string) (Port, error) {
	n, err := parseDecimal(s, 65535)
	if err != nil {
		return 0, fmt.Errorf("%s is not a port: write a number from 1 to 65535", cluster.Quote(s))
	}
	return Port(n), nil
}

// MaxWeight is the largest weight that there can be: that of an SRV record, which
// carries it when endpoints change without a reload.
const MaxWeight = 65535

// ParseWeight reads a weight in plain decimal, 1 to most, which is up to MaxWeight.
func ParseWeight(s string, most int) (int, error) {
	n, err := parseDecimal(s, most)
	if err != nil {
		return 0, fmt.Errorf("%s is not a weight: write an integer from 1 to %d (to take a Pod out, remove the entry)", cluster.Quote(s), most)
	}
	return n, nil
}

var errNotDecimal = errors.New("not a plain decimal number in range")

// parseDecimal reads 1 to limit, digits only.
func parseDecimal(s string, limit int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > limit || strconv.Itoa(n) != s {
		return 0, errNotDecimal
	}
	return n, nil
}

// Label is the value of a Kubernetes label; it may be empty.
type Label struct{ value string }

// ParseLabel accepts what the Kubernetes API accepts as a label value.
func ParseLabel(s string) (Label, error) {
	if errs := validation.IsValidLabelValue(s); len(errs) > 0 {
		return Label{}, fmt.Errorf("%s is not a label value: %s", cluster.Quote(s), errs[0])
	}
	return Label{s}, nil
}

// String is the value.
func (l Label) String() string { return l.value }
