package value

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// MaxKey is the longest API key, in bytes. nginx refuses a configuration with a
// parameter of more than 4,096 bytes.
const MaxKey = 2048

// Key is an API key. However it is printed, only its fingerprint appears. Made
// only by NewKey.
type Key struct{ encoded string }

// NewKey takes the value of a Secret's field: any bytes, but not none.
func NewKey(raw []byte) (Key, error) {
	switch {
	case len(raw) == 0:
		return Key{}, errors.New("it is empty")
	case len(raw) > MaxKey:
		return Key{}, fmt.Errorf("it is longer than %d bytes", MaxKey)
	}
	return Key{base64.StdEncoding.EncodeToString(raw)}, nil
}

// Reveal is what clients must send: the standard base64 of the value.
func (k Key) Reveal() string { return k.encoded }

// String is a mask with a short fingerprint, by which a change can be seen.
func (k Key) String() string {
	sum := sha256.Sum256([]byte(k.encoded))
	return "***" + hex.EncodeToString(sum[:4])
}

// Format shows the mask whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }
