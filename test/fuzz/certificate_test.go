package fuzz

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/route/certificate"
)

// FuzzCertificate: whatever stands in a Secret's fields, what is taken is PEM that
// Go loads too and that gives the same again, and no error shows any of a key
// (DF20, DF22, DF23, DX9).
func FuzzCertificate(f *testing.F) {
	for _, s := range certificateSeeds(f) {
		f.Add([]byte(s[0]), []byte(s[1]), []byte(s[2]))
	}
	f.Fuzz(func(t *testing.T, chain, key, bundle []byte) {
		p, err := certificate.NewPair(chain, key)
		if err != nil {
			plainError(t, err, chain, key)
		} else {
			samePair(t, p)
		}
		b, err := certificate.NewBundle(bundle)
		if err != nil {
			plainError(t, err, bundle)
			return
		}
		onlyBlocks(t, b.PEM(), "CERTIFICATE", certificate.MaxBundle)
		if again, err := certificate.NewBundle([]byte(b.PEM())); err != nil || *again != *b {
			t.Fatalf("read again: %v, %v; first %v", again, err, b)
		}
		if !x509.NewCertPool().AppendCertsFromPEM([]byte(b.PEM())) {
			t.Fatal("Go takes none of the bundle")
		}
	})
}

func samePair(t *testing.T, p *certificate.Pair) {
	t.Helper()
	onlyBlocks(t, p.Chain(), "CERTIFICATE", certificate.MaxChain)
	onlyBlocks(t, p.Reveal(), "PRIVATE KEY", 1)
	again, err := certificate.NewPair([]byte(p.Chain()), []byte(p.Reveal()))
	if err != nil || again.ID() != p.ID() || again.Chain() != p.Chain() || again.Reveal() != p.Reveal() {
		t.Fatalf("read again: %v, %v; first %v", again, err, p)
	}
	if _, err := tls.X509KeyPair([]byte(p.Chain()), []byte(p.Reveal())); err != nil {
		t.Fatal(err)
	}
}

// onlyBlocks checks that text is 1 to limit blocks of one type, in ASCII, and nothing else.
func onlyBlocks(t *testing.T, text, kind string, limit int) {
	t.Helper()
	rest, again := []byte(text), []byte{}
	n := 0
	for ; len(rest) > 0; n++ {
		block, after := pem.Decode(rest)
		if block == nil || block.Type != kind || len(block.Headers) > 0 {
			t.Fatalf("not a block of type %s alone: %q", kind, rest)
		}
		again, rest = append(again, pem.EncodeToMemory(block)...), after
	}
	if n < 1 || n > limit || string(again) != text || strings.ContainsFunc(text, func(r rune) bool { return r > '~' || r < ' ' && r != '\n' }) {
		t.Fatalf("%d blocks of type %s and more: %q", n, kind, text)
	}
}

// plainError checks that an error is one short line without a line of a key.
func plainError(t *testing.T, err error, fields ...[]byte) {
	t.Helper()
	text := err.Error()
	if len(text) > 500 || strings.ContainsFunc(text, func(r rune) bool { return r > '~' || r < ' ' }) {
		t.Fatalf("not one plain line: %q", text)
	}
	for _, field := range fields {
		for line := range bytes.Lines(field) {
			line = bytes.TrimSpace(line)
			if _, err := base64.StdEncoding.DecodeString(string(line)); err == nil && len(line) >= 24 && strings.Contains(text, string(line)) {
				t.Fatalf("the error holds a line of a field: %q", text)
			}
		}
	}
}

// certificateSeeds are chains, keys and bundles: good ones, and each damaged somehow.
func certificateSeeds(tb testing.TB) [][3]string {
	tb.Helper()
	root := pki.NewAuthority(tb, "root")
	middle := root.Intermediate(tb, "middle")
	chain, key := middle.Server(tb, []string{"a.example", "*.a.example", "10.1.2.3"})
	self, selfKey := pki.SelfSigned(tb, "a.example")
	edChain, edKey := root.Server(tb, []string{"a.example"}, pki.Key(pki.Ed25519))
	rsaChain, rsaKey := root.Server(tb, []string{"a.example"}, pki.Key(pki.RSA(2048)))
	weak, weakKey := root.Server(tb, []string{"a.example"}, pki.Key(pki.P224))
	cas := root.PEM() + middle.PEM()
	list := [][3]string{
		{"", "", ""}, {chain, key, cas}, {chain + root.PEM(), key, self}, {self, selfKey, root.PEM() + root.PEM()},
		{edChain, edKey, middle.PEM()}, {rsaChain, rsaKey, rsaChain}, {weak, weakKey, weak}, {key, chain, key}, {chain, selfKey, cas + key},
	}
	for _, change := range [][2]string{
		{"CERTIFICATE", "TRUSTED CERTIFICATE"}, {"PRIVATE", "ENCRYPTED PRIVATE"}, {"PRIVATE", "EC PRIVATE"}, {"\n", "\r\n"}, {"\n", ""},
		{"-----BEGIN", "Bag Attributes\n-----BEGIN"}, {"-----BEGIN", " -----BEGIN"}, {"-----END", "----END"}, {"KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n"},
		{"A", "B"}, {"=", ""},
	} {
		r := strings.NewReplacer(change[0], change[1])
		list = append(list, [3]string{r.Replace(chain), r.Replace(key), r.Replace(cas)}, [3]string{chain, r.Replace(key), cas + r.Replace(cas)})
	}
	for i := 40; i < len(key); i += 31 {
		list = append(list, [3]string{chain[:i] + "x" + chain[i+1:], key[:i] + "x" + key[i+1:], cas[:i]})
	}
	return list
}
