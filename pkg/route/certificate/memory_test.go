package certificate_test

import (
	"testing"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/certificate"
)

// A Memory reads a Secret once as long as each turn asks for it, and a changed
// one, which is another object, anew.
func TestMemory(t *testing.T) {
	t.Parallel()
	chain, key := pki.SelfSigned(t, "a.example")
	secret := &cluster.Secret{Data: map[string]cluster.Sensitive{"crt": []byte(chain), "key": []byte(key)}}
	var m certificate.Memory
	ask := func(s *cluster.Secret) *certificate.Pair {
		t.Helper()
		p, err := m.Pair(s, "crt", "key")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	m.Begin(0)
	first := ask(secret)
	if ca, err := m.Bundle(secret, "crt"); err != nil || !m.Knows(ca.ID()) {
		t.Errorf("the bundle is not known: %v", err)
	}
	m.Begin(0)
	if m.Knows(first.ID()) {
		t.Error("a turn knows what it has not asked for")
	}
	if ask(secret) != first || !m.Knows(first.ID()) {
		t.Error("the next turn has read the Secret again")
	}
	if _, err := m.Pair(secret, "key", "crt"); err == nil {
		t.Error("other fields give the same")
	}
	copied := *secret
	if p := ask(&copied); p == first || p.ID() != first.ID() {
		t.Error("another Secret is taken for the same, or gives something else")
	}
	if ask(secret) != first {
		t.Error("the same turn has read the Secret again")
	}
	m.Begin(0)
	m.Begin(0)
	if ask(secret) == first {
		t.Error("what a turn has not asked for is not forgotten")
	}
}

// The owner is told of a certificate's time from 14 days before its end, and when
// there will be something else to tell.
func TestJudge(t *testing.T) {
	t.Parallel()
	const day = 24 * 60 * 60
	v := certificate.Validity{NotBefore: 10 * day, NotAfter: 100 * day}
	for now, want := range map[int64]struct {
		told bool
		next int64
	}{
		0:           {true, 10 * day},
		10*day - 1:  {true, 10 * day},
		10 * day:    {false, 86 * day},
		86*day - 1:  {false, 86 * day},
		86 * day:    {true, 100 * day},
		100*day - 1: {true, 100 * day},
		100 * day:   {true, 0},
	} {
		if reason, next := v.Judge("it", now); (reason != "") != want.told || next != want.next {
			t.Errorf("at %d: %q, next %d; want %+v", now, reason, next, want)
		}
	}
}
