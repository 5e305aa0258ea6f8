package tenants

import (
	"net/http"
	"strings"
)

// addresses are cases of whom endpoints may say that nginx should ask.
func addresses() []attack {
	const host = "slice.hostile.example"
	refused := append([]want{{host: host, uri: "/vault", status: http.StatusServiceUnavailable}}, good...)
	slice := func(name, kind, reason string, addresses ...string) attack {
		a := attack{name: name, make: func(h *hostile) { h.slice(kind, h.w.pods["vault"].Port, addresses...) }, wants: refused}
		for range addresses {
			a.told = append(a.told, "EndpointSlice/hostile/slice-0|endpoints.addresses|"+reason)
		}
		return a
	}
	v4 := func(name, what string, addresses ...string) attack {
		return slice(name, "IPv4", "is refused: it is "+what+" address", addresses...)
	}
	v6 := func(name, what string, addresses ...string) attack {
		return slice(name, "IPv6", "is refused: it is "+what+" address", addresses...)
	}
	none := func(name string, addresses ...string) attack {
		return slice(name, "IPv4", "is not an IP address", addresses...)
	}
	// lies is a case of an endpoint that says that it is a Pod.
	lies := func(name, namespace, pod, address string) attack {
		return attack{name: name, make: func(h *hostile) {
			h.slice("IPv4", h.w.pods["vault"].Port)
			h.objects[2].(map[string]any)["endpoints"] = []map[string]any{{"addresses": []string{h.fill(address)}, "targetRef": map[string]string{"kind": "Pod", "namespace": namespace, "name": pod}}}
		}, told: []string{"EndpointSlice/hostile/slice-0|the endpoint gets no requests"}, wants: refused}
	}
	return []attack{
		v4("the vault's Pod", "a Pod's", "@VAULT"), v4("the witness's Pod", "a Pod's", "@WITNESS", "@VAULT"),
		v4("loopback", "a loopback", "127.0.0.1", "127.1.2.3", "127.255.255.255"), v4("link-local", "a link-local", "169.254.169.254", "169.254.0.1"),
		v4("metadata", "a metadata service's", "100.100.100.200", "168.63.129.16", "192.0.0.192"), v4("nobody's", "no host's", "0.0.0.0", "0.1.2.3", "255.255.255.255"), v4("multicast", "a multicast", "224.0.0.1", "239.255.255.255"),
		v4("a node's", "a node's", "10.9.9.9"),
		v6("loopback in IPv6", "a loopback", "::1", "0:0:0:0:0:0:0:1"), v6("link-local in IPv6", "a link-local", "fe80::1", "febf::1"), v6("metadata in IPv6", "a metadata service's", "fd00:ec2::254", "fd20:ce::254"),
		v6("multicast in IPv6", "a multicast", "ff02::1"), v6("nobody's in IPv6", "no host's", "::"),
		slice("mapped", "IPv6", "is refused: it is a ", "::ffff:127.0.0.1", "::ffff:@VAULT", "::ffff:7f00:1", "::ffff:169.254.169.254"), slice("translated", "IPv6", "is refused: it is a ", "64:ff9b::127.0.0.1", "64:ff9b::@VAULT", "2002:7f00:1::", "::127.0.0.1", "64:ff9b::a9fe:a9fe"),
		none("other ways to write one", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.01", "127.0.0.1 ", "127.0.0.1:80", "[::1]", "１27.0.0.1", "%31"),
		none("zones", "fe80::1%lo", "::1%lo; return 200 pwned", "127.0.0.1%lo"),
		none("injections", "192.0.2.1; } server { return 200 pwned; } #", "unix:/tmp/x", "localhost", "", "\x00", "$host", "192.0.2.1\n", "192.0.2.1 backup", "vault.vault.svc", strings.Repeat("1", 100_000)),
		slice("names", "FQDN", "is not among the names that may be referred to", "vault.vault.svc", "localhost", "vault.example", "127.0.0.1", "x; }"),
		slice("kind of address", "unix; }", "is refused", "@VAULT"),
		lies("the vault's Pod under a name", "hostile", "good", "@VAULT"), lies("the vault's Pod by its name", "vault", "vault", "@VAULT"), lies("a Pod that nobody has", "hostile", "none", "@VAULT"),
		lies("a name with an injection", "hostile", "good; }", "@VAULT"), lies("loopback under a name", "hostile", "good", "127.0.0.1"),
		{name: "Endpoints", make: func(h *hostile) {
			h.yaml("apiVersion: v1\nkind: Service\nmetadata: {name: slice, namespace: hostile}\nspec: {ports: [{name: http, port: 80}]}\n---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: slice, namespace: hostile}\n" +
				"subsets: [{addresses: [{ip: '@VAULT'}, {ip: 127.0.0.1}, {ip: '::1'}, {ip: 'x; }'}], ports: [{name: http, port: 80}]}]")
			h.add(ingress("hostile", "slice", host, to("/", "slice")))
		}, told: []string{"Endpoints/hostile/slice|subsets.addresses|a loopback", "Endpoints/hostile/slice|subsets.addresses|is not an IP address"}, wants: refused},
		{name: "EndpointSlice of another's Service", harmless: true, make: func(h *hostile) {
			h.yaml("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: open, namespace: hostile, labels: {kubernetes.io/service-name: open}}\naddressType: IPv4\nendpoints: [{addresses: ['@IP']}]\nports: [{name: http, port: @PORT}]")
			h.yaml("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x, namespace: hostile, labels: {kubernetes.io/service-name: witness-open/open}}\naddressType: IPv4\nendpoints: [{addresses: ['@IP']}]\nports: [{name: http, port: @PORT}]")
		}, wants: append([]want{{host: "service.witness.example", uri: "/x", pod: "open"}}, good...)},
		{name: "address of a Pod", make: func(h *hostile) {
			for _, ip := range []string{"127.0.0.1:80; } #", "fe80::1%lo; return 200 pwned;", "unix:/tmp/x", "localhost", "127.0.0.1\n", "$host"} {
				h.more(1, `[{"basePath": "/x", "containerPort": @PORT}]`)
				p := podOf(h.objects[len(h.objects)-1])
				p.Name, p.Status.PodIP = "more-"+string(rune('0'+len(h.objects))), ip
			}
		}, told: []string{"Pod/hostile/more-1|status.podIP|is not an IP address", "Pod/hostile/more-6|status.podIP|is not an IP address"}},
		{name: "other addresses of Pods", harmless: true, make: func(h *hostile) {
			h.yaml("apiVersion: v1\nkind: Pod\nmetadata: {name: more, namespace: hostile, labels: {" + routable + ": 'true', app: hostile}}\nspec: {containers: [{name: a, image: b}]}\nstatus: {phase: Running, podIP: '@IP', hostIP: 'x; }', podIPs: [{ip: '@IP'}, {ip: '@WITNESS'}], hostIPs: [{ip: '@VAULT'}, {ip: '$host'}]}")
		}},
	}
}
