package value

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
)

// Hash is 128 bits of a SHA-256 over the fields, as 32 hexadecimal digits. Each
// field's length goes before it, so that no two sets of fields look alike
// ("a.co"+"m/b" and "a.com"+"/b").
func Hash(fields ...string) string {
	h := sha256.New()
	var length [8]byte
	for _, f := range fields {
		binary.BigEndian.PutUint64(length[:], uint64(len(f)))
		_, _ = h.Write(length[:])
		_, _ = io.WriteString(h, f)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
