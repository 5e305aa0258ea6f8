// Package publish says which endpoints nginx may be told of, and when. Tables enter,
// and the moment from which on nginx serves one; the endpoints of each service, with
// their weights, go to a Directory. It never lets a Pod be reached by rules that
// were not meant for it: while nginx still serves an older table, a service whose
// rules differ gets no new Pod, and loses those that are gone.
package publish

import (
	"net/netip"
	"slices"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/discovery"
	"github.com/30x/dispatcher/pkg/route"
)

// Directory tells nginx the endpoints of services; changed is the number of those
// of which there is something new to tell.
type Directory interface {
	Set(services []discovery.Service) (changed int)
}

// Publisher keeps what nginx has been told.
type Publisher struct {
	Directory Directory

	live, next rules        // what nginx serves, and what it may come to serve at any moment
	latest     *route.Table // that was told while next was being applied; nil: none
	current    []service    // what is told
}

// rules are those of a table that nginx serves, or may serve.
type rules struct {
	table   *route.Table                      // nil: that is not known, or there is none
	reached map[string]map[endpoint]time.Time // by service: who may be reached by them, and since when
}

// endpoint is a Pod at an address.
type endpoint struct {
	addr netip.AddrPort
	pod  cluster.Ref
}

// together is within which time changes may belong together. A Pod that came before
// its path's rules changed, but not by more than this, waits until nginx serves them:
// it may come with an API key, of which Dispatcher hears a little later.
const together = 2 * time.Second

// newRules gives the rules of a table; who is in it is meant to be reached by them.
func newRules(t *route.Table, services []service) rules {
	r := rules{table: t, reached: make(map[string]map[endpoint]time.Time, len(services))}
	for _, s := range services {
		r.reached[s.Name] = make(map[endpoint]time.Time, len(s.Endpoints))
		r.reach(s, time.Time{})
	}
	return r
}

// reach notes who is reached by these rules.
func (r rules) reach(s service, now time.Time) {
	for _, e := range s.Endpoints {
		if _, known := r.reached[s.Name][endpoint{e.Addr, e.Pod}]; !known {
			r.reached[s.Name][endpoint{e.Addr, e.Pod}] = now
		}
	}
}

// limit leaves of a service's endpoints those that may be reached by these rules:
// all, if the service has the same ones in the table that they are meant for.
func (r rules) limit(s service, same map[string]bool, now time.Time) service {
	reached, known := r.reached[s.Name]
	if !known || same[s.Name] {
		return s
	}
	s.Endpoints = slices.DeleteFunc(slices.Clone(s.Endpoints), func(e pod) bool {
		since, ok := reached[endpoint{e.Addr, e.Pod}]
		return !ok || now.Sub(since) < together
	})
	return s
}

// Knows reports whether it is known what nginx serves.
func (p *Publisher) Knows() bool { return p.live.table != nil }

// Live tells of all endpoints of a table that nginx serves from now on.
func (p *Publisher) Live(t *route.Table, now time.Time) (changed int) {
	p.current = servicesOf(t)
	p.live, p.next = newRules(t, p.current), rules{}
	return p.tell(now)
}

// Applying says that nginx may come to serve a table at any moment.
func (p *Publisher) Applying(t *route.Table) {
	if r, ok := p.Directory.(retirer); ok {
		r.Forget()
	}
	p.next, p.latest = newRules(t, servicesOf(t)), nil
}

// Failed says that it does not.
func (p *Publisher) Failed() { p.next = rules{} }

// fetcher is what a Directory may be able to tell: whether nginx has got all that it
// was told of a service.
type fetcher interface {
	Fetched(service string) bool
}

// retirer is what a Directory may be able to do: tell nothing more to the workers of
// nginx that were there before that moment, and know that some have ended.
type retirer interface {
	Forget()
	Retire(before time.Time)
}

// Applied is Live for the table that was being applied. What was told meanwhile of a
// later one stays told. The workers of nginx that were there before that moment, and
// serve by older rules, are told nothing more.
func (p *Publisher) Applied(now, before time.Time) {
	if r, ok := p.Directory.(retirer); ok {
		r.Retire(before)
	}
	applied := p.next.table
	if p.latest == nil {
		p.Live(applied, now)
		return
	}
	p.live, p.next = newRules(applied, servicesOf(applied)), rules{}
	p.Early(p.latest, now)
}

// Missing gives the services of the table that nginx serves whose endpoints it has
// not got yet.
func (p *Publisher) Missing() (names []string) {
	f, ok := p.Directory.(fetcher)
	if !ok {
		return nil
	}
	for name := range p.live.reached {
		if !f.Fetched(name) {
			names = append(names, name)
		}
	}
	return names
}

// AllFetched reports whether nginx has got the endpoints of these services.
func (p *Publisher) AllFetched(names []string) bool {
	f, ok := p.Directory.(fetcher)
	return !ok || !slices.ContainsFunc(names, func(name string) bool { return !f.Fetched(name) })
}

// Early tells of the endpoints of a table while nginx serves another, as far as that
// is safe. Services that are new must be known before nginx hears of them.
func (p *Publisher) Early(t *route.Table, now time.Time) (changed int) {
	p.latest = t
	services := servicesOf(t)
	same := unchanged(p.live.table, t)
	var sameNext map[string]bool
	if p.next.table != nil {
		sameNext = unchanged(p.next.table, t)
	}
	in := make(map[string]bool, len(services))
	for i, s := range services {
		in[s.Name] = true
		services[i] = p.next.limit(p.live.limit(s, same, now), sameNext, now)
		if _, known := p.live.reached[s.Name]; known && same[s.Name] {
			p.live.reach(services[i], now)
		}
	}
	for _, r := range []rules{p.live, p.next} {
		for name := range r.reached {
			if !in[name] {
				in[name] = true
				services = append(services, service{Name: name}) // nobody serves it any more
			}
		}
	}
	p.current = services
	return p.tell(now)
}

// All tells of all endpoints of a table, of which nginx serves nothing yet.
func (p *Publisher) All(next *route.Table, now time.Time) (changed int) {
	p.current = servicesOf(next)
	return p.tell(now)
}

// tell hands over what is to be told now.
func (p *Publisher) tell(now time.Time) (changed int) {
	services := make([]discovery.Service, len(p.current))
	for i, s := range p.current {
		services[i] = discovery.Service{Name: s.Name, Endpoints: weigh(s, now)}
	}
	return p.Directory.Set(services)
}

// Again tells what was told, with the weights of now.
func (p *Publisher) Again(now time.Time) { p.tell(now) }

// Next is when there will be other weights; zero: never.
func (p *Publisher) Next(now time.Time) (next time.Time) {
	for _, s := range p.current {
		if at := nextStep(s, now); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}
