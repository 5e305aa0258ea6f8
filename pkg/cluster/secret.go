package cluster

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/30x/dispatcher/pkg/source/manifest"
)

// Secret is what routing needs of a Secret. It never shows what it holds.
type Secret struct {
	Ref
	UID        string
	Unreadable bool // the Secret exists, but not all of it could be read
	TLS        bool // it is of type kubernetes.io/tls
	Data       map[string]Sensitive
}

// Sensitive is a value that must not be seen. However it is printed, logged or
// encoded, only "***" appears; string(s) is the value itself.
type Sensitive []byte

// String hides the value.
func (Sensitive) String() string { return "***" }

// Format hides the value from every verb, %x included.
func (s Sensitive) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText hides the value from encoders, and so from log/slog.
func (s Sensitive) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// NewSecret cuts a Secret to what routing needs. It fails only on names that
// Kubernetes would not accept.
func NewSecret(o *corev1.Secret) (*Secret, error) {
	ref, err := NewRef("Secret", o)
	if err != nil {
		return nil, err
	}
	s := &Secret{Ref: ref, UID: string(o.UID), Unreadable: o.Type == manifest.Unreadable, TLS: o.Type == corev1.SecretTypeTLS, Data: make(map[string]Sensitive, len(o.Data))}
	for field, v := range o.Data {
		s.Data[field] = Sensitive(v)
	}
	return s, nil
}
