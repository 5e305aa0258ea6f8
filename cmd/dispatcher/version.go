package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/30x/dispatcher/pkg/config"
)

// version is set by the linker; without it, the module's version counts.
var version string

// printVersion prints Dispatcher's and Go's versions, and what the nginx that
// it finds can do.
func printVersion(cfg *config.Config, s streams) int {
	v := version
	if info, ok := debug.ReadBuildInfo(); v == "" && ok {
		v = info.Main.Version
	}
	fmt.Fprintf(s.out, "dispatcher %s\n%s %s/%s\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	can, err := installed(context.Background(), cfg.NginxBinary)
	if err != nil {
		fmt.Fprintf(s.out, "nginx: %v\n", err)
		return exitOK
	}
	fmt.Fprintf(s.out, "nginx %s (%s)\n", can.Version, cfg.NginxBinary)
	for _, c := range []struct {
		name string
		have bool
	}{
		{"loss-free reloads (keepalive_min_timeout, 1.27.4)", can.Version.AtLeast(1, 27, 4)},
		{"TLS hosts (http_ssl_module, http_v2_module)", can.TLS},
		{"trusted proxies (http_realip_module)", can.Realip},
		{"metrics of connections (http_stub_status_module)", can.StubStatus},
		{"active health checks (nginx_upstream_check_module)", can.UpstreamCheck},
	} {
		answer := "no"
		if c.have {
			answer = "yes"
		}
		fmt.Fprintf(s.out, "  %s: %s\n", c.name, answer)
	}
	return exitOK
}
