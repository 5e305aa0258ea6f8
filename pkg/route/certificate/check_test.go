package certificate

import (
	"crypto/ed25519"
	"crypto/rsa"
	"math/big"
	"testing"
)

// The limits are exact: what is a bit out of them is refused.
func TestPublicKeyLimits(t *testing.T) {
	t.Parallel()
	for bits, want := range map[uint]bool{1: false, 2047: false, 2048: true, 4096: true, 4097: false, 16384: false} {
		key := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), bits-1), E: 65537}
		if err := checkPublicKey(key); (err == nil) != want {
			t.Errorf("RSA, %d bits: %v", bits, err)
		}
	}
	for name, key := range map[string]any{"nothing": nil, "a private key": ed25519.PrivateKey{}} {
		if checkPublicKey(key) == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
