// Package discovery tells nginx (1.27.3 or newer) which endpoints an upstream has,
// without a reload. Services enter; answers to nginx's DNS queries leave, on a
// loopback port. nginx's query is kept back until there is news, so a change is in
// use within about a millisecond. It never tells of a service that it wasn't given,
// never lets a doubt take endpoints from nginx (there is no NXDOMAIN for what may
// be ours), and never answers another machine.
//
// In nginx's configuration, an upstream with a zone says
//
//	server NAME.endpoints.internal service=http resolve;
//
// and http has one resolver, Responder.Addr, without valid=, and with a
// resolver_timeout much longer than Hold: nginx that has got no answer for so long does
// not ask for as long again. Until then it repeats itself every five seconds, also
// while nobody is there to answer. ipv6=off halves nginx's queries, but then it drops endpoints with an IPv6
// address, and all of a service that has no others, which is 502 for 10 s and more.
package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/30x/dispatcher/pkg/discovery/internal/board"
	"github.com/30x/dispatcher/pkg/discovery/internal/message"
)

// Domain is what the names of services end with: that of a Service is
// NAME.endpoints.internal, its service for nginx http.
const Domain = message.Domain

// Service is an upstream: a Name, which is a DNS label of [a-z0-9-] and no other
// service's, and its Endpoints. With none, requests go to Options.Empty.
type Service = board.Service

// Endpoint is where requests go: an Addr; a Weight, 0 counting as 1; a Priority,
// which makes it a backup if it is above the lowest of the service; a Target, a DNS
// label that stays the same while the address changes, "" if the address is the
// identity. Consistent hashing hashes the Target.
type Endpoint = board.Endpoint

// Options are a Responder's settings.
type Options struct {
	Addr  netip.AddrPort // a loopback address; port 0 takes any that is free
	Empty netip.AddrPort // what answers 503 for a service without endpoints
	Hold  time.Duration  // for how long at most a query is kept back; 0 is two minutes
	Log   *slog.Logger   // nil logs nothing
}

// Stats tells what a Responder has done, and how it is.
type Stats struct {
	board.Stats
	Refused  uint64 // queries by UDP of what isn't ours
	Ignored  uint64 // packets that are no queries, or not from this machine
	Unsent   uint64 // answers that the system did not take
	Rejected uint64 // connections that were closed for a newer one
}

// Responder answers nginx. It is safe for concurrent use.
type Responder struct {
	o   Options
	udp packetConn
	tcp net.Listener // nil in tests that have none

	lastRefusal                      time.Time     // by the reader
	kick                             chan struct{} // something is due earlier
	refused, ignored, unsent, reject atomic.Uint64

	mu     sync.Mutex
	board  *board.Board
	hosts  time.Time     // when the last query of an address came
	wake   time.Time     // when the sender looks again; zero: never
	told   chan struct{} // closed when no service is behind; nil: nobody waits
	looked time.Time     // when it was last seen whether there is something to log
	seen   board.Stats   // what was seen then
}

// packetConn is what a Responder needs of a *net.UDPConn.
type packetConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	Close() error
}

// Listen opens the ports: UDP and TCP, with the same number. Nothing is answered
// before Run. An nginx that was served on the same port before needs no reload.
func Listen(ctx context.Context, o Options) (*Responder, error) {
	if !o.Addr.Addr().IsLoopback() {
		return nil, fmt.Errorf("answer nginx at %v: not a loopback address, and no other machine may ask; choose one of 127.0.0.0/8", o.Addr)
	}
	if !o.Empty.IsValid() || o.Empty.Port() == 0 {
		return nil, errors.New("the address that answers for services without endpoints is missing; set Options.Empty")
	}
	for try := 0; ; try++ {
		udp, tcp, err := listen(ctx, o.Addr)
		if err == nil {
			return newResponder(o, udp, tcp), nil
		}
		if o.Addr.Port() != 0 || try == 10 { // the port that UDP got may be taken for TCP
			return nil, fmt.Errorf("answer nginx at %v: %w; choose another port", o.Addr, err)
		}
	}
}

