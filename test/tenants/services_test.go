package tenants

import (
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const svcHost = "service.hostile.example"

// services are cases of what may stand in a Service.
func services() []attack {
	// bad is a case of a Service that is changed in some way, beside a good one.
	bad := func(name, told string, status int, change func(h *hostile, s *corev1.Service)) attack {
		a := attack{name: name, make: func(h *hostile) {
			s := service("hostile", "bad", h.w.pods["evil"].Port)
			h.add(s, service("hostile", "good", h.w.pods["evil"].Port), ingress("hostile", "bad", svcHost, to("/bad", "bad"), to("/good", "good")))
			change(h, s)
		}, harmless: told == "", wants: append([]want{{host: svcHost, uri: "/bad", status: status}, {host: svcHost, uri: "/good", pod: "evil"}}, good...)}
		if status == http.StatusOK {
			a.wants[0].pod = "evil"
		}
		if told != "" {
			a.told = []string{told}
		}
		return a
	}
	named := func(name, external string) attack {
		return bad(name, "Service/hostile/bad|spec.externalName|is not among the names that may be referred to", http.StatusServiceUnavailable, func(_ *hostile, s *corev1.Service) {
			s.Spec.Type, s.Spec.ExternalName, s.Spec.Selector = corev1.ServiceTypeExternalName, external, nil
		})
	}
	option := func(name, key, text string, status int) attack {
		return bad(name, "Service/hostile/bad|"+prefix+key, status, func(_ *hostile, s *corev1.Service) { s.Annotations[prefix+key] = text })
	}
	ranges := func(name string, ranges ...string) attack {
		return bad(name, "Service/hostile/bad|spec.loadBalancerSourceRanges", http.StatusForbidden, func(_ *hostile, s *corev1.Service) { s.Spec.LoadBalancerSourceRanges = ranges })
	}
	return []attack{
		named("name: the witness's host", "tls.witness.example"), named("name: the vault's host", "vault.example"), named("name: localhost", "localhost"), named("name: loopback", "127.0.0.1"),
		named("name: loopback in IPv6", "::1"), named("name: another's Service", "vault.vault.svc.cluster.local"), named("name: the API server", "kubernetes.default.svc"), named("name: metadata", "metadata.google.internal"),
		named("name: an injection", "x; } server { return 200 pwned; } #"), named("name: a variable", "$host"), named("name: a socket", "unix:/tmp/x"), named("name: with a port", "localhost:9252"),
		named("name: lines", "localhost\nx"), named("name: any", "*"), named("name: another loopback", "localtest.me"),
		option("target", "targetPath", "/x; return 200 pwned", 200), option("cookie", "sticky", "a b", 200), option("unknown", "snippet", "return 200 pwned;", 200),
		option("networks", "allowSourceRanges", "all; allow all", 403), option("policy", "policy", "all", 503), option("protocol", "backendProtocol", "https;", 503), option("host", "backendHost", "a;b", 503), option("auth", "auth", "no", 403),
		ranges("source ranges: an injection", "0.0.0.0/0; allow all"), ranges("source ranges: all", "all"), ranges("source ranges: one bad", "::/129"),
		bad("no selector, no endpoints", "Service/hostile/bad|spec.selector|neither a selector nor endpoints", 503, func(_ *hostile, s *corev1.Service) { s.Spec.Selector = nil }),
		bad("selector of the witness's Pods", "", 503, func(_ *hostile, s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "vault"} }),
		bad("names of ports", "Ingress/hostile/bad|has no TCP port", 503, func(_ *hostile, s *corev1.Service) { s.Spec.Ports[0].Name = "http; }" }),
		bad("another protocol", "Ingress/hostile/bad|has no TCP port", 503, func(_ *hostile, s *corev1.Service) { s.Spec.Ports[0].Protocol = corev1.ProtocolUDP }),
		{name: "name of a target", maybe: true, make: func(h *hostile) {
			s := service("hostile", "bad", 80)
			s.Spec.Ports[0].TargetPort = intstr.FromString("http; return 200 pwned")
			h.add(s, ingress("hostile", "bad", svcHost, to("/bad", "bad")))
		}, wants: append([]want{{host: svcHost, uri: "/bad", status: 503}}, good...)},
		bad("addresses of others", "", 200, func(h *hostile, s *corev1.Service) {
			s.Spec.ExternalIPs, s.Spec.LoadBalancerIP = []string{h.w.pods["witness-0"].IP, "127.0.0.1"}, h.w.pods["vault"].IP
			s.Spec.ClusterIP, s.Spec.ClusterIPs = h.w.pods["witness-0"].IP, []string{h.w.pods["witness-0"].IP, h.w.pods["open"].IP}
		}),
		bad("many ports", "", 200, func(_ *hostile, s *corev1.Service) {
			for i := range 1000 {
				s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: fmt.Sprintf("p%d", i), Port: int32(i + 1), TargetPort: intstr.FromInt32(int32(i + 1))})
			}
		}),
		{name: "names", failed: "object ignored", told: []string{"object ignored|Service"}, make: func(h *hostile) {
			for _, name := range []string{"x; }", "a\nb", "../vault", "A"} {
				h.add(service("hostile", name, 80))
			}
		}},
	}
}
