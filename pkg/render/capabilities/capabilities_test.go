package capabilities

import (
	"strings"
	"testing"
)

func TestParseCapabilities(t *testing.T) {
	for _, c := range []struct {
		name, output string
		want         Capabilities
	}{
		{"Debian 12", `nginx version: nginx/1.22.1
built with OpenSSL 3.0.8 7 Feb 2023 (running with OpenSSL 3.0.19 27 Jan 2026)
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2 -fPIC' --prefix=/usr/share/nginx --with-http_ssl_module --with-http_v2_module --with-http_realip_module --with-http_stub_status_module --with-stream_realip_module
`, Capabilities{Version: Version{1, 22, 1}, TLS: true, Realip: true, StubStatus: true}},
		{"the official image", `nginx version: nginx/1.30.0
built by gcc 15.2.0 (Alpine 15.2.0)
built with OpenSSL 3.5.5 27 Jan 2026
TLS SNI support enabled
configure arguments: --prefix=/etc/nginx --sbin-path=/usr/sbin/nginx --with-http_realip_module --with-http_v3_module
`, Capabilities{Version: Version{1, 30, 0}, Realip: true, Sticky: true}},
		{"a distribution's suffix", "nginx version: nginx/1.24.0 (Ubuntu)\nconfigure arguments: --with-http_realip_module\n", Capabilities{Version: Version{1, 24, 0}, Realip: true}},
		{"openresty", "nginx version: openresty/1.27.1.2\nconfigure arguments: --prefix=/usr/local/openresty/nginx\n", Capabilities{Version: Version{1, 27, 1}}},
		{"with health checks", "nginx version: nginx/1.26.3\nconfigure arguments: --with-http_realip_module --add-module=/build/nginx_upstream_check_module-0.4.0\n", Capabilities{Version: Version{1, 26, 3}, Realip: true, UpstreamCheck: true}},
		{"after a warning", "nginx: [alert] could not open error log file\nnginx version: nginx/1.28.0\n", Capabilities{Version: Version{1, 28, 0}}},
		{"the oldest", "nginx version: nginx/1.22.0\n", Capabilities{Version: Version{1, 22, 0}}},
	} {
		if got, err := ParseCapabilities(c.output); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func TestParseCapabilitiesRefuses(t *testing.T) {
	for output, want := range map[string]string{
		"nginx version: nginx/1.20.2\n":      "too old",
		"nginx version: nginx/1.21.999\n":    "too old",
		"nginx version: nginx/0.9.9\n":       "too old",
		"":                                   "no nginx version",
		"nginx: command not found":           "no nginx version",
		"nginx version: nginx/x":             "no nginx version",
		"nginx version: nginx/1.99999999.0":  "",
		"it says nginx version: nginx/1.30.": "no nginx version",
	} {
		if got, err := ParseCapabilities(output); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %+v, %v; want an error with %q", output, got, err, want)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{"1.30": {1, 30, 0}, "1.30.6": {1, 30, 6}} {
		if got, err := ParseVersion(text); err != nil || got != want {
			t.Errorf("ParseVersion(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "1.", "1.x", "1.2.3.4", "-1.2", "1.+2", "1. 2", "1.70000"} {
		if got, err := ParseVersion(text); err == nil {
			t.Errorf("ParseVersion(%q) = %v, want an error", text, got)
		}
	}
}

func TestAtLeast(t *testing.T) {
	v := Version{1, 27, 4}
	for _, c := range []struct {
		major, minor, patch int
		want                bool
	}{
		{1, 27, 4, true}, {1, 27, 3, true}, {1, 27, 5, false}, {1, 26, 9, true}, {1, 28, 0, false}, {0, 99, 99, true}, {2, 0, 0, false},
	} {
		if v.AtLeast(c.major, c.minor, c.patch) != c.want {
			t.Errorf("%s at least %d.%d.%d is %v", v, c.major, c.minor, c.patch, !c.want)
		}
	}
}

// A version that is said to run has no more than it can have.
func TestAs(t *testing.T) {
	if got := Stable().As(Version{1, 29, 5}); got.Sticky || !got.TLS || got.Version != (Version{1, 29, 5}) {
		t.Errorf("1.29.5: %+v", got)
	}
	if got := Stable().As(Version{1, 29, 6}); !got.Sticky {
		t.Errorf("1.29.6: %+v", got)
	}
	if got := (Capabilities{}).As(Version{1, 30, 0}); got.Sticky {
		t.Errorf("a module that was left out: %+v", got)
	}
}
