package tenants

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

const ingHost = "ingress.hostile.example"

// ingresses are cases of what may stand in an Ingress.
func ingresses() []attack {
	served := append([]want{{host: ingHost, uri: "/good", pod: "evil"}}, good...)
	// bad is a case of an Ingress with a good path, changed in some way.
	bad := func(name, told string, change func(h *hostile, ing *networkingv1.Ingress), wants ...want) attack {
		a := attack{name: name, make: func(h *hostile) {
			ing := ingress("hostile", "bad", ingHost, to("/good", "good"))
			h.add(service("hostile", "good", h.w.pods["evil"].Port), ing)
			change(h, ing)
		}, harmless: told == "", wants: append(wants, served...)}
		if told != "" {
			for part := range strings.SplitSeq(told, "&&") {
				a.told = append(a.told, "Ingress/hostile/bad|"+part)
			}
		}
		return a
	}
	hosts := func(name string, hosts ...string) attack {
		told := strings.TrimSuffix(strings.Repeat("spec.rules|the rule is dropped&&", len(hosts)), "&&")
		return bad(name, told, func(_ *hostile, ing *networkingv1.Ingress) {
			for _, host := range hosts {
				ing.Spec.Rules = append(ing.Spec.Rules, rule(host, to("/", "good")))
			}
		})
	}
	// paths is a case of paths of a good rule.
	paths := func(name, reason string, kind networkingv1.PathType, paths ...string) attack {
		var told []string
		for i := range paths {
			told = append(told, fmt.Sprintf("spec.rules[0].http.paths[%d]|%s", i+1, reason))
		}
		return bad(name, strings.Join(told, "&&"), func(_ *hostile, ing *networkingv1.Ingress) {
			for _, path := range paths {
				p := to(path, "good")
				p.PathType = &kind
				ing.Spec.Rules[0].HTTP.Paths = append(ing.Spec.Rules[0].HTTP.Paths, p)
			}
		})
	}
	refers := func(name string, services ...string) attack {
		var told []string
		for i := range services {
			told = append(told, fmt.Sprintf("paths[%d].backend|all requests are answered with 503", i+1))
		}
		return bad(name, strings.Join(told, "&&"), func(_ *hostile, ing *networkingv1.Ingress) {
			for i, s := range services {
				ing.Spec.Rules[0].HTTP.Paths = append(ing.Spec.Rules[0].HTTP.Paths, to(fmt.Sprintf("/x%d", i), s))
			}
		}, want{host: ingHost, uri: "/x0", status: http.StatusServiceUnavailable})
	}
	secretName := func(name string, told string, names ...string) attack {
		a := bad(name, told, func(_ *hostile, ing *networkingv1.Ingress) {
			for i, s := range names {
				host := fmt.Sprintf("t%d.hostile.example", i)
				ing.Spec.Rules = append(ing.Spec.Rules, rule(host, to("/", "good")))
				ing.Spec.TLS = append(ing.Spec.TLS, networkingv1.IngressTLS{Hosts: []string{host}, SecretName: s})
			}
		}, want{host: "t0.hostile.example", uri: "/x"}, want{host: "t0.hostile.example", uri: "/x", tls: true})
		return a
	}
	annotated := func(name, told string, wants []want, pairs ...string) attack {
		a := bad(name, told, func(_ *hostile, ing *networkingv1.Ingress) {
			for i := 1; i < len(pairs); i += 2 {
				ing.Annotations[pairs[i-1]] = pairs[i]
			}
		})
		if wants != nil {
			a.wants = slices.Concat(wants, good)
		}
		return a
	}
	only := func(status int) []want { return []want{{host: ingHost, uri: "/good", status: status}} }
	const snippets = "nginx.ingress.kubernetes.io/"
	other := bad("another class", "", func(_ *hostile, ing *networkingv1.Ingress) { *ing.Spec.IngressClassName = "dispatcher; x" })
	other.wants = append([]want{{host: ingHost, uri: "/good"}}, good...)
	witness := want{host: "service.witness.example", uri: "/x", pod: "open"}
	taken := bad("witness's host and path", "spec.rules[1]|the path \"/\" is not served there: Namespace witness-open, created first", func(_ *hostile, ing *networkingv1.Ingress) {
		ing.Spec.Rules = append(ing.Spec.Rules, rule("service.witness.example", to("/", "good")), rule("SERVICE.witness.example.", to("/", "good")))
	}, witness)
	below := bad("protected path", "the path \"/vault\" is not served there: Namespace vault, created first", func(_ *hostile, ing *networkingv1.Ingress) {
		ing.Spec.Rules = append(ing.Spec.Rules, rule("vault.example", to("/vault/", "good"), to("/.well-known/acme-challenge/", "good"), to("/", "good")))
	}, want{host: "vault.example", uri: "/vault", status: 403}, want{host: "vault.example", uri: "/vault/x", status: 403}, want{host: "vault.example", uri: "/.well-known/acme-challenge/../../vault", status: 403}, want{host: "vault.example", uri: "/other", pod: "evil"})
	wishes := bad("TLS of the witness's hosts", "spec.tls[0].hosts[0]|it has no effect&&it has no effect", func(_ *hostile, ing *networkingv1.Ingress) {
		ing.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"tls.witness.example", "www.witness.example", "service.witness.example", "*.witness.example"}, SecretName: "routing"}}
	}, witness)
	owned := bad("TLS that is refused for the witness's host", "spec.tls[0]|there is no Secret none", func(_ *hostile, ing *networkingv1.Ingress) {
		ing.Spec.Rules = append(ing.Spec.Rules, rule("service.witness.example", to("/mine", "good")))
		ing.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"service.witness.example"}, SecretName: "none"}}
	}, witness, want{host: "service.witness.example", uri: "/mine", pod: "open"})
	for _, a := range []*attack{&taken, &below, &owned} {
		a.age = younger
	}
	return []attack{
		hosts("hosts: end of a block", "evil.example; } server { return 200 pwned", "evil.example{", "a}"),
		hosts("hosts: others", "~^.*$", "_", "$host", "*", "*.com", "a\nb", "a\x00b", "www.*", ".example.com", "[::1]", "a:80", "a/b"),
		bad("no host", "spec.rules[1].host|are not for this Namespace", func(_ *hostile, ing *networkingv1.Ingress) {
			ing.Spec.Rules = append(ing.Spec.Rules, rule("", to("/", "good")))
		}, want{host: "unknown.example", uri: "/x"}),
		bad("a default for all hosts", "are not for this Namespace", func(h *hostile, _ *networkingv1.Ingress) {
			all, path := ingress("hostile", "bad", ""), to("/", "good")
			all.Spec.DefaultBackend, all.Spec.Rules = &path.Backend, nil
			h.add(ingress("hostile", "good", ingHost, to("/good", "good")))
			h.objects[1] = all
		}, want{host: "unknown.example", uri: "/x"}, want{host: "www.witness.example", uri: "/x", status: 404}),
		paths("paths: injections", "the path is dropped", "Prefix", "/x { return 200 pwned; }", "/x;", "/x\n", "/x\x00", "/$uri", "~ /x", "= /x", "@x", "x", "/x\"", "/x'", "/x#", "/x\\"),
		paths("paths: dots and encodings", "the path is dropped", "Exact", "/../x", "/%2e%2e/", "//x", "/x//y", "/%2Fx", "/%00", "/%0a", "/%ff", "/x?y", "/é"),
		paths("paths: types", "is no type of path", "Regex", "/x", "/y"),
		paths("paths: more types", "is no type of path", "exact; }", "/x"),
		paths("paths: expressions", "there are no regular expressions", "ImplementationSpecific", "/x(.*)", "/(/y)*"),
		paths("paths: too long", "the path is dropped", "Prefix", "/"+strings.Repeat("y", 100_000)),
		refers("others' Services", "vault", "open", "vault.vault", "vault/vault", "../vault/vault", "vault.vault.svc.cluster.local"),
		refers("Services with an injection", "good; }", "good\nx", "$host", "", "good ", "http://127.0.0.1/", "unix:/tmp/x"),
		bad("names of ports", "paths[1]|has no TCP port", func(_ *hostile, ing *networkingv1.Ingress) {
			for i, n := range []string{"http; return 200 pwned", "$http", "HTTP", "http\n"} {
				p := to(fmt.Sprintf("/x%d", i), "good")
				p.Backend.Service.Port.Name = n
				ing.Spec.Rules[0].HTTP.Paths = append(ing.Spec.Rules[0].HTTP.Paths, p)
			}
		}, want{host: ingHost, uri: "/x0", status: 503}, want{host: ingHost, uri: "/x3", status: 503}),
		bad("a resource in place of a Service", "paths[1].backend|it refers to no Service", func(_ *hostile, ing *networkingv1.Ingress) {
			p := to("/x", "good")
			p.Backend.Service = nil
			ing.Spec.Rules[0].HTTP.Paths = append(ing.Spec.Rules[0].HTTP.Paths, p)
		}, want{host: ingHost, uri: "/x", status: 503}),
		secretName("Secrets of others", "spec.tls[0].secretName|is not the name of an object&&spec.tls[2]", "witness/routing", "../witness/routing", "routing"),
		secretName("Secrets with an injection", "spec.tls[0].secretName&&spec.tls[2].secretName", "a; }", "a\nb", "$host", "/etc/passwd", strings.Repeat("a", 300)),
		secretName("TLS without a Secret", "it asks for TLS without a certificate", ""),
		annotated("options with an injection", prefix+"targetPath|the option is ignored&&"+prefix+"sticky|ignored&&"+prefix+"readTimeout|ignored&&"+prefix+"maxBodySize|ignored", nil,
			prefix+"targetPath", "/x; return 200 pwned", prefix+"sticky", "a; Path=/", prefix+"readTimeout", "1s; }", prefix+"maxBodySize", "1\n"),
		annotated("protections with an injection", prefix+"allowSourceRanges|all requests are answered with 403", only(403), prefix+"allowSourceRanges", "0.0.0.0/0; allow all"),
		annotated("demands with an injection", prefix+"auth|an API key is demanded", only(403), prefix+"auth", "none; x"),
		annotated("policies with an injection", prefix+"policy|all requests are answered with 503", only(503), prefix+"policy", "hash; x"),
		annotated("hosts of whoever serves", prefix+"backendHost|all requests are answered with 503", only(503), prefix+"backendHost", "$host"),
		annotated("unknown options", "the option is ignored: it is unknown", nil, prefix+"x\n} return 200 pwned; {", "y", prefix+"serverSnippet", "return 200 pwned;", prefix+"", "z"),
		annotated("protections of other controllers", snippets+"auth-url|all requests are answered with 403", only(403), snippets+"auth-url", "http://x;#"),
		annotated("snippets of other controllers", snippets+"configuration-snippet|all requests are answered with 403&&"+snippets+"server-snippet|all requests are answered with 403", only(403),
			snippets+"configuration-snippet", "return 200 pwned;", snippets+"server-snippet", "location / { return 200 pwned; }"),
		annotated("options of other controllers", snippets+"configuration-snippet|it has no effect here", nil,
			snippets+"configuration-snippet", "add_header X pwned;", snippets+"rewrite-target", "/pwned", "kubernetes.io/ingress.class", "x; }"),
		other, taken, below, wishes, owned,
		{name: "names", failed: "object ignored", told: []string{"object ignored|Ingress"}, make: func(h *hostile) {
			for _, name := range []string{"x; } server { return 200 pwned; } #", "a\nb", "../x", "A"} {
				h.add(ingress("hostile", name, ingHost, to("/", "good")))
			}
		}, wants: append([]want{{host: ingHost, uri: "/"}}, good...)},
		{name: "the same in 200 Ingresses", make: func(h *hostile) {
			h.add(service("hostile", "good", h.w.pods["evil"].Port))
			for i := range 200 {
				h.add(ingress("hostile", fmt.Sprintf("i%03d", i), ingHost, to("/good", "good")))
			}
		}, told: []string{"Ingress/hostile/i199|of Ingress i000, which comes first, serves it"}, wants: served},
	}
}
