package authority

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// What is written fits together: each certificate with its key, and all with the
// authority, for what they are made for and for nothing else.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	f := In(dir)
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	read := func(path string) []byte {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var secret corev1.Secret
	if err := yaml.UnmarshalStrict(read(f.Secret), &secret); err != nil {
		t.Fatal(err)
	}
	if secret.Namespace != namespace || secret.Name != "routing" || secret.StringData["client.crt"] != string(read(f.CA)) {
		t.Errorf("the Secret is %s/%s", secret.Namespace, secret.Name)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read(f.CA))
	for _, c := range []struct {
		name      string
		cert, key []byte
		host      string
		usage     x509.ExtKeyUsage
		valid     bool
	}{
		{"hosts'", []byte(secret.StringData["ssl.crt"]), []byte(secret.StringData["ssl.key"]), host, x509.ExtKeyUsageServerAuth, true},
		{"hosts'", []byte(secret.StringData["ssl.crt"]), []byte(secret.StringData["ssl.key"]), clientsHost, x509.ExtKeyUsageServerAuth, true},
		{"hosts', as a client's", []byte(secret.StringData["ssl.crt"]), []byte(secret.StringData["ssl.key"]), "", x509.ExtKeyUsageClientAuth, false},
		{"default", read(f.Default), read(f.DefaultKey), "", x509.ExtKeyUsageServerAuth, true},
		{"default, for a host", read(f.Default), read(f.DefaultKey), host, x509.ExtKeyUsageServerAuth, false},
		{"client's", read(f.Client), read(f.ClientKey), "", x509.ExtKeyUsageClientAuth, true},
	} {
		pair, err := tls.X509KeyPair(c.cert, c.key)
		if err != nil {
			t.Errorf("%s certificate: %v", c.name, err)
			continue
		}
		_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: c.host, KeyUsages: []x509.ExtKeyUsage{c.usage}})
		if (err == nil) != c.valid {
			t.Errorf("%s certificate for %q: %v", c.name, c.host, err)
		}
		if c.usage == x509.ExtKeyUsageClientAuth && c.valid && pair.Leaf.Subject.String() != ClientName {
			t.Errorf("the client is %s, want %s", pair.Leaf.Subject, ClientName)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 6 {
		t.Errorf("%d files, want those 6: %v", len(entries), err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("others may read %s: %v", e.Name(), err)
		}
	}
}
