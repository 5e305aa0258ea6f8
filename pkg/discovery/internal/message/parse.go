// Package message reads and writes DNS messages as nginx's resolver does. Packets
// from anybody enter and a Query leaves; a Query and what to say enter and a message
// leaves. It never looks anything up, never keeps anything, and a refusal is never
// longer than what is refused.
package message

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Domain is what all names end with.
const Domain = "endpoints.internal"

const (
	suffix  = "." + Domain + "."
	service = "_http._tcp."
)

// Kind says what to do with a Query.
type Kind uint8

// The Kinds.
const (
	Silence   Kind = iota // not a query: say nothing
	Refuse                // none of our names: see Refusal
	Endpoints             // SRV of Query.Service
	Address               // A or AAAA of a name that is made from Query.Addr
	Identity              // A or AAAA of Query.Target, below Query.Service
)

// Query is what one packet asks.
type Query struct {
	ID      uint16
	Kind    Kind
	V6      bool       // AAAA is asked, not A
	Addr    netip.Addr // Address only
	Service string     // Endpoints and Identity: a label
	Target  string     // Identity only: a label
}

// Parse reads a packet. What follows the question (EDNS) is not looked at.
func Parse(packet []byte) Query {
	var p dnsmessage.Parser
	h, err := p.Start(packet)
	if err != nil || h.Response {
		return Query{} // an answer to an answer could go on for ever
	}
	q := Query{ID: h.ID, Kind: Refuse}
	question, err := p.Question()
	if err != nil || h.OpCode != 0 || question.Class != dnsmessage.ClassINET {
		return q
	}
	if _, err := p.Question(); !errors.Is(err, dnsmessage.ErrSectionDone) {
		return q
	}
	name, ours := strings.CutSuffix(question.Name.String(), suffix)
	if !ours {
		return q
	}
	switch question.Type {
	case dnsmessage.TypeSRV:
		if label, ok := strings.CutPrefix(name, service); ok && IsLabel(label) {
			q.Kind, q.Service = Endpoints, label
		}
	case dnsmessage.TypeA, dnsmessage.TypeAAAA:
		q.V6 = question.Type == dnsmessage.TypeAAAA
		if target, label, ok := strings.Cut(name, "."); ok && IsLabel(target) && IsLabel(label) {
			q.Kind, q.Target, q.Service = Identity, target, label
		} else if addr, ok := address(name); ok {
			q.Kind, q.Addr = Address, addr
		}
	}
	return q
}

// IsLabel says whether s is a DNS label of [a-z0-9-].
func IsLabel(s string) bool {
	if s == "" || len(s) > 63 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// label makes a label from an address: its bytes in hexadecimal.
func label(a netip.Addr) string { return hex.EncodeToString(a.AsSlice()) }

// address reads what label has made, and nothing else.
func address(s string) (netip.Addr, bool) {
	var bytes [16]byte
	if len(s) != 8 && len(s) != 32 {
		return netip.Addr{}, false
	}
	n, err := hex.Decode(bytes[:], []byte(s))
	if err != nil {
		return netip.Addr{}, false
	}
	a, ok := netip.AddrFromSlice(bytes[:n])
	return a, ok && !a.Is4In6() && label(a) == s
}
