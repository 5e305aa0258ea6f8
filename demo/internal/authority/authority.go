// Package authority is the demo's own certification authority. A folder enters;
// certificates, keys and the manifest of a Secret leave, as files in it. It never
// writes the authority's own key, which is forgotten: each Write begins with a
// new authority.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Files are the paths of what Write writes.
type Files struct {
	CA         string // who has signed all the others: curl --cacert
	Default    string // the certificate of the default HTTPS server: --ssl-cert
	DefaultKey string
	Client     string // the certificate with which a client says who it is: curl --cert
	ClientKey  string
	Secret     string // the manifest with the certificate of the hosts
}

// ClientName is the subject of the client's certificate.
const ClientName = "CN=visitor"

// In gives the paths of the files in a folder.
func In(folder string) Files {
	at := func(name string) string { return filepath.Join(folder, name) }
	return Files{at("ca.crt"), at("default.crt"), at("default.key"), at("client.crt"), at("client.key"), at("secret.yaml")}
}

// What the Secret is for, as in manifests/secure.yaml.
const (
	namespace   = "secure-namespace"
	host        = "secure.k8s.local"
	clientsHost = "clients.k8s.local"
)

// Write writes all files anew. The Secret gets a certificate for the two hosts
// (ssl.crt, ssl.key) and the authority's own, by which clients are known
// (client.crt). The default certificate is for neither host.
func (f Files) Write() error {
	ca, err := newIssuer()
	if err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	for _, c := range []struct {
		cert, key string
		template  x509.Certificate
	}{
		{f.Default, f.DefaultKey, server("default.k8s.local")},
		{f.Client, f.ClientKey, x509.Certificate{Subject: pkix.Name{CommonName: "visitor"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}},
	} {
		cert, key, err := ca.issue(c.template)
		if err != nil {
			return fmt.Errorf("make certificates: %w", err)
		}
		if err := write(c.cert, cert); err != nil {
			return err
		}
		if err := write(c.key, key); err != nil {
			return err
		}
	}
	cert, key, err := ca.issue(server(host, clientsHost))
	if err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	if err := write(f.CA, ca.pem); err != nil {
		return err
	}
	return write(f.Secret, manifest(cert, key, ca.pem))
}

// write replaces a file in one step. Only its owner may read it: most are keys.
func write(path, text string) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write certificates: %w", err)
	}
	return os.Rename(temp, path)
}

func server(hosts ...string) x509.Certificate {
	return x509.Certificate{Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
}

// issuer signs certificates.
type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  string // of cert
}

func newIssuer() (*issuer, error) {
	template := x509.Certificate{
		Subject:               pkix.Name{CommonName: "Demo of Dispatcher"},
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	ca := &issuer{cert: &template}
	var err error
	if ca.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	der, err := ca.sign(template, ca.key.Public())
	if err != nil {
		return nil, err
	}
	ca.pem = block("CERTIFICATE", der)
	ca.cert, err = x509.ParseCertificate(der)
	return ca, err
}

// issue makes a certificate and its private key, as PEM.
func (ca *issuer) issue(template x509.Certificate) (cert, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := ca.sign(template, private.Public())
	return block("CERTIFICATE", der), block("PRIVATE KEY", keyDER), err
}

// sign signs a certificate for longer than any demo runs.
func (ca *issuer) sign(template x509.Certificate, public crypto.PublicKey) ([]byte, error) {
	now := time.Now()
	template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.AddDate(0, 3, 0)
	return x509.CreateCertificate(rand.Reader, &template, ca.cert, public, ca.key)
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
