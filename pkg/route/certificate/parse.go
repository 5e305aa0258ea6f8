package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
)

// What is taken. Such a chain fits into the 100 KB that OpenSSL's clients read, and
// the subjects of such a bundle into the 16-bit length that TLS has for them.
const (
	MaxField  = 64 << 10 // bytes of one field of a Secret
	MaxChain  = 10       // certificates of a chain
	MaxBundle = 100      // certificates of a bundle
)

// maxKeyDER is far more than an RSA key of maxRSA bits needs, and keeps the
// arithmetic of checking one short.
const maxKeyDER = 8 << 10

// The fields, by the options that name them.
const (
	fieldCertificate = "certificate"
	fieldKey         = "certificateKey"
	fieldClient      = "clientCertificate"
)

const typeCertificate = "CERTIFICATE"

// errBadKey quotes nothing: what can't be read may still be most of a key.
var errBadKey = errors.New("the private key can't be read: write an RSA, ECDSA or Ed25519 key as openssl genpkey prints it")

// parseBlocks reads all PEM blocks of a field. What stands around them is a
// comment, but never half a block.
func parseBlocks(field string, raw []byte) ([]*pem.Block, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // the byte order mark of some editors
	switch {
	case len(raw) == 0:
		return nil, fmt.Errorf("the field of %s is empty: write PEM text into it", field)
	case len(raw) > MaxField:
		return nil, fmt.Errorf("the field of %s is longer than %d bytes: leave out what isn't needed", field, MaxField)
	}
	begins, ends := bytes.Count(raw, []byte("-----BEGIN")), bytes.Count(raw, []byte("-----END"))
	switch {
	case begins == 0:
		return nil, fmt.Errorf("the field of %s holds no PEM block: write it as text that starts with -----BEGIN (in the data of a Secret: encoded in base64 once)", field)
	case begins > MaxBundle:
		return nil, fmt.Errorf("the field of %s holds %d PEM blocks: write at most %d", field, begins, MaxBundle)
	}
	var blocks []*pem.Block
	for rest := raw; ; {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		blocks, rest = append(blocks, block), after
	}
	if len(blocks) != begins || len(blocks) != ends {
		return nil, fmt.Errorf("the field of %s holds a damaged PEM block: write each whole, its -----BEGIN and -----END at the start of a line", field)
	}
	return blocks, nil
}

// parseCertificates reads a field of at most limit certificates, and checks each alone.
func parseCertificates(field string, raw []byte, limit int) ([]*x509.Certificate, error) {
	blocks, err := parseBlocks(field, raw)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, b := range blocks {
		switch {
		case b.Type == typeCertificate:
		case strings.HasSuffix(b.Type, "PRIVATE KEY") && field == fieldCertificate:
			return nil, errors.New("the field of certificate holds a private key: put that into the field of certificateKey")
		case strings.HasSuffix(b.Type, "PRIVATE KEY"):
			return nil, fmt.Errorf("the field of %s holds a private key: take it out, since only certificates belong there", field)
		default:
			return nil, fmt.Errorf("the field of %s holds a block of type %s: write CERTIFICATE blocks only, as openssl x509 prints them", field, cluster.Quote(b.Type))
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s can't be read (%s): have it issued again", nth(len(certs), field), cluster.Quote(err.Error()))
		}
		if !wellFormed(c) {
			return nil, fmt.Errorf("%s is damaged or holds what no certificate has: have it issued again", nth(len(certs), field))
		}
		if err := checkAlone(c); err != nil {
			return nil, fmt.Errorf("%s %w", nth(len(certs), field), err)
		}
		certs = append(certs, c)
	}
	if len(certs) > limit {
		return nil, fmt.Errorf("the field of %s holds %d certificates: write at most %d", field, len(certs), limit)
	}
	return certs, nil
}

// nth names a certificate by its place in the field.
func nth(i int, field string) string {
	return fmt.Sprintf("certificate %d in the field of %s", i+1, field)
}

// encode writes the certificates as PEM.
func encode(certs []*x509.Certificate) string {
	var out bytes.Buffer
	for _, c := range certs {
		_ = pem.Encode(&out, &pem.Block{Type: typeCertificate, Bytes: c.Raw})
	}
	return out.String()
}

// parseKey reads the field of the private key: one, unencrypted, PKCS #8, PKCS #1
// or SEC 1.
func parseKey(raw []byte) (crypto.Signer, error) {
	blocks, err := parseBlocks(fieldKey, raw)
	if err != nil {
		return nil, err
	}
	var key *pem.Block
	for _, b := range blocks {
		switch {
		case b.Type == "EC PARAMETERS": // openssl ecparam -genkey writes it first; the key names its curve itself
		case b.Type == typeCertificate:
			return nil, errors.New("the field of certificateKey holds a certificate: put that into the field of certificate, and only the private key here")
		case b.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED"), b.Headers["DEK-Info"] != "":
			return nil, errors.New("the private key is encrypted, and nginx can't ask for a passphrase: store the decrypted key (openssl pkey prints it)")
		case b.Type != "PRIVATE KEY" && b.Type != "RSA PRIVATE KEY" && b.Type != "EC PRIVATE KEY":
			return nil, errors.New("the field of certificateKey holds a block that is no private key: write one PRIVATE KEY block, as openssl pkey prints it")
		case key != nil:
			return nil, errors.New("the field of certificateKey holds more than one private key: write the one that the server's certificate was issued for")
		default:
			key = b
		}
	}
	if key == nil {
		return nil, errors.New("the field of certificateKey holds no private key: write one PRIVATE KEY block, as openssl pkey prints it")
	}
	if len(key.Bytes) > maxKeyDER {
		return nil, errBadKey
	}
	return parseKeyDER(key.Type, key.Bytes)
}

func parseKeyDER(kind string, der []byte) (crypto.Signer, error) {
	var key any
	var err error
	switch kind {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	default:
		key, err = x509.ParsePKCS8PrivateKey(der)
	}
	if err != nil {
		return nil, errBadKey
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if len(key.Primes) == 2 {
			return key, nil
		}
	case *ecdsa.PrivateKey:
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, errBadKey
}
