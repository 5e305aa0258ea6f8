package certificate_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/route/value"
)

var one = []string{"a.example"}

func signed(kind x509.SignatureAlgorithm) pki.Option {
	return pki.With(func(c *x509.Certificate) { c.SignatureAlgorithm = kind })
}

// authorityKey makes an authority key identifier that also says whose serial
// number, as older versions of openssl req wrote it.
func authorityKey(t *testing.T, serial int) pki.Option {
	t.Helper()
	raw, err := asn1.Marshal(struct {
		Serial int `asn1:"tag:2"`
	}{serial})
	if err != nil {
		t.Fatal(err)
	}
	return pki.With(func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 35}, Value: raw})
	})
}

func mustPair(t *testing.T, chain, key string) *certificate.Pair {
	t.Helper()
	p, err := certificate.NewPair([]byte(chain), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// as encodes the key anew: what PKCS #1 and SEC 1 call it.
func as(t *testing.T, kind, key string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(key))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: encodeKey(t, kind, parsed)}))
}

// The kinds of keys, encodings and chains that are taken (DF20).
func TestPairTakes(t *testing.T) {
	t.Parallel()
	root := pki.NewAuthority(t, "root")
	middle := root.Intermediate(t, "middle")
	low := middle.Intermediate(t, "low", pki.Key(pki.P384))
	chain, key := low.Server(t, one)
	rsaChain, rsaKey := root.Server(t, one, pki.Key(pki.RSA(2048)))
	ecChain, ecKey := root.Server(t, one, pki.Key(pki.P521))
	edChain, edKey := root.Server(t, one, pki.Key(pki.Ed25519))
	self, selfKey := pki.SelfSigned(t, "a.example")
	oldSelf, oldSelfKey := pki.SelfSignedWith(t, one, signed(x509.ECDSAWithSHA1))
	oldRoot := pki.NewAuthority(t, "old", signed(x509.ECDSAWithSHA1))
	oldChain, oldKey := oldRoot.Server(t, one)
	for name, c := range map[string]struct{ chain, key, want string }{
		"two intermediates":      {chain, key, chain},
		"with its root":          {chain + root.PEM(), key, chain + root.PEM()},
		"RSA":                    {rsaChain, rsaKey, rsaChain},
		"RSA, PKCS #1":           {rsaChain, as(t, "RSA PRIVATE KEY", rsaKey), rsaChain},
		"P-521, SEC 1":           {ecChain, as(t, "EC PRIVATE KEY", ecKey), ecChain},
		"with EC PARAMETERS":     {ecChain, "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIw==\n-----END EC PARAMETERS-----\n" + as(t, "EC PRIVATE KEY", ecKey), ecChain},
		"Ed25519":                {edChain, edKey, edChain},
		"self-signed":            {self, selfKey, self},
		"self-signed, SHA-1":     {oldSelf, oldSelfKey, oldSelf},
		"root signed with SHA-1": {oldChain + oldRoot.PEM(), oldKey, oldChain + oldRoot.PEM()},
		"comments":               {"Certificate:\n    Data: é\n" + strings.ReplaceAll(chain, "-----BEGIN", "Bag Attributes\n-----BEGIN"), "Bag Attributes\n" + key + "the end", chain},
		"CRLF":                   {strings.ReplaceAll(chain, "\n", "\r\n"), strings.ReplaceAll(key, "\n", "\r\n"), chain},
		"byte order mark":        {"\ufeff" + chain, "\ufeff" + key, chain},
		"no last newline":        {strings.TrimSpace(chain), strings.TrimSpace(key), chain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := mustPair(t, c.chain, c.key)
			if p.Chain() != c.want {
				t.Errorf("chain:\n%s\nwant\n%s", p.Chain(), c.want)
			}
			if again := mustPair(t, p.Chain(), p.Reveal()); again.ID() != p.ID() || again.Reveal() != p.Reveal() {
				t.Errorf("read again it is %s, first it was %s", again.ID(), p.ID())
			}
			if !strings.HasPrefix(p.Reveal(), "-----BEGIN PRIVATE KEY-----\n") || len(p.ID()) != 32 {
				t.Errorf("ID %s, key %.30s", p.ID(), p.Reveal())
			}
		})
	}
}

