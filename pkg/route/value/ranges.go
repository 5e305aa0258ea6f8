package value

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/30x/dispatcher/pkg/cluster"
)

// maxRanges is how many networks may stand in one list.
const maxRanges = 256

// Ranges are networks of clients, in canonical form; the zero value is none. Made
// only by ParseRanges.
type Ranges struct{ text string }

// ParseRanges reads networks and single addresses with commas between them. Bits
// behind a network's mask must be zero: nginx would drop them, and the author may
// have meant another network.
func ParseRanges(s string) (Ranges, error) {
	broadcast := netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), 32)
	var found []netip.Prefix
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		p, err := netip.ParsePrefix(item)
		if a, notAddress := netip.ParseAddr(item); notAddress == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || p.Addr().Is4In6() {
			return Ranges{}, fmt.Errorf("%s is not a network: write CIDRs or addresses with commas between them, like 192.0.2.0/24,2001:db8::/32", cluster.Quote(item))
		}
		if p != p.Masked() {
			return Ranges{}, fmt.Errorf("%s is not a network: its mask leaves out bits that are set; write %s", cluster.Quote(item), p.Masked())
		}
		if p == broadcast { // nginx refuses a configuration with it
			return Ranges{}, fmt.Errorf("%s is no client's address: leave it out", cluster.Quote(item))
		}
		found = append(found, p)
	}
	if len(found) > maxRanges {
		return Ranges{}, fmt.Errorf("there are %d networks: write up to %d", len(found), maxRanges)
	}
	slices.SortFunc(found, netip.Prefix.Compare)
	texts := make([]string, 0, len(found))
	for _, p := range slices.Compact(found) {
		texts = append(texts, p.String())
	}
	return Ranges{strings.Join(texts, ",")}, nil
}

// String is the list with commas, in a fixed order.
func (r Ranges) String() string { return r.text }

// Prefixes are the networks, none if the list is not set.
func (r Ranges) Prefixes() []netip.Prefix {
	if r.text == "" {
		return nil
	}
	var out []netip.Prefix
	for item := range strings.SplitSeq(r.text, ",") {
		out = append(out, netip.MustParsePrefix(item))
	}
	return out
}

// ObjectName is the name of an object in the same namespace; "" is none.
type ObjectName struct{ name string }

// ParseObjectName reads a name that Kubernetes accepts (a DNS-1123 subdomain).
func ParseObjectName(s string) (ObjectName, error) {
	if errs := validation.IsDNS1123Subdomain(s); len(errs) > 0 {
		return ObjectName{}, fmt.Errorf("%s is not the name of an object: %s", cluster.Quote(s), errs[0])
	}
	return ObjectName{s}, nil
}

// String is the name.
func (n ObjectName) String() string { return n.name }
