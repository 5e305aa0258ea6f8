package certificate_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/route/certificate"
)

// encodeKey encodes a key for a block of that type.
func encodeKey(t *testing.T, kind string, key any) []byte {
	t.Helper()
	var der []byte
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		der = x509.MarshalPKCS1PrivateKey(k)
	case *ecdsa.PrivateKey:
		der, err = x509.MarshalECPrivateKey(k)
	default:
		t.Fatalf("no %s of a %T", kind, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// damaged changes the last byte of a certificate, which is its signature's.
func damaged(t *testing.T, text string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	block.Bytes[len(block.Bytes)-1] ^= 1
	return string(pem.EncodeToMemory(block))
}

// What is taken for clients' certificates to be checked against (DF23).
func TestBundleTakes(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	root := pki.NewAuthority(t, "root", pki.Expires(now.Add(time.Minute)))
	middle := root.Intermediate(t, "middle", pki.Expires(now.Add(time.Hour)))
	other := pki.NewAuthority(t, "other", pki.Key(pki.Ed25519), pki.Expires(now.Add(time.Second)))
	old := pki.NewAuthority(t, "old", signed(x509.ECDSAWithSHA1), authorityKey(t, 7), pki.Expires(now))
	text := root.PEM() + "comment\n" + middle.PEM() + root.PEM() + other.PEM() + old.PEM()
	b, err := certificate.NewBundle([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if want := root.PEM() + middle.PEM() + other.PEM() + old.PEM(); b.PEM() != want {
		t.Errorf("got\n%s\nwant\n%s", b.PEM(), want)
	}
	if b.Validity().NotAfter != now.Add(time.Minute).Unix() {
		t.Errorf("valid to %d, at %d", b.Validity().NotAfter, now.Unix())
	}
	again, err := certificate.NewBundle([]byte(b.PEM()))
	if err != nil || again.ID() != b.ID() || len(b.ID()) != 32 {
		t.Errorf("read again: %v, %v; first %s", again, err, b.ID())
	}
	less, err := certificate.NewBundle([]byte(root.PEM()))
	if err != nil || less.ID() == b.ID() {
		t.Errorf("with less in it: %v, %v", less, err)
	}
}

// What is refused, and why (DF23).
func TestBundleRefuses(t *testing.T) {
	t.Parallel()
	root := pki.NewAuthority(t, "root")
	middle := root.Intermediate(t, "middle")
	_, key := root.Client(t, "client")
	self, _ := pki.SelfSigned(t, "a.example")
	for name, c := range map[string]struct{ text, want string }{
		"empty":         {"", "the field of clientCertificate is empty"},
		"too long":      {strings.Repeat("\n", certificate.MaxField) + root.PEM(), "longer than 65536 bytes"},
		"no PEM":        {"hello", "the field of clientCertificate holds no PEM block"},
		"half a block":  {root.PEM() + root.PEM()[:99], "damaged PEM block"},
		"key":           {root.PEM() + key, "the field of clientCertificate holds a private key: take it out"},
		"no root":       {middle.PEM(), "holds no self-signed certificate, so that no client would be let in"},
		"damaged root":  {damaged(t, self), "certificate 1 in the field of clientCertificate is damaged"},
		"weak root":     {root.PEM() + pki.NewAuthority(t, "weak", pki.Key(pki.RSA(1024))).PEM(), "certificate 2 in the field of clientCertificate has an RSA key of 1024 bits"},
		"weak below":    {root.PEM() + root.Intermediate(t, "old", signed(x509.ECDSAWithSHA1)).PEM(), "certificate 2 in the field of clientCertificate is signed with ECDSA-SHA1"},
		"too many":      {strings.Repeat(root.PEM(), 101), "holds 101 PEM blocks: write at most 100"},
		"other content": {strings.ReplaceAll(root.PEM(), "CERTIFICATE", "PKCS7"), `of type "PKCS7"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if b, err := certificate.NewBundle([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("bundle %v, error %v; want %q", b, err, c.want)
			}
		})
	}
}