// What is refused, and why (DF20, DX9).
func TestPairRefuses(t *testing.T) {
	t.Parallel()
	root := pki.NewAuthority(t, "root")
	middle := root.Intermediate(t, "middle")
	chain, key := middle.Server(t, one)
	leaf, rest, _ := strings.Cut(chain, "-----END CERTIFICATE-----\n")
	leaf += "-----END CERTIFICATE-----\n"
	_, otherKey := middle.Server(t, one)
	deep, deepKey := middle.Intermediate(t, "low").Server(t, one)
	blocks := strings.SplitAfter(deep, "-----END CERTIFICATE-----\n")
	self, selfKey := pki.SelfSigned(t, "a.example")
	ca, caKey := root.Server(t, one, pki.With(func(c *x509.Certificate) { c.IsCA = true }))
	fake, fakeKey := root.Intermediate(t, "fake", pki.With(func(c *x509.Certificate) { c.IsCA = false })).Server(t, one)
	issued := func(o ...pki.Option) [2]string { c, k := root.Server(t, one, o...); return [2]string{c, k} }
	oddSelf, oddKey := pki.SelfSignedWith(t, one, signed(x509.ECDSAWithSHA1), authorityKey(t, 7))
	weakRSA, p224, oldSHA := issued(pki.Key(pki.RSA(1024))), issued(pki.Key(pki.P224)), issued(signed(x509.ECDSAWithSHA1))
	weakCA, weakKey := pki.NewAuthority(t, "weak", pki.Key(pki.RSA(1024))).Intermediate(t, "below", pki.Key(pki.P224)).Server(t, one)
	encrypted := func(kind string, headers map[string]string) string {
		block, _ := pem.Decode([]byte(key))
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Headers: headers, Bytes: block.Bytes}))
	}
	named := func(kind, text string) string { return strings.ReplaceAll(text, "CERTIFICATE-", kind+"-") }
	tests := []struct{ name, chain, key, want string }{
		{"no certificate", "", key, "the field of certificate is empty"},
		{"no key", chain, "", "the field of certificateKey is empty"},
		{"too long", chain + strings.Repeat("#", certificate.MaxField), key, "longer than 65536 bytes"},
		{"no PEM", "hello", key, "the field of certificate holds no PEM block"},
		{"base64 twice", base64.StdEncoding.EncodeToString([]byte(chain)), key, "encoded in base64 once"},
		{"swapped", key, chain, "the field of certificate holds a private key: put that into the field of certificateKey"},
		{"key in the chain", chain + key, key, "the field of certificate holds a private key"},
		{"certificate as key", chain, chain, "the field of certificateKey holds a certificate"},
		{"both as key", chain, key + chain, "the field of certificateKey holds a certificate"},
		{"cut short", chain[:len(chain)-40], key, "the field of certificate holds a damaged PEM block"},
		{"cut in the first", leaf[:200] + "\n" + rest, key, "damaged PEM block"},
		{"byte order mark inside", leaf + "\xef\xbb\xbf" + rest, key, "damaged PEM block"},
		{"key cut short", chain, key[:60], "the field of certificateKey holds a damaged PEM block"},
		{"too many blocks", strings.Repeat("-----BEGIN", 101), key, "holds 101 PEM blocks: write at most 100"},
		{"trusted", named("TRUSTED CERTIFICATE", leaf), key, `of type "TRUSTED CERTIFICATE"`},
		{"CRL", chain + named("X509 CRL", leaf), key, `of type "X509 CRL"`},
		{"hostile type", chain + named("x\x01;}", leaf), key, `of type "x\x01;}"`},
		{"not DER", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", key, "certificate 1 in the field of certificate can't be read"},
		{"11 certificates", leaf + strings.Repeat(root.PEM(), 10), key, "holds 11 certificates: write at most 10"},
		{"other key", chain, otherKey, "the private key is not that of the certificate"},
		{"other kind of key", chain, weakRSA[1], "the private key is not that of the certificate"},
		{"two keys", chain, key + otherKey, "more than one private key"},
		{"parameters alone", chain, "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIw==\n-----END EC PARAMETERS-----\n", "holds no private key"},
		{"public key", chain, encrypted("PUBLIC KEY", nil), "holds a block that is no private key"},
		{"wrong kind", chain, encrypted("RSA PRIVATE KEY", nil), "the private key can't be read"},
		{"key not DER", chain, "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n", "the private key can't be read"},
		{"long key", chain, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: make([]byte, 9000)})), "the private key can't be read"},
		{"encrypted", chain, encrypted("ENCRYPTED PRIVATE KEY", nil), "the private key is encrypted"},
		{"encrypted, PKCS #1", chain, encrypted("RSA PRIVATE KEY", map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}), "the private key is encrypted"},
		{"leaf last", rest + leaf, key, "the private key fits certificate 2: the server's own certificate must come first"},
		{"wrong order", blocks[0] + blocks[2] + blocks[1], deepKey, "wrong order"},
		{"unrelated", leaf + self, key, "certificate 2 has not signed certificate 1"},
		{"left out", blocks[0] + blocks[2], deepKey, "certificate 2 has not signed certificate 1"},
		{"same name, other key", leaf + root.Intermediate(t, "middle").PEM(), key, "certificate 1 names certificate 2 as its issuer, but"},
		{"issuer is no CA", fake, fakeKey, "certificate 1 names certificate 2 as its issuer, but"},
		{"leaf twice", leaf + chain, key, "or one stands there twice"},
		{"after the root", chain + root.PEM() + root.PEM(), key, "certificate 3 is self-signed: leave out what follows it"},
		{"self-signed twice", self + self, selfKey, "certificate 1 is self-signed"},
		{"leaf is a CA", ca, caKey, "the first certificate is that of a CA"},
		{"RSA, 1,024 bits", weakRSA[0], weakRSA[1], "certificate 1 in the field of certificate has an RSA key of 1024 bits: write one with"},
		{"P-224", p224[0], p224[1], "has an ECDSA key on P-224"},
		{"SHA-1", oldSHA[0], oldSHA[1], "certificate 1 in the field of certificate is signed with ECDSA-SHA1, which clients refuse"},
		{"SHA-1, self-signed in its own way", oddSelf, oddKey, "is signed with ECDSA-SHA1"},
		{"weak CA", weakCA, weakKey, "certificate 2 in the field of certificate has an ECDSA key on P-224"},
		{"damaged root", damaged(t, self), selfKey, "certificate 1 in the field of certificate is damaged"},
		{"damaged intermediate", damaged(t, leaf) + rest, key, "or one of them is damaged"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := certificate.NewPair([]byte(c.chain), []byte(c.key))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("pair %v, error %v; want %q", p, err, c.want)
			}
			if len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\x00\x01\n\r") {
				t.Errorf("not one plain line: %q", err)
			}
			for line := range strings.Lines(c.key + key) {
				if text := strings.TrimSpace(line); len(text) > 8 && !strings.HasPrefix(text, "-----") && strings.Contains(err.Error(), text) {
					t.Errorf("the error holds a line of the key: %s", err)
				}
			}
		})
	}
}

