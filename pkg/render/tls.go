package render

import (
	"path"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
)

// TLS is how a Server is served over TLS.
type TLS struct {
	Certificate, Key string // paths of files
	Clients          string // path of what clients' certificates must be signed by; "": none is demanded
	Redirect         bool   // plain HTTP requests are redirected; else they get no answer
	Until            string // the certificate is valid
	Mask             string // shows whether the key is another one
}

// defaultFolder can't be a host's: host names hold no underscore.
const defaultFolder = "_default"

// addPair gives the paths of a certificate and its key, which become Files.
func (page *Page) addPair(folder string, p *certificate.Pair) TLS {
	return TLS{
		Certificate: page.addFile(CertificateFile{folder, p.ID() + ".crt", "certificate.crt", p.ID(), cluster.Sensitive(p.Chain())}),
		Key:         page.addFile(CertificateFile{folder, p.ID() + ".key", "certificate.key", p.ID(), cluster.Sensitive(p.Reveal())}),
		Until:       p.Validity().Until(),
		Mask:        p.String(),
	}
}

func (page *Page) addFile(f CertificateFile) string {
	page.files = append(page.files, f)
	return path.Join(page.CertDir, f.Folder, f.Name)
}

// addTLS gives what a host needs to be served over TLS.
func (page *Page) addTLS(host string, t *route.TLS) *TLS {
	if t == nil {
		return nil
	}
	out := page.addPair(host, t.Pair)
	out.Redirect = t.Redirect
	if t.Clients != nil {
		out.Clients = page.addFile(CertificateFile{host, t.Clients.ID() + ".ca.crt", "clientCertificate.crt", t.Clients.ID(), cluster.Sensitive(t.Clients.PEM())})
	}
	return &out
}
