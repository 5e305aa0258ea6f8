package certificate

import (
	"fmt"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Memory reads the certificates of Secrets. It keeps what it has read from one
// turn to the next, because to read one takes a millisecond or so. What it gives
// is the same as without.
type Memory struct {
	now, last map[source]reading
	most      int // bytes of a field; 0: MaxField
}

// source is where something was read. A cluster.Secret never changes.
type source struct {
	secret *cluster.Secret
	kind   kind
	field  string
	key    string // a second field; of a pair
}

type kind int

const (
	chains kind = iota
	keys
	pairs
	bundles
)

type reading struct {
	chain  *serverChain
	key    *privateKey
	pair   *Pair
	bundle *Bundle
	err    error
}

// Begin begins a turn: what the last one didn't ask for is forgotten. A field may have
// most bytes, 0 for MaxField, which is the same in all turns.
func (m *Memory) Begin(most int) {
	m.last, m.now, m.most = m.now, map[source]reading{}, most
}

// Pair is NewPair of two fields of a Secret. Each field is read once, however many
// others it is combined with.
func (m *Memory) Pair(secret *cluster.Secret, chain, key string) (*Pair, error) {
	r := m.recall(source{secret, pairs, chain, key}, func() (r reading) {
		c := m.recall(source{secret, chains, chain, ""}, func() (r reading) {
			if r.err = m.fits(fieldCertificate, secret.Data[chain]); r.err == nil {
				r.chain, r.err = readChain(secret.Data[chain])
			}
			return r
		})
		if c.err != nil {
			return c
		}
		k := m.recall(source{secret, keys, key, ""}, func() (r reading) {
			if r.err = m.fits(fieldKey, secret.Data[key]); r.err == nil {
				r.key, r.err = readKey(secret.Data[key])
			}
			return r
		})
		if k.err != nil {
			return k
		}
		r.pair, r.err = c.chain.join(k.key)
		return r
	})
	return r.pair, r.err
}

// Bundle is NewBundle of a field of a Secret.
func (m *Memory) Bundle(secret *cluster.Secret, field string) (*Bundle, error) {
	r := m.recall(source{secret, bundles, field, ""}, func() (r reading) {
		if r.err = m.fits(fieldClient, secret.Data[field]); r.err == nil {
			r.bundle, r.err = NewBundle(secret.Data[field])
		}
		return r
	})
	return r.bundle, r.err
}

// fits says why a field is too long.
func (m *Memory) fits(field string, raw []byte) error {
	if m.most == 0 || len(raw) <= m.most {
		return nil
	}
	return fmt.Errorf("the field of %s is longer than %d bytes, which is MAX_CERTIFICATE_BYTES: leave out what isn't needed", field, m.most)
}

func (m *Memory) recall(from source, read func() reading) reading {
	if r, known := m.now[from]; known {
		return r
	}
	r, known := m.last[from]
	if !known {
		r = read()
	}
	m.now[from] = r
	return r
}

// Knows reports whether this turn has asked for the certificate with that ID.
func (m *Memory) Knows(id string) bool {
	for _, r := range m.now {
		if r.pair != nil && r.pair.ID() == id || r.bundle != nil && r.bundle.ID() == id {
			return true
		}
	}
	return false
}
