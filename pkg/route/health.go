package route

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/value"
)

// HealthCheck is an active check in the terms of nginx_upstream_check_module.
type HealthCheck struct {
	Type     CheckType
	Port     value.Port // 0: the endpoint's own
	Interval int        // milliseconds
	Timeout  int        // milliseconds
	Rise     int        // successes until a server counts as up
	Fall     int        // failures until it counts as down
	Request  CheckRequest
}

// CheckType is a kind of check that the module knows.
type CheckType string

// HTTP and TCP stand for the two kinds of probes; an HTTPS probe becomes a TLS
// handshake, because the module speaks no HTTP inside TLS.
const (
	CheckHTTP CheckType = "http"
	CheckTCP  CheckType = "tcp"
	CheckTLS  CheckType = "ssl_hello"
)

// CheckRequest is the request of an HTTP check. Its parts hold no character
// with a meaning in nginx's configuration.
type CheckRequest struct{ lines []string }

// Lines are the request line and the header lines, without line ends.
func (r CheckRequest) Lines() []string { return r.lines }

// healthCheck turns the probe of the container that owns the port into a
// check: readiness before liveness, none if there is neither.
func (b *builder) healthCheck(p *cluster.Pod, c *cluster.Container, port value.Port) *HealthCheck {
	probe, kind := c.Readiness, "readinessProbe"
	if probe == nil {
		probe, kind = c.Liveness, "livenessProbe"
	}
	if probe == nil {
		return nil
	}
	check, err := newHealthCheck(p, probe, c, port)
	if err != nil {
		b.problem(p.Ref, "spec.containers."+kind, "no health check is made from it: %v", err)
		return nil
	}
	return check
}

func newHealthCheck(p *cluster.Pod, probe *cluster.Probe, c *cluster.Container, port value.Port) (*HealthCheck, error) {
	check := &HealthCheck{
		Type:     CheckTCP,
		Interval: int(probe.PeriodSeconds) * 1000,
		Timeout:  int(probe.TimeoutSeconds) * 1000,
		Rise:     int(probe.SuccessThreshold),
		Fall:     int(probe.FailureThreshold),
	}
	probePort, err := resolveProbePort(probe, c)
	if err != nil {
		return nil, err
	}
	if probePort != port {
		check.Port = probePort
	}
	switch {
	case probe.HTTPS:
		check.Type = CheckTLS
	case probe.HTTP:
		check.Type = CheckHTTP
		if check.Request, err = newCheckRequest(probe, netip.AddrPortFrom(p.IP, uint16(probePort))); err != nil {
			return nil, err
		}
	}
	return check, nil
}

func resolveProbePort(probe *cluster.Probe, c *cluster.Container) (value.Port, error) {
	if probe.PortName == "" {
		if probe.Port < 1 || probe.Port > 65535 {
			return 0, fmt.Errorf("%d is not a port", probe.Port)
		}
		return value.Port(probe.Port), nil
	}
	for _, declared := range c.Ports {
		if declared.Name == probe.PortName && declared.Number >= 1 && declared.Number <= 65535 {
			return value.Port(declared.Number), nil
		}
	}
	return 0, fmt.Errorf("the container declares no TCP port named %s", cluster.Quote(probe.PortName))
}

// maxCheckRequest leaves room in the 4,096 bytes of a parameter of nginx, which
// would refuse the whole configuration for a longer one.
const maxCheckRequest = 4000

// newCheckRequest writes what the kubelet would send: the probe's path and
// headers, and a Host.
func newCheckRequest(probe *cluster.Probe, addr netip.AddrPort) (CheckRequest, error) {
	target := probe.Path
	if target == "" {
		target = "/"
	}
	if !strings.HasPrefix(target, "/") || !only(target, value.PathPunctuation+"?%") {
		return CheckRequest{}, fmt.Errorf("path: %s is not a usable path", cluster.Quote(probe.Path))
	}
	lines := []string{"GET " + target + " HTTP/1.0"}
	hasHost := false
	for _, h := range probe.Headers {
		if h.Name == "" || !only(h.Name, "-_") || !only(h.Value, value.PathPunctuation+" ?%") {
			return CheckRequest{}, fmt.Errorf("httpHeaders: %s: %s is not a usable header", cluster.Quote(h.Name), cluster.Quote(h.Value))
		}
		hasHost = hasHost || strings.EqualFold(h.Name, "Host")
		lines = append(lines, h.Name+": "+h.Value)
	}
	if !hasHost {
		lines = append(lines, "Host: "+addr.String())
	}
	if n := len(strings.Join(lines, `\r\n`)); n > maxCheckRequest {
		return CheckRequest{}, fmt.Errorf("its path and headers are longer than %d bytes", maxCheckRequest)
	}
	return CheckRequest{lines}, nil
}

// only reports whether s holds letters, digits and the given punctuation alone.
func only(s, punctuation string) bool {
	for i := range len(s) {
		if !value.IsAlphanumeric(s[i]) && strings.IndexByte(punctuation, s[i]) < 0 {
			return false
		}
	}
	return true
}
