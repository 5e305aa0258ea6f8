// Package healthcheck turns the probes of Pods into active checks of nginx's
// upstreams. A Pod, its container and port enter; a Check leaves, or an error
// that says why there is none. It is pure, and never holds a character with a
// meaning in nginx's configuration.
package healthcheck

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Check is an active check in the terms of nginx_upstream_check_module.
type Check struct {
	Type     Type
	Port     value.Port // 0: the endpoint's own
	Interval int        // milliseconds
	Timeout  int        // milliseconds
	Rise     int        // successes until a server counts as up
	Fall     int        // failures until it counts as down
	Request  Request
}

// Type is a kind of check that the module knows.
type Type string

// HTTP and TCP stand for the two kinds of probes; an HTTPS probe becomes a TLS
// handshake, because the module speaks no HTTP inside TLS.
const (
	HTTP Type = "http"
	TCP  Type = "tcp"
	TLS  Type = "ssl_hello"
)

// Request is the request of an HTTP check. Its parts hold no character
// with a meaning in nginx's configuration.
type Request struct{ lines []string }

// Lines are the request line and the header lines, without line ends.
func (r Request) Lines() []string { return r.lines }

// New makes a check from the probe of the container that owns the port:
// readiness before liveness, nil if there is neither.
func New(p *cluster.Pod, c *cluster.Container, port value.Port) (*Check, error) {
	probe, kind := c.Readiness, "readinessProbe"
	if probe == nil {
		probe, kind = c.Liveness, "livenessProbe"
	}
	if probe == nil {
		return nil, nil
	}
	check, err := newCheck(p, probe, c, port)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return check, nil
}

func newCheck(p *cluster.Pod, probe *cluster.Probe, c *cluster.Container, port value.Port) (*Check, error) {
	check := &Check{
		Type:     TCP,
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
		check.Type = TLS
	case probe.HTTP:
		check.Type = HTTP
		if check.Request, err = newRequest(probe, netip.AddrPortFrom(p.IP, uint16(probePort))); err != nil {
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

// maxRequest leaves room in the 4,096 bytes of a parameter of nginx, which
// would refuse the whole configuration for a longer one.
const maxRequest = 4000

// newRequest writes what the kubelet would send: the probe's path and
// headers, and a Host.
func newRequest(probe *cluster.Probe, addr netip.AddrPort) (Request, error) {
	target := probe.Path
	if target == "" {
		target = "/"
	}
	if !strings.HasPrefix(target, "/") || !only(target, value.PathPunctuation+"?%") {
		return Request{}, fmt.Errorf("path: %s is not a usable path", cluster.Quote(probe.Path))
	}
	lines := []string{"GET " + target + " HTTP/1.0"}
	hasHost := false
	for _, h := range probe.Headers {
		if h.Name == "" || !only(h.Name, "-_") || !only(h.Value, value.PathPunctuation+" ?%") {
			return Request{}, fmt.Errorf("httpHeaders: %s: %s is not a usable header", cluster.Quote(h.Name), cluster.Quote(h.Value))
		}
		hasHost = hasHost || strings.EqualFold(h.Name, "Host")
		lines = append(lines, h.Name+": "+h.Value)
	}
	if !hasHost {
		lines = append(lines, "Host: "+addr.String())
	}
	if n := len(strings.Join(lines, `\r\n`)); n > maxRequest {
		return Request{}, fmt.Errorf("its path and headers are longer than %d bytes", maxRequest)
	}
	return Request{lines}, nil
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
