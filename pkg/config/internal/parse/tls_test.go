package parse

import (
	"testing"
)

func TestHSTS(t *testing.T) {
	check(t, HSTS, map[string]string{"true": "8760h0m0s", "false": "0s", "0": "0s", "1": "1s", "31536000": "8760h0m0s",
		"4320h": "4320h0m0s", "0s": "0s", "1500ms500ms": "2s", "2147483647": "596523h14m7s", "2147483647s": "596523h14m7s"},
		"", "yes", "-1", "+1", "007", "1.5", "1 s", "1500ms", "-5s", "1d", "2147483648", "2147483648s", "99999999999999999999", "2562048h",
		"31536000; includeSubDomains", "max-age=5")
}

// The names of OpenSSL's and Go's folders are theirs, in every spelling.
func TestCertDir(t *testing.T) {
	check(t, CertDir, map[string]string{"/etc/nginx/ssl": "/etc/nginx/ssl", "/srv//ssl/": "/srv/ssl", "/etc/ssl": "/etc/ssl", "/etc/ssl/certs2": "/etc/ssl/certs2",
		"/etc/ssl/certs/own": "/etc/ssl/certs/own"},
		"", "ssl", "./ssl", "/a b", "/a;", "/a:/b", "/etc/ssl/certs", "/etc/ssl//certs/", "/etc/ssl/x/../certs", "/usr/lib/ssl/certs", "/etc/pki/tls/certs",
		"/usr/local/share/certs", "/system/etc/security/cacerts", "/etc/ssl/certs:/etc/pki/tls/certs", "/srv/ssl:/etc/ssl/certs")
}
