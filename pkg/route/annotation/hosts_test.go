package annotation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/30x/dispatcher/pkg/route/limit"
)

const (
	crt = `"certificate": {"valueFrom": {"secretKeyRef": {"key": "ssl.crt"}}}`
	key = `"certificateKey": {"valueFrom": {"secretKeyRef": {"key": "ssl.key"}}}`
	ca  = `"clientCertificate": {"valueFrom": {"secretKeyRef": {"key": "ca.crt"}}}`
)

// show writes down what was read of one host.
func show(h Host) string {
	text := h.Name.String()
	if h.Refused {
		text += " refused"
	}
	if t := h.TLS; t != nil {
		text += fmt.Sprintf(" %s %s %s", t.Certificate, t.CertificateKey, t.ClientCertificate)
		if t.Redirect != nil {
			text += fmt.Sprint(" ", *t.Redirect)
		}
	}
	return strings.TrimRight(text, " ")
}

// DF20, DF23, DX9: options are read as they are meant, or close the host.
func TestHostOptions(t *testing.T) {
	for options, want := range map[string]string{
		`{}`:            "a.dev",
		`null`:          "a.dev",
		`{"ssl": null}`: `a.dev refused: ["a.dev"].ssl: the value can't be read`,
		`{"ssl": {` + crt + `, ` + key + `, "clientCertificate": null}}`:                                 `a.dev refused: ["a.dev"].ssl.clientCertificate: the value can't be read`,
		`{"ssl": {` + crt + `, ` + key + `}}`:                                                            "a.dev ssl.crt ssl.key",
		`{"ssl": {` + key + `, ` + ca + `, ` + crt + `}}`:                                                "a.dev ssl.crt ssl.key ca.crt",
		`{"ssl": {` + crt + `, ` + key + `, "redirect": false}}`:                                         "a.dev ssl.crt ssl.key  false",
		`{"ssl": {` + crt + `, ` + key + `, "redirect": null}}`:                                          "a.dev ssl.crt ssl.key",
		`{"ssl": {` + crt + `, ` + strings.Replace(key, `{"key"`, `{"name": "routing", "key"`, 1) + `}}`: "a.dev ssl.crt ssl.key",

		`{"ssl": {}}`:            `a.dev refused: ["a.dev"].ssl.certificate: it asks for TLS without a certificate`,
		`{"ssl": {` + crt + `}}`: `a.dev refused: ["a.dev"].ssl.certificateKey: it asks for TLS without`,
		`{"ssl": {` + key + `}}`: `a.dev refused: ["a.dev"].ssl.certificate: it asks for TLS without`,
		`{"ssl": true}`:          `a.dev refused: ["a.dev"].ssl: the value can't be read`,
		`{"ssl": "on"}`:          `a.dev refused: ["a.dev"].ssl: the value can't be read`,
		`[]`:                     `a.dev refused: ["a.dev"]: the value can't be read`,
		`{"SSL": {}}`:            `a.dev refused: ["a.dev"].SSL: the option is unknown`,
		`{"tls": null}`:          `a.dev refused: ["a.dev"].tls: the option is unknown`,
		`{"a\nb": null}`:         `a.dev refused: ["a.dev"]."a\nb": the option is unknown`,
		`{"ssl": {` + crt + `, ` + key + `}, "ssl": {}}`:                                                                       `a.dev refused: ["a.dev"].ssl: the option stands there twice`,
		`{"ssl": {` + crt + `, ` + key + `, "clientCertificate": {}}}`:                                                         `a.dev refused: ["a.dev"].ssl.clientCertificate: it names no field`,
		`{"ssl": {` + crt + `, ` + key + `, "clientCertificate": {"valueFrom": null}}}`:                                        `a.dev refused: ["a.dev"].ssl.clientCertificate.valueFrom: the value can't be read`,
		`{"ssl": {` + crt + `, ` + key + `, "clientCertificate": {"valueFrom": {"secretKeyRef": {"key": null}}}}}`:             `a.dev refused: ["a.dev"].ssl.clientCertificate.valueFrom.secretKeyRef.key: it is not the name`,
		`{"ssl": {` + crt + `, ` + key + `, "clientCertificate": {"valueFrom": {"secretKeyRef": {"key": ""}}}}}`:               `a.dev refused: ["a.dev"].ssl.clientCertificate.valueFrom.secretKeyRef.key: it is not the name`,
		`{"ssl": {` + crt + `, ` + key + `, "clientCertificate": "ca.crt"}}`:                                                   `a.dev refused: ["a.dev"].ssl.clientCertificate: the value can't be read`,
		`{"ssl": {` + crt + `, ` + key + `, "clientCertificate": {"valueFrom": {"configMapKeyRef": {"key": "x"}}}}}`:           `a.dev refused: ["a.dev"].ssl.clientCertificate.valueFrom.configMapKeyRef: the option is unknown`,
		`{"ssl": {` + crt + `, ` + key + `, "clientCertificate": {"valueFrom": {"secretKeyRef": {"key": "../x"}}}}}`:           `a.dev refused: ["a.dev"].ssl.clientCertificate.valueFrom.secretKeyRef.key: it is not the name`,
		`{"ssl": {` + crt + `, ` + key + `, "clientCertificate": {"valueFrom": {"secretKeyRef": {"name": "o", "key": "x"}}}}}`: `a.dev refused: ["a.dev"].ssl.clientCertificate.valueFrom.secretKeyRef.name: no other Secret than routing`,
		`{"ssl": {` + crt + `, ` + key + `, "redirect": "no"}}`:                                                                `a.dev refused: ["a.dev"].ssl.redirect: it is neither`,
		`{"ssl": {` + crt + `, ` + crt + `, ` + key + `}}`:                                                                     `a.dev refused: ["a.dev"].ssl.certificate: the option stands there twice`,
		`{"ssl": {` + crt + `, ` + key + `, "clientcertificate": {}}}`:                                                         `a.dev refused: ["a.dev"].ssl.clientcertificate: the option is unknown`,
	} {
		hosts, notes := Hosts(`{"a.dev": `+options+`, "b.dev": {}}`, "routing", limit.Limits{})
		if len(hosts) != 2 || show(hosts[1]) != "b.dev" {
			t.Errorf("%s: hosts are %v", options, hosts)
			continue
		}
		got := show(hosts[0])
		for _, n := range notes {
			got += ": " + n.Place + ": " + strings.TrimPrefix(n.Reason, NotServed)
		}
		if got != want && (!hosts[0].Refused || !strings.HasPrefix(got, want)) || hosts[0].Refused && hosts[0].TLS != nil {
			t.Errorf("%s\n gives %s\n want  %s", options, got, want)
		}
	}
}

// A host that stands there twice keeps the first one's options, and is closed
// if the other asks for more.
func TestHostTwice(t *testing.T) {
	tls, clients := `{"ssl": {`+crt+`, `+key+`}}`, `{"ssl": {`+crt+`, `+key+`, `+ca+`}}`
	for pair, want := range map[[2]string]string{
		{`{}`, `{}`}: "a.dev", {tls, `{}`}: "a.dev ssl.crt ssl.key", {tls, tls}: "a.dev ssl.crt ssl.key", {clients, tls}: "a.dev ssl.crt ssl.key ca.crt",
		{`{}`, tls}: "a.dev refused", {`{}`, `{"ssl": {}}`}: "a.dev refused", {`{"x": 1}`, `{}`}: "a.dev refused", {tls, clients}: "a.dev refused ssl.crt ssl.key",
	} {
		hosts, notes := Hosts(`{"a.dev": `+pair[0]+`, "A.dev.": `+pair[1]+`}`, "routing", limit.Limits{})
		if len(hosts) != 1 || show(hosts[0]) != want || len(notes) == 0 {
			t.Errorf("%s and %s give %v and %v, want %s", pair[0], pair[1], hosts, notes, want)
		}
	}
}
