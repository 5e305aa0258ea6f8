package publish

import (
	"math"
	"time"

	"github.com/30x/dispatcher/pkg/discovery"
	"github.com/30x/dispatcher/pkg/route/value"
)

// steps is in how many steps a Pod comes to its full share.
const steps = 10

// step is how many of its steps a Pod has made: 1 to steps.
func step(s service, e pod, now time.Time) int {
	if s.SlowStart == 0 || e.ReadySince == 0 {
		return steps
	}
	ready := now.Sub(time.Unix(e.ReadySince, 0)) // negative if the clocks differ
	return min(1+int(max(ready, 0)*steps/(time.Duration(s.SlowStart)*time.Second)), steps)
}

// weigh gives a service's endpoints with their weights. While one is spared, those
// of all are multiplied, so that there is something between nothing and 1.
func weigh(s service, now time.Time) []discovery.Endpoint {
	out := make([]discovery.Endpoint, len(s.Endpoints))
	spared, heaviest := false, 1
	for _, e := range s.Endpoints {
		spared = spared || step(s, e, now) < steps
		heaviest = max(heaviest, e.Weight)
	}
	factor := 1.0
	if spared {
		factor = min(100, float64(value.MaxWeight)/float64(heaviest))
	}
	for i, e := range s.Endpoints {
		weight := float64(e.Weight) * factor * float64(step(s, e, now)) / steps
		out[i] = discovery.Endpoint{Addr: e.Addr, Weight: uint16(max(1, math.Round(weight)))}
	}
	return out
}

// nextStep is when the weights of a service will be others; zero: never.
func nextStep(s service, now time.Time) (next time.Time) {
	for _, e := range s.Endpoints {
		n := step(s, e, now)
		if n == steps {
			continue
		}
		at := time.Unix(e.ReadySince, 0).Add(time.Duration(n) * time.Duration(s.SlowStart) * time.Second / steps)
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}
