package certificate

import (
	"crypto/x509"
	"encoding/asn1"
)

// shape is all of a certificate that is not a value (RFC 5280, 4.1).
type shape struct {
	Body struct {
		Version    int `asn1:"optional,explicit,default:0,tag:0"`
		Serial     asn1.RawValue
		Algorithm  algorithmIdentifier
		Issuer     []attributeSET
		Validity   struct{ NotBefore, NotAfter asn1.RawValue }
		Subject    []attributeSET
		PublicKey  publicKey
		IssuerID   asn1.BitString    `asn1:"optional,tag:1"`
		SubjectID  asn1.BitString    `asn1:"optional,tag:2"`
		Extensions [][]asn1.RawValue `asn1:"optional,explicit,tag:3"`
	}
	Algorithm algorithmIdentifier
	Signature asn1.BitString
}

type publicKey struct {
	Algorithm algorithmIdentifier
	Key       asn1.BitString
}

type algorithmIdentifier struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

// The name's ending makes it a SET.
type attributeSET []struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// wellFormed reports whether a certificate that Go's parser has read holds nothing
// that it passes over: OpenSSL refuses that, and nginx with it every host.
func wellFormed(c *x509.Certificate) bool {
	var s shape
	if rest, err := asn1.Unmarshal(c.Raw, &s); err != nil || len(rest) > 0 {
		return false
	}
	if len(s.Body.Extensions) > 0 && c.Version != 3 { // Go reads them in version 3 only
		return false
	}
	for _, e := range s.Body.Extensions {
		if len(e) != 2 && (len(e) != 3 || e[1].Tag != asn1.TagBoolean) {
			return false
		}
	}
	// Whatever was passed over is missing now. The bytes may differ, since sets are sorted.
	again, err := asn1.Marshal(s)
	return err == nil && len(again) == len(c.Raw)
}
