// Package render says how nginx is told. A route.Table and Params enter; the
// Files for nginx leave. It is pure: it knows nginx's versions and modules
// only as data in Params, and never touches a file, a process or a clock.
package render

import "github.com/30x/dispatcher/pkg/cluster"

// Files is one complete configuration of nginx.
type Files struct {
	// Generation identifies the configuration: it is derived from the content,
	// so the same content always has the same generation. Letters and digits only.
	Generation string
	// Conf is the text of nginx.conf. It may hold API keys: it is for nginx alone.
	Conf []byte
	// Masked is the same text for people's eyes: fingerprints stand for the keys.
	Masked []byte
	// Secrets are what must not be shown of Conf.
	Secrets []cluster.Sensitive
	// Certificates are the files that Conf names beside itself, in a fixed order.
	Certificates []CertificateFile
}

// CertificateFile is a file with certificates or a private key. Conf names it
// as Params.CertDir/Folder/Name.
type CertificateFile struct {
	Folder  string            // a host's name, "*.example.com" for example, or "_default"
	Name    string            // from a hash of the content, so it always has the same content
	Alias   string            // its documented name in the same folder: certificate.crt, certificate.key, clientCertificate.crt
	ID      string            // of the certificate that it belongs to
	Content cluster.Sensitive // PEM
}
