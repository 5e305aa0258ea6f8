package cluster

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// DF8, DX21: which addresses count.
func TestPodIP(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.1": "10.0.0.1", "fd00::1": "fd00::1", "::ffff:10.0.0.9": "10.0.0.9", "127.0.0.1": "127.0.0.1",
		"": "", "10.0.0": "", "010.0.0.1": "", "10.0.0.1:80": "", "fe80::1%eth0": "", "0.0.0.0": "", "::": "", "host": "", "10.0.0.1; }": "",
	} {
		p, err := NewPod(pod("a", "p", func(p *corev1.Pod) { p.Status.PodIP = text }), Interest{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if p.IP.IsValid() {
			got = p.IP.String()
		}
		if got != want || p.Serves() != (want != "") {
			t.Errorf("%q is the address %q, and serves is %v", text, got, p.Serves())
		}
	}
}

// DF6, DX31: the ports of containers that run as long as the Pod, sidecars
// among the init containers included, TCP only.
func TestContainers(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	p, err := NewPod(pod("a", "p", func(p *corev1.Pod) {
		p.Spec.InitContainers = []corev1.Container{
			{Name: "migration", Ports: []corev1.ContainerPort{{ContainerPort: 1}}},
			{Name: "sidecar", RestartPolicy: &always, Ports: []corev1.ContainerPort{{ContainerPort: 2, Name: "admin"}}},
		}
		p.Spec.Containers = []corev1.Container{
			{Name: "app", Ports: []corev1.ContainerPort{{ContainerPort: 3}, {ContainerPort: 4, Protocol: corev1.ProtocolUDP}, {ContainerPort: 5, Protocol: corev1.ProtocolTCP}}},
			{Name: "none"},
		}
	}), Interest{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(p.Containers), "[{app [{ 3} { 5}] <nil> <nil>} {none [] <nil> <nil>} {sidecar [{admin 2}] <nil> <nil>}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// DF31: probes as the API server would have completed them.
func TestProbes(t *testing.T) {
	for _, c := range []struct {
		name  string
		probe *corev1.Probe
		want  *Probe
	}{
		{"none", nil, nil},
		{"exec", &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{}}}, nil},
		{"grpc", &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{}}}, nil},
		{
			"tcp with defaults", &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("http")}}},
			&Probe{PortName: "http", PeriodSeconds: 10, TimeoutSeconds: 1, SuccessThreshold: 1, FailureThreshold: 3},
		},
		{
			"https", &corev1.Probe{
				ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
					Path: "/x", Port: intstr.FromInt32(80), Scheme: corev1.URISchemeHTTPS, Host: "h",
					HTTPHeaders: []corev1.HTTPHeader{{Name: "A", Value: "b"}},
				}},
				PeriodSeconds: 2, TimeoutSeconds: 3, SuccessThreshold: 4, FailureThreshold: 5,
			},
			&Probe{HTTP: true, HTTPS: true, Path: "/x", Port: 80, Host: "h", Headers: []Header{{"A", "b"}}, PeriodSeconds: 2, TimeoutSeconds: 3, SuccessThreshold: 4, FailureThreshold: 5},
		},
	} {
		if got := newProbe(c.probe); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"":                      `""`,
		"a\nb\x1b“":             `"a\nb\x1b\u201c"`,
		"\xff":                  `"\xff"`,
		`a"b`:                   `"a\"b"`,
		"a\u202etxt.":           `"a\u202etxt."`,
		strings.Repeat("é", 50): `"` + strings.Repeat(`\u00e9`, 40) + `" (the first 80 of 100 bytes)`,
	} {
		if got := Quote(text); got != want {
			t.Errorf("Quote(%q) = %s, want %s", text, got, want)
		}
	}
}
