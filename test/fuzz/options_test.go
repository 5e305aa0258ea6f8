package fuzz

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/test/internal/judge"
)

// wanted is what encoding/json, which is not what the product reads with, makes
// of a host's options.
type wanted struct {
	SSL *struct {
		Certificate, CertificateKey, ClientCertificate *reference
		Redirect                                       *bool
	} `json:"ssl"`
}

type reference struct {
	ValueFrom *struct {
		SecretKeyRef *struct {
			Key string `json:"key"`
		} `json:"secretKeyRef"`
	} `json:"valueFrom"`
}

func (r *reference) field() string {
	if r == nil || r.ValueFrom == nil || r.ValueFrom.SecretKeyRef == nil {
		return ""
	}
	return r.ValueFrom.SecretKeyRef.Key
}

// FuzzHostOptions: whatever a host's options say, the host is served as they ask
// or not at all, and the Namespace's other host is served (DF20, DF23, DX9).
func FuzzHostOptions(f *testing.F) {
	ref := func(field string) string { return `{"valueFrom": {"secretKeyRef": {"key": "` + field + `"}}}` }
	both := `"certificate": ` + ref("crt") + `, "certificateKey": ` + ref("key")
	for _, seed := range []string{
		`{}`, `null`, ` {"ssl": null}`, `{"ssl": {}}`, `{"ssl": {` + both + `}}`, `{"ssl": {` + both + `, "redirect": false}}`,
		`{"ssl": {` + both + `, "clientCertificate": ` + ref("ca") + `}}`, `{"ssl": {` + both + `, "clientCertificate": ` + ref("garbage") + `}}`,
		`{"ssl": {` + both + `, "clientCertificate": null}}`, `{"ssl": {` + both + `, "clientCertificate": {}}}`, `{"ssl": {` + both + `, "clientcertificate": ` + ref("ca") + `}}`,
		`{"ssl": {"certificate": ` + ref("ca") + `, "certificateKey": ` + ref("key") + `}}`, `{"ssl": {"certificate": ` + ref("x;") + `, "certificateKey": ` + ref("none") + `}}`,
		`{"ssl": {}, "ssl": null}`, `{"SSL": {}}`, `{"ssl": [` + both + `]}`, `7`, `""`, `[]`, `{"ssl": {` + both + `}`, `{"ssl": {` + both + `}}, "own.example": {}`,
	} {
		f.Add(seed)
	}
	c := newCorridor(f)
	chain, key := pki.SelfSigned(f, "a.example")
	pair, err := certificate.NewPair([]byte(chain), []byte(key))
	if err != nil {
		f.Fatal(err)
	}
	c.Options.TLS, c.Options.SSLRedirect, c.Options.Memory, c.Params.Default = true, true, &certificate.Memory{}, pair
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "t", Name: "routing"}, Data: map[string][]byte{
		"crt": []byte(chain), "key": []byte(key), "ca": []byte(pki.NewAuthority(f, "clients").PEM()), "garbage": []byte("include /etc/passwd;"),
	}}
	f.Fuzz(func(t *testing.T, options string) {
		if !json.Valid([]byte(options)) {
			t.Skip() // FuzzAnnotations has these
		}
		table, problems, files := walk(t, c, []metav1.Object{
			namespace("t", 1, `{"a.example": `+options+`, "own.example": {}}`, nil), secret, pod("t", "web", "10.0.0.1", `[{"basePath": "/", "containerPort": 3000}]`, nil),
		})
		plainProblems(t, problems)
		if _, err := judge.New().Check(string(files.Conf)); err != nil {
			t.Fatal(err)
		}
		var host *route.VirtualHost
		own := false
		for _, h := range table.Hosts {
			switch h.Name.String() {
			case "a.example":
				host = h
			case "own.example":
				own = h.TLS == nil && len(h.Locations) == 1
			}
		}
		if !own {
			t.Error("the other host is not served")
		}
		told := false
		for _, p := range problems {
			told = told || strings.Contains(p.Key, "a.example")
		}
		var want wanted
		unreadable := json.Unmarshal([]byte(options), &want) != nil
		switch {
		case host == nil:
			if !told {
				t.Error("nobody is told that the host is not served")
			}
		case unreadable:
			t.Error("the host is served with options that can't be read")
		case host.TLS == nil:
			if want.SSL != nil {
				t.Error("the host asks for TLS and is served without")
			}
		case want.SSL == nil || want.SSL.Certificate.field() != "crt" || want.SSL.CertificateKey.field() != "key":
			t.Error("the host is served with another certificate than it asks for")
		case (host.TLS.Clients != nil) != (want.SSL.ClientCertificate != nil) || host.TLS.Clients != nil && want.SSL.ClientCertificate.field() != "ca" && want.SSL.ClientCertificate.field() != "crt":
			t.Error("the host lets in other clients than it asks for")
		case host.TLS.Redirect != (want.SSL.Redirect == nil || *want.SSL.Redirect):
			t.Error("the host is redirected as it did not ask for")
		}
	})
}