// Names are matched like clients do (DF20).
func TestPairCovers(t *testing.T) {
	t.Parallel()
	chain, key := pki.SelfSigned(t, "Shop.example", "*.wild.example", "10.1.2.3", "fd00::1")
	p := mustPair(t, chain, key)
	nameless, namelessKey := pki.SelfSignedWith(t, nil, pki.With(func(c *x509.Certificate) { c.Subject.CommonName = "shop.example" }))
	byCommonName := mustPair(t, nameless, namelessKey)
	for host, want := range map[string]bool{
		"shop.example": true, "www.shop.example": false, "example": false, "a.wild.example": true, "a.b.wild.example": false,
		"wild.example": false, "*.wild.example": true, "*.shop.example": false, "*.a.wild.example": false, "10.1.2.3": false,
	} {
		h, err := value.ParseHost(host)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Covers(h); got != want {
			t.Errorf("covers %s: %t", host, got)
		}
		if byCommonName.Covers(h) {
			t.Errorf("the common name covers %s", host)
		}
	}
	if p.Covers(value.Host{}) || (certificate.Pair{}).Covers(value.Host{}) {
		t.Error("covers no host at all")
	}
}

// The times are the leaf's and the chain's, without the root.
func TestPairTimes(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	root := pki.NewAuthority(t, "root", pki.Expires(now.Add(time.Minute)), pki.NotBefore(now))
	middle := root.Intermediate(t, "middle", pki.Expires(now.Add(2*time.Minute)))
	chain, key := middle.Server(t, one, pki.Expires(now.Add(3*time.Minute)), pki.NotBefore(now.Add(-time.Minute)))
	p := mustPair(t, chain+root.PEM(), key)
	if p.Validity().NotBefore != now.Add(-time.Minute).Unix() || p.Validity().NotAfter != now.Add(2*time.Minute).Unix() {
		t.Errorf("valid from %d to %d, at %d", p.Validity().NotBefore, p.Validity().NotAfter, now.Unix())
	}
	self, selfKey := pki.SelfSignedWith(t, one, pki.Expires(now.Add(-time.Minute)))
	if p := mustPair(t, self, selfKey); p.Validity().NotAfter != now.Add(-time.Minute).Unix() {
		t.Errorf("the self-signed one is valid to %d, at %d", p.Validity().NotAfter, now.Unix())
	}
}

