package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
)

// RSA keys, in bits. OpenSSL refuses shorter ones at security level 2. It would
// take up to 16,384, but nginx signs in each handshake, which holds up a worker,
// and so all hosts: 5 ms with 4,096 bits, 40 ms with 8,192.
const (
	minRSA = 2048
	maxRSA = 4096
)

// checkAlone checks what can be said of a certificate without the others. The
// error goes on after the certificate's name.
func checkAlone(c *x509.Certificate) error {
	if err := checkPublicKey(c.PublicKey); err != nil {
		return err
	}
	if !selfSigned(c) {
		return checkAlgorithm(c)
	}
	// Nobody judges a root by the algorithm of its signature, but it must not be damaged.
	var insecure x509.InsecureAlgorithmError
	if err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature); err != nil && !errors.As(err, &insecure) {
		return errors.New("is damaged, since its signature is not by its own key: fetch it again")
	}
	return nil
}

// checkAlgorithm lets pass the signatures that OpenSSL takes at security level 2.
func checkAlgorithm(c *x509.Certificate) error {
	switch c.SignatureAlgorithm {
	case x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
		x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512, x509.PureEd25519:
		return nil
	default:
		return fmt.Errorf("is signed with %s, which clients refuse: have it issued with SHA-256 or better", algorithm(c))
	}
}

func algorithm(c *x509.Certificate) string {
	if c.SignatureAlgorithm == x509.UnknownSignatureAlgorithm {
		return "an unusual algorithm"
	}
	return c.SignatureAlgorithm.String()
}

// checkPublicKey lets pass the kinds of keys that OpenSSL loads at security level 2
// and that TLS 1.3 can sign with.
func checkPublicKey(key any) error {
	const advice = "write one with an RSA key of 2,048 to 4,096 bits, an ECDSA key on P-256, P-384 or P-521, or an Ed25519 key"
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			return fmt.Errorf("has an RSA key of %d bits: %s", bits, advice)
		}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
		default:
			return fmt.Errorf("has an ECDSA key on %s: %s", key.Curve.Params().Name, advice)
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("has a key of a kind that can't be served: %s", advice)
	}
	return nil
}

// selfSigned is what OpenSSL calls so: the subject is the issuer, the key that it
// names as the issuer's is its own, and the signature is of that key's kind.
func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) &&
		(len(c.AuthorityKeyId) == 0 || len(c.SubjectKeyId) == 0 || bytes.Equal(c.AuthorityKeyId, c.SubjectKeyId)) &&
		signatureKey(c.SignatureAlgorithm) == c.PublicKeyAlgorithm
}

// knownAsSelfSigned reports whether OpenSSL takes c for self-signed for sure: it
// compares all that an authority key identifier can hold, of which Go reads the
// key alone.
func knownAsSelfSigned(c *x509.Certificate) bool {
	own, err := asn1.Marshal(struct {
		Key []byte `asn1:"tag:0"`
	}{c.SubjectKeyId})
	return err == nil && selfSigned(c) && !slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool {
		return e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 35}) && !bytes.Equal(e.Value, own)
	})
}

// signatureKey is the kind of key that makes such a signature.
func signatureKey(a x509.SignatureAlgorithm) x509.PublicKeyAlgorithm {
	switch a {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
		x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS:
		return x509.RSA
	case x509.ECDSAWithSHA1, x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
		return x509.ECDSA
	case x509.PureEd25519:
		return x509.Ed25519
	default:
		return x509.UnknownPublicKeyAlgorithm
	}
}

// checkFits checks that the key is that of the first certificate.
func checkFits(certs []*x509.Certificate, key crypto.Signer) error {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	for i, c := range certs {
		switch {
		case !ok || !public.Equal(c.PublicKey):
		case i > 0:
			return fmt.Errorf("the private key fits certificate %d: the server's own certificate must come first", i+1)
		default:
			return nil
		}
	}
	return errors.New("the private key is not that of the certificate: write the key that it was issued for")
}

// checkChain checks that each certificate was signed by the one after it.
func checkChain(certs []*x509.Certificate) error {
	for i, c := range certs[:len(certs)-1] {
		next := certs[i+1]
		switch {
		case selfSigned(c):
			return fmt.Errorf("certificate %d is self-signed: leave out what follows it", i+1)
		case bytes.Equal(c.RawIssuer, next.RawSubject):
			if err := c.CheckSignatureFrom(next); err != nil {
				return fmt.Errorf("certificate %d names certificate %d as its issuer, but that has not signed it, or is no CA, or one of them is damaged: fetch the chain again", i+1, i+2)
			}
		case slices.ContainsFunc(certs, func(o *x509.Certificate) bool { return bytes.Equal(o.RawSubject, c.RawIssuer) }):
			return errors.New("the certificates are in the wrong order, or one stands there twice: write the server's own first, then the one that signed it, and so on")
		default:
			return fmt.Errorf("certificate %d has not signed certificate %d: write the server's own first, then the one that signed it, and so on, and nothing else", i+2, i+1)
		}
	}
	if last := len(certs) - 1; !knownAsSelfSigned(certs[last]) {
		if err := checkAlgorithm(certs[last]); err != nil {
			return fmt.Errorf("%s %w", nth(last, fieldCertificate), err)
		}
	}
	if leaf := certs[0]; leaf.BasicConstraintsValid && leaf.IsCA && !selfSigned(leaf) {
		return errors.New("the first certificate is that of a CA: write the server's own first")
	}
	return nil
}
