package route

import (
	"cmp"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/annotation"
	"github.com/30x/dispatcher/pkg/route/value"
)

// tls reads what a host's option ssl refers to. It returns nil, and reports why,
// if anything of it can't be had.
func (b *builder) tls(ns *cluster.Namespace, host value.Host, place string, want *annotation.TLS) *TLS {
	refuse := func(field, format string, args ...any) *TLS {
		b.problem(ns.Ref, place+".ssl"+field, annotation.NotServed+format, args...)
		return nil
	}
	if !b.opts.TLS {
		return refuse("", "TLS is off; the operator turns it on by giving Dispatcher a default certificate with SSL_CERT and SSL_KEY")
	}
	if host.Address() {
		return refuse("", "clients that ask for an address don't name it when TLS begins, so it can have no certificate of its own; give the host a name")
	}
	secret := b.secrets[ns.Name]
	switch {
	case secret == nil:
		return refuse("", "there is no Secret %s; create it with: kubectl create secret generic %s --from-file=%s=FILE --from-file=%s=FILE --namespace=%s",
			b.opts.SecretName, b.opts.SecretName, want.Certificate, want.CertificateKey, ns.Name)
	case secret.Unreadable:
		return refuse("", "the Secret %s can't be read; correct it", b.opts.SecretName)
	}
	for _, field := range []struct{ option, name string }{
		{".certificate", want.Certificate}, {".certificateKey", want.CertificateKey}, {".clientCertificate", want.ClientCertificate},
	} {
		if _, ok := secret.Data[field.name]; !ok && field.name != "" {
			return refuse(field.option, "the Secret %s has no field %s; add it", b.opts.SecretName, field.name)
		}
	}
	tls := &TLS{Redirect: b.opts.SSLRedirect, Place: place + ".ssl"}
	if want.Redirect != nil {
		tls.Redirect = *want.Redirect
	}
	var err error
	if tls.Pair, err = b.opts.Memory.Pair(secret, want.Certificate, want.CertificateKey); err != nil {
		return refuse("", "the certificate can't be used: %v", err)
	}
	if why := b.barred(host, tls.Pair.ID()); why != "" {
		return refuse("", "the certificate can't be used: %s", why)
	}
	if want.ClientCertificate != "" {
		if tls.Clients, err = b.opts.Memory.Bundle(secret, want.ClientCertificate); err != nil {
			return refuse(".clientCertificate", "the certificates can't be used: %v", err)
		}
		if why := b.barred(host, tls.Clients.ID()); why != "" {
			return refuse(".clientCertificate", "the certificates can't be used: %s", why)
		}
	}
	if tls.Clients != nil && tls.Clients.Intermediates() {
		b.problem(ns.Ref, place+".ssl.clientCertificate", "clients of every authority below the self-signed certificates are let in; the others narrow nothing, and may be left out")
	}
	if !tls.Pair.Covers(host) {
		b.problem(ns.Ref, place+".ssl.certificate", "the certificate does not name this host, so clients will refuse it; give one with the host among its alternative names")
	}
	return tls
}

// barred says why a certificate can't be used for a host; "" if it can.
func (b *builder) barred(host value.Host, id string) string {
	return cmp.Or(b.opts.Barred[Bar{ID: id}], b.opts.Barred[Bar{Host: host.String(), ID: id}])
}
