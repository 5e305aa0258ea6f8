package message

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"golang.org/x/net/dns/dnsmessage"
)

// MaxUDP is what nginx reads of an answer by UDP, and MaxTCP what a message by TCP
// can have, in bytes (ngx_resolver.c: NGX_RESOLVER_UDP_SIZE, NGX_RESOLVER_TCP_RSIZE).
const (
	MaxUDP = 4096
	MaxTCP = 65535
)

const (
	// forGood is the TTL in seconds of what can't change: the address in a name
	// that is made from it.
	forGood = 3600

	header   = 12 // bytes
	fixed    = 18 // bytes of an SRV record without its target, its name being a pointer
	pointer  = 0xc000
	ofDomain = header + 1 + len("_http") + 1 + len("_tcp") // where a service's label is
)

// Endpoint is where requests go.
type Endpoint struct {
	Addr netip.AddrPort // without a zone
	// Weight is its share of requests; 0 counts as 1.
	Weight uint16
	// Priority above the service's lowest makes it a backup.
	Priority uint16
	// Target is a DNS label of [a-z0-9-], no other endpoint's of the service, that
	// stays the same while the address changes: it is what consistent hashing
	// hashes. "" means that the address is.
	Target string
}

// size is that of the record in bytes.
func (e Endpoint) size() int {
	n := len(e.Target)
	if n == 0 {
		n = e.Addr.Addr().BitLen() / 8 * 2
	}
	return fixed + 1 + n + 2
}

// Fit says how many of the endpoints the answer of Services has room for.
func Fit(label string, endpoints []Endpoint) int {
	size := len(end(begin(dnsmessage.Header{}, name(service+label), dnsmessage.TypeSRV)))
	for i, e := range endpoints {
		if size += e.size(); size > MaxTCP {
			return i
		}
	}
	return len(endpoints)
}

// Services answers a query of Kind Endpoints with all of them, or as many as there
// is room for, those of the lowest priority first, which spares nginx to sort them.
// The TTL is 0: nginx keeps the answer until the next one.
//
// Targets are compressed, against RFC 2782, which lets three times as many fit:
// nginx reads it, as everybody must (RFC 3597).
func Services(label string, endpoints []Endpoint) []byte {
	endpoints = slices.Clone(endpoints)
	slices.SortStableFunc(endpoints, func(a, b Endpoint) int { return cmp.Compare(a.Priority, b.Priority) })
	b := begin(dnsmessage.Header{}, name(service+label), dnsmessage.TypeSRV)
	h := dnsmessage.ResourceHeader{Name: name(service + label), Class: dnsmessage.ClassINET}
	must(b.StartAnswers())
	for _, e := range endpoints[:Fit(label, endpoints)] {
		must(b.UnknownResource(h, dnsmessage.UnknownResource{Type: dnsmessage.TypeSRV, Data: e.data(label)}))
	}
	return end(b)
}

// data is the part of the record that is its own.
func (e Endpoint) data(of string) []byte {
	target, parent := e.Target, ofDomain // the service's name
	if target == "" {
		target, parent = label(e.Addr.Addr()), ofDomain+1+len(of) // the Domain
	}
	data := make([]byte, 0, 6+1+len(target)+2)
	data = binary.BigEndian.AppendUint16(data, e.Priority)
	data = binary.BigEndian.AppendUint16(data, e.Weight)
	data = binary.BigEndian.AppendUint16(data, e.Addr.Port())
	data = append(append(data, byte(len(target))), target...)
	return binary.BigEndian.AppendUint16(data, uint16(pointer|parent))
}

// Truncated answers a query of Kind Endpoints with the hint to ask by TCP.
func Truncated(id uint16, label string) []byte {
	b := begin(dnsmessage.Header{ID: id, Truncated: true}, name(service+label), dnsmessage.TypeSRV)
	return end(b)
}

// Host answers a query of Kind Address or Identity with addr, or with no address
// if the other family was asked for. The address of an Identity may change, so
// nginx may not keep it.
func Host(q Query, addr netip.Addr) []byte {
	of, kind := name(q.Target+"."+q.Service), dnsmessage.TypeA
	if q.V6 {
		kind = dnsmessage.TypeAAAA
	}
	h := dnsmessage.ResourceHeader{Class: dnsmessage.ClassINET}
	if q.Kind == Address {
		of, h.TTL = name(label(q.Addr)), forGood
	}
	h.Name = of
	b := begin(dnsmessage.Header{ID: q.ID}, of, kind)
	must(b.StartAnswers())
	switch {
	case q.V6 && addr.Is6():
		must(b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: addr.As16()}))
	case !q.V6 && addr.Is4():
		must(b.AResource(h, dnsmessage.AResource{A: addr.As4()}))
	}
	return end(b)
}

// Refusal answers a packet that Parse says to refuse.
func Refusal(packet []byte) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(packet)
	if err != nil {
		return nil
	}
	h = dnsmessage.Header{ID: h.ID, OpCode: h.OpCode, Response: true, RecursionDesired: h.RecursionDesired, RCode: dnsmessage.RCodeRefused}
	b := dnsmessage.NewBuilder(nil, h)
	if q, err := p.Question(); err == nil {
		must(b.StartQuestions())
		if b.Question(q) == nil {
			if answer := end(b); len(answer) <= len(packet) { // pointers may make a name long
				return answer
			}
		}
	}
	return end(dnsmessage.NewBuilder(nil, h))
}

// WithID makes of an answer one to another query of the same.
func WithID(answer []byte, id uint16) []byte {
	answer = slices.Clone(answer)
	binary.BigEndian.PutUint16(answer, id)
	return answer
}

func begin(h dnsmessage.Header, of dnsmessage.Name, kind dnsmessage.Type) dnsmessage.Builder {
	h.Response, h.Authoritative, h.RecursionDesired = true, true, true // nginx desires it
	b := dnsmessage.NewBuilder(nil, h)
	b.EnableCompression()
	must(b.StartQuestions())
	must(b.Question(dnsmessage.Question{Name: of, Type: kind, Class: dnsmessage.ClassINET}))
	return b
}

func end(b dnsmessage.Builder) []byte {
	m, err := b.Finish()
	must(err)
	return m
}

func name(below string) dnsmessage.Name { return dnsmessage.MustNewName(below + suffix) }

// must holds for names of valid labels and for messages of at most MaxTCP bytes.
func must(err error) {
	if err != nil {
		panic("discovery: an answer can't be written: " + err.Error())
	}
}
