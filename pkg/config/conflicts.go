package config

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/30x/dispatcher/pkg/config/internal/parse"
	"github.com/30x/dispatcher/pkg/config/internal/table"
)

// conflicts checks what no single value can tell. A value that was invalid
// itself is still zero in c and is not blamed twice.
func conflicts(c *Config, values map[string]string) []error {
	var errs []error
	names := []struct{ env, name string }{
		{"HOSTS_ANNOTATION", c.HostsAnnotation},
		{"PATHS_ANNOTATION", c.PathsAnnotation},
		{"AUTH_ANNOTATION", c.AuthAnnotation},
	}
	taken := map[string]string{}
	for i, a := range names {
		taken[a.name] = a.env
		for _, b := range names[:i] {
			if a.name != "" && a.name == b.name {
				errs = append(errs, fmt.Errorf("%s and %s: both are %s: give each its own name", b.env, a.env, table.Shown(a.name)))
			}
		}
	}
	errs = append(errs, c.Conflicts(c.SSLCert != "" || values["SSL_CERT"] != "", taken)...)
	if c.ProxyProtocol && values["TRUSTED_PROXIES"] == "" {
		errs = append(errs, errors.New("PROXY_PROTOCOL (--proxy-protocol): it needs TRUSTED_PROXIES (--trusted-proxies): give the networks of the load balancers that speak it"))
	}
	if c.Port != 0 && c.Port == c.SSLPort {
		errs = append(errs, fmt.Errorf("PORT (--port) and SSL_PORT (--ssl-port): both are %d: give two different ports", c.Port))
	}
	if c.Endpoints != EndpointsReload {
		errs = append(errs, resolverConflicts(c)...)
	}
	if cert, key := values["SSL_CERT"], values["SSL_KEY"]; (cert == "") != (key == "") {
		errs = append(errs, errors.New("SSL_CERT (--ssl-cert) and SSL_KEY (--ssl-key): only one is given: give both or neither"))
	}
	for _, file := range []struct{ name, path string }{
		{"SSL_CERT (--ssl-cert)", c.SSLCert},
		{"SSL_KEY (--ssl-key)", c.SSLKey},
	} {
		if parse.InSubfolder(file.path, c.SSLCertDir) {
			errs = append(errs, fmt.Errorf("%s: %s is in a sub-folder of SSL_CERT_DIR (--ssl-cert-dir), %s, and these belong to hosts: "+
				"move the file, into that folder itself for example, or give another folder", file.name, table.Shown(file.path), table.Shown(c.SSLCertDir)))
		}
	}
	return errs
}

// resolverConflicts finds who else wants the two ports of RESOLVER_ADDR.
func resolverConflicts(c *Config) []error {
	_, admin, _ := net.SplitHostPort(c.AdminAddr)
	adminPort, _ := strconv.Atoi(admin)
	var errs []error
	for _, other := range []struct {
		name string
		port int
	}{{"PORT (--port)", c.Port}, {"SSL_PORT (--ssl-port)", c.SSLPort}, {"ADMIN_ADDR (--admin-addr)", adminPort}} {
		if first := int(c.Resolver.Port()); other.port > 0 && (other.port == first || other.port == first+1) {
			errs = append(errs, fmt.Errorf("%s and RESOLVER_ADDR (--resolver-addr), which takes %d and %d: both want port %d: give one of them another",
				other.name, first, first+1, other.port))
		}
	}
	return errs
}
