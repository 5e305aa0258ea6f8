package names

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	rounds     = 2  // through all servers
	maxAliases = 16 // in a row
)

// answer is what is known of one kind of addresses of a name.
type answer struct {
	addrs []netip.Addr // sorted
	ttl   time.Duration
	err   error // it is not known
}

// life is how long the answer counts.
func (a answer) life() time.Duration {
	if len(a.addrs) == 0 {
		return math.MaxInt64 // that of the other kind says it
	}
	return a.ttl
}

func (a answer) reason() string {
	if a.err == nil {
		return ""
	}
	return a.err.Error()
}

// lookup asks for both kinds of addresses.
func (r *Resolver) lookup(ctx context.Context, name string) (v4, v6 answer) {
	servers, err := r.servers()
	if err != nil {
		return answer{err: err}, answer{err: err}
	}
	var both sync.WaitGroup
	both.Go(func() { v4 = r.ask(ctx, servers, name, dnsmessage.TypeA) })
	both.Go(func() { v6 = r.ask(ctx, servers, name, dnsmessage.TypeAAAA) })
	both.Wait()
	return v4, v6
}

// ask asks one server after another until one knows, that which has answered last time
// first.
func (r *Resolver) ask(ctx context.Context, servers []netip.AddrPort, name string, kind dnsmessage.Type) answer {
	qname, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return answer{err: errors.New("it is too long")}
	}
	q := dnsmessage.Question{Name: qname, Type: kind, Class: dnsmessage.ClassINET}
	first := int(r.answers.Load())
	for i := range rounds * len(servers) {
		n := (first + i) % len(servers)
		var a answer
		if a, err = r.askOne(ctx, servers[n], q); err == nil {
			r.answers.Store(int32(n))
			return a
		}
		err = fmt.Errorf("ask %s for %s: %w", servers[n], strings.TrimPrefix(kind.String(), "Type"), err)
		if ctx.Err() != nil {
			break
		}
	}
	return answer{err: err}
}

// askOne asks one server, by UDP, and by TCP if the answer is too long for that.
func (r *Resolver) askOne(ctx context.Context, server netip.AddrPort, q dnsmessage.Question) (answer, error) {
	exchange := r.exchange
	if exchange == nil {
		exchange = byNetwork
	}
	for _, network := range []string{"udp", "tcp"} {
		header := dnsmessage.Header{ID: uint16(rand.Uint32()), RecursionDesired: true} //nolint:gosec // 16 bits of it are wanted
		query, err := (&dnsmessage.Message{Header: header, Questions: []dnsmessage.Question{q}}).Pack()
		if err != nil {
			return answer{}, errors.New("it is no DNS name")
		}
		var a answer
		truncated := false
		if err := exchange(ctx, network, server, query, func(packet []byte) (ours bool, err error) {
			a, truncated, ours, err = read(packet, header.ID, q)
			return ours, err
		}); err != nil {
			return answer{}, err
		}
		if !truncated || network == "tcp" {
			return a, nil
		}
	}
	return answer{}, nil // not reached
}

// read reads a response. It is not ours if it does not answer the question.
func read(packet []byte, id uint16, q dnsmessage.Question) (a answer, truncated, ours bool, err error) {
	var p dnsmessage.Parser
	h, err := p.Start(packet)
	if err != nil || h.ID != id || !h.Response {
		return a, false, false, nil //nolint:nilerr // anybody may send packets
	}
	questions, err := p.AllQuestions()
	if err != nil || len(questions) != 1 || questions[0].Type != q.Type || questions[0].Class != q.Class || !same(questions[0].Name, q.Name) {
		return a, false, false, nil //nolint:nilerr // anybody may send packets
	}
	switch {
	case h.RCode != dnsmessage.RCodeSuccess && h.RCode != dnsmessage.RCodeNameError:
		return a, false, true, fmt.Errorf("it answers %s", strings.TrimPrefix(h.RCode.String(), "RCode"))
	case h.Truncated:
		return a, true, true, nil
	}
	records, err := p.AllAnswers()
	if err != nil {
		return a, false, true, errors.New("its answer can't be read")
	}
	a, err = follow(records, q)
	return a, false, true, err
}

// follow finds the addresses of the name, or of what it is an alias of, whatever the
// order of the records.
func follow(records []dnsmessage.Resource, q dnsmessage.Question) (answer, error) {
	ttl := uint32(math.MaxUint32)
	at := q.Name
	for range maxAliases {
		var a answer
		alias := dnsmessage.Name{}
		for _, record := range records {
			if !same(record.Header.Name, at) || record.Header.Class != dnsmessage.ClassINET {
				continue
			}
			switch body := record.Body.(type) {
			case *dnsmessage.AResource:
				a.addrs = append(a.addrs, netip.AddrFrom4(body.A))
			case *dnsmessage.AAAAResource:
				a.addrs = append(a.addrs, netip.AddrFrom16(body.AAAA).Unmap())
			case *dnsmessage.CNAMEResource:
				alias = body.CNAME
			default:
				continue
			}
			ttl = min(ttl, record.Header.TTL)
		}
		if len(a.addrs) > 0 || alias.Length == 0 {
			slices.SortFunc(a.addrs, netip.Addr.Compare)
			a.addrs = slices.Compact(a.addrs)
			a.addrs = a.addrs[:min(len(a.addrs), maxAddrs)]
			a.ttl = time.Duration(ttl) * time.Second
			return a, nil
		}
		at = alias
	}
	return answer{}, errors.New("it is an alias of an alias, without end")
}

// same compares names as DNS does: without case.
func same(a, b dnsmessage.Name) bool { return strings.EqualFold(a.String(), b.String()) }