// However a pair is printed, its key doesn't appear (DF22).
func TestPairIsMasked(t *testing.T) {
	t.Parallel()
	chain, key := pki.SelfSigned(t, "a.example")
	p := mustPair(t, chain, key)
	secret := strings.Split(p.Reveal(), "\n")[1]
	mask := "***" + p.ID()[:8]
	encoded, err := json.Marshal(map[string]any{"pointer": p, "value": *p})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("pair", "pair", p)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("pair", "pair", *p)
	texts := []string{p.String(), string(encoded), log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, p), fmt.Sprintf(verb, *p), fmt.Sprintf(verb, []*certificate.Pair{p}))
	}
	for _, text := range texts {
		if !strings.Contains(text, mask) || strings.Contains(text, secret) {
			t.Errorf("printed: %s", text)
		}
	}
	// fmt calls no method of what it finds in a field that isn't exported.
	type holder struct {
		pointer *certificate.Pair
		value   certificate.Pair
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(verb, holder{p, *p}); strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
			t.Errorf("printed with %s: %s", verb, text)
		}
	}
	if zero := (certificate.Pair{}); zero.String() != "***" || zero.Reveal() != "" {
		t.Errorf("the zero value is %s", zero)
	}
}

// Other content has another ID, and the same content has the same.
func TestPairID(t *testing.T) {
	t.Parallel()
	root := pki.NewAuthority(t, "root")
	chain, key := root.Server(t, one)
	seen := map[string]string{}
	for name, text := range map[string]string{"alone": chain, "with its root": chain + root.PEM()} {
		id := mustPair(t, text, key).ID()
		if other := seen[id]; other != "" {
			t.Errorf("%s and %s have the same ID", name, other)
		}
		seen[id] = name
	}
	if a, b := mustPair(t, chain, key).ID(), mustPair(t, "# comment\n"+chain, as(t, "EC PRIVATE KEY", key)).ID(); a != b {
		t.Errorf("the same pair, written differently: %s, %s", a, b)
	}
}
