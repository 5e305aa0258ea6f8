package parse

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// maxAge is the longest time of Strict-Transport-Security in seconds: a number
// that every client can hold, as RFC 9111, section 1.2.2, asks of such times.
const maxAge = 1<<31 - 1

// HSTS reads how long clients shall insist on HTTPS: true is a year of 365 days,
// false is nothing, a number is seconds, even 1, and anything else is a duration.
func HSTS(s string) (time.Duration, error) {
	if n, err := Number("", 0, maxAge)(s); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	if on, err := Boolean(s); err == nil {
		if on {
			return 365 * 24 * time.Hour, nil
		}
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxAge*time.Second || d%time.Second != 0 {
		return 0, fmt.Errorf("is not a time: give true (365 days), false, a number of seconds up to %d, or a duration of whole seconds, like 4320h", maxAge)
	}
	return d, nil
}

// CertDir accepts an absolute path, which need not exist, of a folder that is
// not the system's.
func CertDir(s string) (string, error) {
	if IsRootsDir(s) {
		return "", errors.New("is a folder of the system for root certificates: give one of Dispatcher's own, like /etc/nginx/ssl")
	}
	return AbsoluteFolder(s)
}

// IsRootsDir reports whether s is a folder in which systems keep root
// certificates, or a list with one, as OpenSSL and Go read it in SSL_CERT_DIR.
// The folders are those that crypto/x509 and distributions' OpenSSL look in.
func IsRootsDir(s string) bool {
	return slices.ContainsFunc(filepath.SplitList(s), func(folder string) bool {
		switch filepath.Clean(folder) {
		case "/etc/ssl/certs", "/usr/lib/ssl/certs", "/etc/pki/tls/certs", "/usr/local/share/certs", "/system/etc/security/cacerts":
			return true
		}
		return false
	})
}

// InSubfolder reports whether a file is below a folder, but not directly in it.
// Both paths are absolute and clean, or empty.
func InSubfolder(file, folder string) bool {
	if file == "" || folder == "" {
		return false
	}
	rel, err := filepath.Rel(folder, filepath.Dir(file))
	return err == nil && rel != "." && filepath.IsLocal(rel)
}
