package annotation

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/30x/dispatcher/pkg/route/annotation/internal/ordered"
	"github.com/30x/dispatcher/pkg/route/value"
)

// TLS is what a host's option ssl says: fields of the Namespace's Secret, and
// what becomes of plain HTTP.
type TLS struct {
	Certificate       string
	CertificateKey    string
	ClientCertificate string // "": clients need no certificate
	Redirect          *bool  // nil: as the operator has chosen
}

// refusal says why a host's options can't be met; place is where in them.
type refusal struct{ place, reason string }

func refuse(place, format string, args ...any) *refusal {
	return &refusal{place, fmt.Sprintf(format, args...)}
}

// reader takes in one value of the options, or refuses it.
type reader func(place string, raw json.RawMessage) *refusal

type fields map[string]reader

// options reads the options of a host. Whatever is not understood could have
// been a misspelt protection, so it is refused.
func options(raw json.RawMessage, secret string) (tls *TLS, why *refusal) {
	if ordered.IsNull(raw) {
		return nil, nil
	}
	read := object("write {} for none", fields{"ssl": func(place string, raw json.RawMessage) (why *refusal) {
		tls, why = readTLS(place, raw, secret)
		return why
	}})
	if why := read("", raw); why != nil {
		return nil, why
	}
	return tls, nil
}

// readTLS reads the option ssl.
func readTLS(place string, raw json.RawMessage, secret string) (*TLS, *refusal) {
	tls := &TLS{}
	read := object("known are certificate, certificateKey, clientCertificate and redirect", fields{
		"certificate":       reference(&tls.Certificate, secret),
		"certificateKey":    reference(&tls.CertificateKey, secret),
		"clientCertificate": reference(&tls.ClientCertificate, secret),
		"redirect": func(place string, raw json.RawMessage) *refusal {
			if json.Unmarshal(raw, &tls.Redirect) != nil {
				return refuse(place, "it is neither true nor false")
			}
			return nil
		},
	})
	switch why := read(place, raw); {
	case why != nil:
		return nil, why
	case tls.Certificate == "":
		return nil, refuse(place+".certificate", "it asks for TLS without a certificate; %s", writeReference)
	case tls.CertificateKey == "":
		return nil, refuse(place+".certificateKey", "it asks for TLS without the certificate's key; %s", writeReference)
	}
	return tls, nil
}

const writeReference = `write {"valueFrom": {"secretKeyRef": {"key": "FIELD"}}}`

// reference reads the name of a field of the Namespace's Secret.
func reference(into *string, secret string) reader {
	read := object(writeReference, fields{"valueFrom": object(writeReference, fields{"secretKeyRef": object(writeReference, fields{
		"name": func(place string, raw json.RawMessage) *refusal {
			if s, err := ordered.String(raw); err != nil || s != secret {
				return refuse(place, "no other Secret than %s is read; leave the name out", secret)
			}
			return nil
		},
		"key": func(place string, raw json.RawMessage) (why *refusal) {
			s, err := ordered.String(raw)
			if err != nil || len(validation.IsConfigMapKey(s)) > 0 {
				return refuse(place, "it is not the name of a field of a Secret; %s", writeReference)
			}
			*into = s
			return nil
		},
	})})})
	return func(place string, raw json.RawMessage) *refusal {
		if why := read(place, raw); why != nil {
			return why
		}
		if *into == "" {
			return refuse(place, "it names no field of the Secret; %s", writeReference)
		}
		return nil
	}
}

// object reads an object whose fields are known. Unknown and repeated ones are
// refused. So is null but for a redirect: tools write it for a value that was
// forgotten, which may be a protection.
func object(hint string, known fields) reader {
	return func(place string, raw json.RawMessage) *refusal {
		members, err := ordered.Object(raw)
		if err != nil {
			return refuse(place, "the value can't be read: %v; %s", err, hint)
		}
		seen := map[string]bool{}
		for _, m := range members {
			field := place + "." + value.Word(m.Name)
			read := known[m.Name]
			switch {
			case read == nil:
				return refuse(field, "the option is unknown; %s", hint)
			case seen[m.Name]:
				return refuse(field, "the option stands there twice; remove one")
			}
			seen[m.Name] = true
			if why := read(field, m.Value); why != nil {
				return why
			}
		}
		return nil
	}
}
