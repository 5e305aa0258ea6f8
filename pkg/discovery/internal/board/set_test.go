package board

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// Set finds what has changed, whatever the order, and wakes those who ask for that
// and nobody else. A model that compares texts says what is right.
func TestSetFindsChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := newPlay(t)
		const names = 12
		model := map[string]string{}
		ids := map[string]uint16{}
		for i := range names {
			name := fmt.Sprint("s", i)
			p.ask(nginx, name, uint16(i))
			ids[name] = uint16(i)
		}
		current := map[string][]Endpoint{}
		for step := range 60 {
			next := map[string][]Endpoint{}
			for i := range names {
				name := fmt.Sprint("s", i)
				endpoints, known := current[name]
				switch {
				case r.IntN(4) > 0 && known: // as it was
				case r.IntN(4) == 0:
					continue // it goes, or does not come
				default:
					endpoints = endpoints[:0:0]
					for range r.IntN(4) {
						endpoints = append(endpoints, Endpoint{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(3))}), 80),
							Weight: uint16(r.IntN(3)), Priority: uint16(r.IntN(2))})
					}
				}
				next[name] = endpoints
			}
			var services []Service
			want, woken := 0, []string{}
			now := map[string]string{}
			for name, endpoints := range next {
				endpoints = slices.Clone(endpoints)
				r.Shuffle(len(endpoints), func(i, j int) { endpoints[i], endpoints[j] = endpoints[j], endpoints[i] })
				services = append(services, Service{name, endpoints})
				now[name] = text(endpoints)
				if was, known := model[name]; !known || was != now[name] {
					want++
					woken = append(woken, name)
				}
			}
			for name := range model {
				if _, stays := now[name]; !stays {
					want++
				}
			}
			r.Shuffle(len(services), func(i, j int) { services[i], services[j] = services[j], services[i] })
			if got := p.Set(p.now, services); got != want {
				t.Fatalf("seed %d, step %d: %d have changed, want %d", seed, step, got, want)
			}
			var sent []string
			for _, answer := range p.due() {
				var port int
				var id uint16
				if _, err := fmt.Sscanf(answer, "%d: %d", &port, &id); err != nil {
					t.Fatal(err)
				}
				for name, i := range ids {
					if i == id {
						sent = append(sent, name)
					}
				}
			}
			slices.Sort(sent)
			slices.Sort(woken)
			if !slices.Equal(sent, woken) {
				t.Fatalf("seed %d, step %d: %v are told, want %v", seed, step, sent, woken)
			}
			model, current = now, next
			p.pass(100 * time.Millisecond) // all in less than a hold
			for _, name := range sent {    // nginx asks again
				ids[name] += names
				if got := p.ask(nginx, name, ids[name]); len(got) > 0 {
					t.Fatalf("seed %d, step %d: %s is told twice: %v", seed, step, name, got)
				}
			}
			p.check("now")
		}
	}
}

// text is what nginx is to be told: sorted, each once, the smallest priority and
// weight counting.
func text(endpoints []Endpoint) string {
	best := map[netip.AddrPort]Endpoint{}
	for _, e := range endpoints {
		e.Weight = max(1, e.Weight)
		if old, ok := best[e.Addr]; !ok || e.Priority < old.Priority || e.Priority == old.Priority && e.Weight < old.Weight {
			best[e.Addr] = e
		}
	}
	var lines []string
	for _, e := range best {
		lines = append(lines, fmt.Sprint(e))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// What can't be told is left out and counted, and the rest is served.
func TestSetInvalid(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	at := netip.MustParseAddrPort
	p.set(2,
		Service{Name: "a", Endpoints: []Endpoint{
			{Addr: at("10.0.0.1:1")},
			{Addr: at("10.0.0.1:1")},          // the same
			{Addr: at("[::ffff:10.0.0.1]:1")}, // the same, written in another way
			{Addr: at("10.0.0.1:0")},
			{Addr: at("0.0.0.0:80")},
			{Addr: at("[fe80::1%eth0]:80")},
			{},
			{Addr: at("10.0.0.1:3"), Target: "web"},
			{Addr: at("10.0.0.2:4"), Target: "web"}, // another's name
			{Addr: at("10.0.0.1:5"), Target: "we.b"},
			{Addr: at("10.0.0.1:6"), Target: strings.Repeat("w", 64)},
		}},
		Service{Name: "b"}, Service{Name: "b", Endpoints: on("", 1).Endpoints}, Service{Name: "B"}, Service{Name: ""})
	expect(t, "a", p.ask(nginx, "a", 1), "40000: 1 1 3")
	expect(t, "b", p.ask(nginx, "b", 1), "40000: 1 503")
	if s := p.Stats(p.now); s.Invalid != 12 || s.Known != 2 || s.Endpoints != 2 {
		t.Errorf("the Stats are %+v", s)
	}
	p.set(1, on("a", 1), on("b"))
	if s := p.Stats(p.now); s.Invalid != 0 {
		t.Errorf("the Stats are %+v", s)
	}
}

// What no answer has room for is counted.
func TestSetTooMany(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	many := make([]uint16, 3000)
	for i := range many {
		many[i] = uint16(i + 1)
	}
	p.set(2, on("a", many...), on("b", 1))
	cut := p.Stats(p.now).Cut
	if cut < 500 || cut > 1000 {
		t.Errorf("%d endpoints are too many", cut)
	}
	p.set(1, on("b", 1))
	p.set(1, on("b", 1), on("a", many[:2000]...))
	if got := p.Stats(p.now).Cut; got != 0 {
		t.Errorf("%d endpoints are too many then", got)
	}
}

// What a Set costs that changes nothing, and one that changes one service.
func BenchmarkSet(b *testing.B) {
	services := make([]Service, 10_000)
	for i := range services {
		services[i] = on(fmt.Sprint("s", i), 1, 2, 3)
	}
	board := New(Options{Hold: hold})
	now := time.Unix(1_000_000_000, 0)
	board.Set(now, services)
	b.Run("same", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if board.Set(now, services) != 0 {
				b.Fatal("it has changed")
			}
		}
	})
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			services[77] = on("s77", uint16(4+i%2))
			if board.Set(now, services) != 1 {
				b.Fatal("it has not changed")
			}
		}
	})
}
