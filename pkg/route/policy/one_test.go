package policy

import (
	"testing"

	"github.com/30x/dispatcher/pkg/cluster"
)

// was sets earlier times for which the Pod was ready.
func was(spans ...cluster.Span) func(*Candidate) {
	return func(c *Candidate) { c.WasReady = spans }
}

// unready makes it not ready since then; before, it was ready from a moment on.
func unready(from, since int64) func(*Candidate) {
	return func(c *Candidate) {
		down(c)
		c.UnreadySince, c.WasReady = since, append(c.WasReady, cluster.Span{From: from, To: since})
	}
}

func created(when int64) func(*Candidate) { return func(c *Candidate) { c.Created = when } }

// unknown makes it ready since nobody knows when, as Pods of manifests are.
func unknown(c *Candidate) { c.ReadySince = 0 }

func unreachable(c *Candidate) { c.Reachable = false }

// KF1, KF2, KF3, KX7, KX9: who gets all requests, and until when it is kept by its grace.
func TestChosen(t *testing.T) {
	t.Parallel()
	span := func(from, to int64) cluster.Span { return cluster.Span{From: from, To: to} }
	for name, test := range map[string]struct {
		grace int
		now   int64
		pods  []Candidate
		want  string
		until int64
	}{
		"nobody":                     {0, 100, nil, "", 0},
		"the longest ready":          {0, 100, []Candidate{pod("a", 20), pod("b", 10), pod("c", 30)}, "b", 0},
		"not the oldest":             {0, 100, []Candidate{pod("a", 20, created(1)), pod("b", 10)}, "b", 0},
		"in one second, the oldest":  {0, 100, []Candidate{pod("a", 20, created(9)), pod("b", 20, created(8))}, "b", 0},
		"of one age, the first name": {0, 100, []Candidate{pod("b", 20), pod("a", 20)}, "a", 0},
		"manifests: the oldest":      {0, 100, []Candidate{pod("a", 20, unknown), pod("b", 10, unknown)}, "b", 0},
		"manifests without a time":   {0, 100, []Candidate{pod("b", 0), pod("a", 0)}, "a", 0},
		"unknown is the newest":      {0, 100, []Candidate{pod("a", 20, unknown, created(1)), pod("b", 90)}, "b", 0},
		"deleting":                   {60, 100, []Candidate{pod("a", 10, deleting), pod("b", 20)}, "b", 0},
		"nobody serves":              {0, 100, []Candidate{pod("a", 10, down), pod("b", 20, pending)}, "", 0},
		// Addresses say nothing: another Pod may have got them (KX7).
		"an address goes on": {0, 100, []Candidate{pod("a", 10, at("10.0.0.9:80")), pod("b", 20, at("10.0.0.1:80"))}, "a", 0},

		"a break counts without a grace":   {0, 100, []Candidate{pod("a", 50, was(span(10, 49))), pod("b", 20)}, "b", 0},
		"however short it was":             {0, 100, []Candidate{pod("a", 50, was(span(10, 50))), pod("b", 20)}, "b", 0},
		"a short one does not":             {5, 100, []Candidate{pod("a", 50, was(span(10, 45))), pod("b", 20)}, "a", 0},
		"a longer one does":                {5, 100, []Candidate{pod("a", 50, was(span(10, 44))), pod("b", 20)}, "b", 0},
		"nor do many short ones":           {5, 100, []Candidate{pod("a", 50, was(span(5, 20), span(22, 30), span(31, 49))), pod("b", 10)}, "a", 0},
		"what is before a long one is not": {5, 100, []Candidate{pod("a", 50, was(span(5, 20), span(32, 49))), pod("b", 10)}, "b", 0},

		"kept in its grace":              {5, 24, []Candidate{pod("a", 10, unready(10, 20)), pod("b", 15)}, "a", 26},
		"to the end of its last second":  {5, 25, []Candidate{pod("a", 10, unready(10, 20)), pod("b", 15)}, "a", 26},
		"and no longer":                  {5, 26, []Candidate{pod("a", 10, unready(10, 20)), pod("b", 15)}, "b", 0},
		"no grace, not kept":             {0, 20, []Candidate{pod("a", 10, unready(10, 20)), pod("b", 15)}, "b", 0},
		"it had been the longest before": {5, 24, []Candidate{pod("a", 10, was(span(2, 8)), unready(10, 20)), pod("b", 5)}, "a", 26},
		"deleting ends it":               {5, 21, []Candidate{pod("a", 10, unready(10, 20), deleting), pod("b", 15)}, "b", 0},
		"and so does losing its address": {5, 21, []Candidate{pod("a", 10, unready(10, 20), unreachable), pod("b", 15)}, "b", 0},
		"nobody else serves":             {5, 22, []Candidate{pod("a", 10, unready(10, 20))}, "a", 26},
		"a newer one in grace waits":     {5, 22, []Candidate{pod("a", 10), pod("b", 15, unready(15, 20))}, "a", 0},
		// It may have become unready before this Dispatcher saw it, or was never ready.
		"nobody saw it ready":      {60, 22, []Candidate{pod("a", 10, down, func(c *Candidate) { c.UnreadySince = 20 }), pod("b", 15)}, "b", 0},
		"seen, but another time":   {60, 22, []Candidate{pod("a", 10, down, was(span(1, 12)), func(c *Candidate) { c.UnreadySince = 20 }), pod("b", 15)}, "b", 0},
		"a time is not told":       {60, 22, []Candidate{pod("a", 10, down, was(span(1, 12))), pod("b", 15)}, "b", 0},
		"the Pod's clock is ahead": {5, 18, []Candidate{pod("a", 10, unready(10, 20)), pod("b", 15)}, "a", 26},
	} {
		index, until := Chosen(test.pods, test.grace, test.now)
		got := ""
		if index >= 0 {
			got = test.pods[index].Identity
		}
		if got != test.want || until != test.until {
			t.Errorf("%s: %q until %d, want %q until %d", name, got, until, test.want, test.until)
		}
		up, _, same := apply(Input{Options: options(t, "policy=one"), Candidates: test.pods, Now: test.now})
		if test.grace == 0 && (len(up.Endpoints) != min(len(got), 1) || same != 0) {
			t.Errorf("%s: Apply gives %v until %d", name, up.Endpoints, same)
		}
	}
}