func listen(ctx context.Context, addr netip.AddrPort) (*net.UDPConn, net.Listener, error) {
	packets, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", addr.String())
	if err != nil {
		return nil, nil, err
	}
	udp := packets.(*net.UDPConn)
	// nginx asks for all upstreams in one burst. The system may allow less.
	_ = udp.SetReadBuffer(8 << 20)
	tcp, err := (&net.ListenConfig{}).Listen(ctx, "tcp", udp.LocalAddr().String())
	if err != nil {
		return nil, nil, errors.Join(err, udp.Close())
	}
	return udp, tcp, nil
}

func newResponder(o Options, udp packetConn, tcp net.Listener) *Responder {
	if o.Hold <= 0 {
		o.Hold = 2 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	unread := func() map[netip.AddrPort]int { return unread(addrPort(udp.LocalAddr())) }
	o.Empty = netip.AddrPortFrom(o.Empty.Addr().Unmap(), o.Empty.Port())
	return &Responder{o: o, udp: udp, tcp: tcp, kick: make(chan struct{}, 1),
		board: board.New(board.Options{Hold: o.Hold, Empty: o.Empty, Rand: rand.Int64N, Unread: unread})}
}

// Addr is where nginx's resolver is.
func (r *Responder) Addr() netip.AddrPort { return addrPort(r.udp.LocalAddr()) }

// Set replaces all services, in any order, and says how many have changed, come or
// gone. When it returns, each is known; nginx is told by Run. Before the first Set
// nothing is known, and nginx keeps what it has. A service that is not in the set
// any more is not withdrawn from nginx: it keeps what it has until its
// configuration no longer names it.
func (r *Responder) Set(services []Service) (changed int) {
	r.mu.Lock()
	changed = r.board.Set(time.Now(), services)
	r.release() // what went is not waited for
	early := r.early()
	r.mu.Unlock()
	if early {
		r.nudge()
	}
	return changed
}

// Fetched says whether the newest endpoints of the service were given to an nginx
// that asked for them; it uses them as soon as it has read them, and has asked for
// addresses that it doesn't know. False if there is no such service.
func (r *Responder) Fetched(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.board.Fetched(name)
}

// Used is Fetched, and nginx has had the time to read the answer and to ask for the
// addresses in it, which it has not done for a moment.
func (r *Responder) Used(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.board.Fetched(name) && time.Since(r.board.Answered(name)) > reading && time.Since(r.hosts) > silence
}

// An nginx takes less than reading to read an answer, unless the machine is very busy,
// and less than silence between the addresses that it asks for then.
const (
	reading = 50 * time.Millisecond
	silence = 3 * time.Millisecond
)

// Retire has everybody who first asked before that moment told nothing any more: the
// workers that nginx has replaced. They serve by older rules until their connections
// end, and keep the endpoints that they have.
func (r *Responder) Retire(before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.board.Retire(before)
}

// Forget forgets the workers that have ended, before nginx starts new ones: one of these
// may get the port of such a worker, and would be told nothing if that was retired.
func (r *Responder) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.board.Forget()
}

// Question is a query of nginx that is kept back until there is news.
type Question = board.Question

// Questions gives those that are kept back now.
func (r *Responder) Questions() []Question {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.board.Questions()
}

// Expect takes in the Questions of a Responder that had this port a moment ago: who
// asked them waits still, and asks again only after some seconds. They are answered
// at the first Set.
func (r *Responder) Expect(questions []Question) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range questions {
		if q.From.Addr().IsLoopback() {
			r.board.Ask(time.Now(), q.From, message.Query{ID: q.ID, Kind: message.Endpoints, Service: q.Service})
		}
	}
}

// Wait returns nil when all services are Fetched, or ctx's error. After Set that
// takes about a millisecond for those that nginx's configuration names; it is
// endless if there are others.
func (r *Responder) Wait(ctx context.Context) error {
	r.mu.Lock()
	if r.board.Behind() == 0 {
		r.mu.Unlock()
		return nil
	}
	if r.told == nil {
		r.told = make(chan struct{})
	}
	told := r.told
	r.mu.Unlock()
	select {
	case <-told:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stats gives the counts.
func (r *Responder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats()
}

func (r *Responder) stats() Stats {
	return Stats{r.board.Stats(time.Now()), r.refused.Load(), r.ignored.Load(), r.unsent.Load(), r.reject.Load()}
}
