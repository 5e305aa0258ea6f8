// Package capabilities knows what versions of nginx can do. The output of nginx -V
// enters; Capabilities leave. It never runs nginx.
package capabilities

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Capabilities is what an nginx binary can do, as its -V output tells.
type Capabilities struct {
	Version       Version
	TLS           bool // http_ssl_module and http_v2_module
	Realip        bool // http_realip_module
	StubStatus    bool // http_stub_status_module
	Sticky        bool // http_upstream_sticky_module
	UpstreamCheck bool // nginx_upstream_check_module (third party)
}

// Version is an nginx version, for example 1.30.6.
type Version struct{ Major, Minor, Patch int }

// String gives major.minor.patch.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// AtLeast reports whether v is the given version or a newer one.
func (v Version) AtLeast(major, minor, patch int) bool {
	if v.Major != major {
		return v.Major > major
	}
	if v.Minor != minor {
		return v.Minor > minor
	}
	return v.Patch >= patch
}

// Resolve reports whether an nginx of the version asks for the endpoints of its
// upstreams, so that they change without a reload ("resolve", "service" and
// "resolver" in CHANGES of 1.27.3).
func (v Version) Resolve() bool { return v.AtLeast(1, 27, 3) }

// SharesAuthorities reports whether an nginx of the version reads the authorities of
// servers that it asks once for all locations, and not once for each ("memory usage
// optimization in configurations with SSL proxying" in CHANGES of 1.23.1).
func (v Version) SharesAuthorities() bool { return v.AtLeast(1, 23, 1) }

// Sticky reports whether an nginx of the version has http_upstream_sticky_module, which
// the open-source one has since 1.29.6 (CHANGES).
func (v Version) Sticky() bool { return v.AtLeast(1, 29, 6) }

// As gives what is left of the Capabilities if the version is taken to be another one.
func (c Capabilities) As(v Version) Capabilities {
	c.Version, c.Sticky = v, c.Sticky && v.Sticky()
	return c
}

// Oldest is the oldest nginx that rendered configurations are made for.
func Oldest() Version { return Version{1, 22, 0} }

// Stable is what configurations are rendered for when no nginx is asked.
func Stable() Capabilities {
	return Capabilities{Version: Version{1, 30, 0}, TLS: true, Realip: true, StubStatus: true, Sticky: true}
}

// ParseVersion reads "1.30" or "1.30.6".
func ParseVersion(s string) (Version, error) {
	parts := strings.Split(s, ".")
	var n [3]int
	ok := len(parts) == 2 || len(parts) == 3
	for i := 0; ok && i < len(parts); i++ {
		v, err := strconv.ParseUint(parts[i], 10, 16)
		n[i], ok = int(v), err == nil
	}
	if !ok {
		return Version{}, fmt.Errorf("%q is not an nginx version: write it like 1.30.0", s)
	}
	return Version{n[0], n[1], n[2]}, nil
}

// ParseCapabilities reads the output of nginx -V. It fails if that holds no
// version, or one older than Oldest.
func ParseCapabilities(output string) (Capabilities, error) {
	// Derivatives say "openresty/1.27.1.2", for example.
	m := regexp.MustCompile(`(?m)^nginx version: [^/\s]+/(\d+)\.(\d+)\.(\d+)`).FindStringSubmatch(output)
	if m == nil {
		return Capabilities{}, errors.New("no nginx version in the output of nginx -V")
	}
	v, err := ParseVersion(m[1] + "." + m[2] + "." + m[3])
	if err != nil {
		return Capabilities{}, err
	}
	if oldest := Oldest(); !v.AtLeast(oldest.Major, oldest.Minor, oldest.Patch) {
		return Capabilities{}, fmt.Errorf("nginx %s is too old: use %s or newer", v, oldest)
	}
	return Capabilities{
		Version:       v,
		TLS:           strings.Contains(output, "--with-http_ssl_module") && strings.Contains(output, "--with-http_v2_module"),
		Realip:        strings.Contains(output, "--with-http_realip_module"),
		StubStatus:    strings.Contains(output, "--with-http_stub_status_module"),
		Sticky:        v.Sticky() && !strings.Contains(output, "--without-http_upstream_sticky_module"),
		UpstreamCheck: strings.Contains(output, "nginx_upstream_check_module"),
	}, nil
}
