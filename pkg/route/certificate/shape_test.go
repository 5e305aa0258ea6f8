package certificate_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/route/certificate"
)

// Go's parser passes over what OpenSSL stumbles on: one such certificate would
// keep nginx from loading the configuration of all tenants (DX9).
func TestPairRefusesWhatGoPassesOver(t *testing.T) {
	t.Parallel()
	chain, key := pki.NewAuthority(t, "root").Server(t, one)
	block, _ := pem.Decode([]byte(chain))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	extensions := bytes.Index(cert.Raw, cert.RawSubjectPublicKeyInfo) + len(cert.RawSubjectPublicKeyInfo)
	version := bytes.Index(cert.Raw, []byte{0xa0, 3, 2, 1, 2}) + 4
	for name, change := range map[string]func(der []byte) []byte{
		"one more part":                  func(der []byte) []byte { der[3] += 2; return append(der, 5, 0) },
		"extensions tagged as primitive": func(der []byte) []byte { der[extensions] = 0x83; return der },
		"a subject's identifier":         func(der []byte) []byte { der[extensions] = 0xa2; return der },
		"extensions in version 2":        func(der []byte) []byte { der[version] = 1; return der },
	} {
		t.Run(name, func(t *testing.T) {
			der := change(bytes.Clone(cert.Raw))
			if _, err := x509.ParseCertificate(der); err != nil {
				t.Fatalf("Go reads it no more: %v", err)
			}
			text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
			if p, err := certificate.NewPair(text, []byte(key)); err == nil || !strings.Contains(err.Error(), "holds what no certificate has") {
				t.Errorf("pair %v, error %v", p, err)
			}
		})
	}
}
