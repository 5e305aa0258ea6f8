package tenants

import "net/http"

// numbers are cases of what may stand where a number should.
func numbers() []attack {
	unread := func(name, number string) attack {
		return badPod(name, `[{"basePath": "/x", "containerPort": `+number+`}, {"basePath": "/y", "containerPort": @PORT}]`, "none of its paths is served: it is not JSON")
	}
	// port is a case of an Ingress whose path leads to a port of a Service.
	port := func(name string, n int32, reason string) attack {
		return attack{name: name, make: func(h *hostile) {
			path := to("/bad", "good")
			path.Backend.Service.Port.Name, path.Backend.Service.Port.Number = "", n
			h.add(service("hostile", "good", h.w.pods["evil"].Port), ingress("hostile", "numbers", "ingress.hostile.example", path, to("/good", "good")))
		}, told: []string{"Ingress/hostile/numbers|" + reason}, wants: append([]want{{host: "ingress.hostile.example", uri: "/bad", status: http.StatusServiceUnavailable}, {host: "ingress.hostile.example", uri: "/good", pod: "evil"}}, good...)}
	}
	declared := func(name string, ports ...int32) attack {
		return attack{name: name, make: func(h *hostile) {
			h.more(1, `[{"basePath": "/x", "containerPort": "odd"}, {"basePath": "/more", "containerPort": @PORT}]`)
			p := podOf(h.objects[0])
			for _, n := range ports {
				c := p.Spec.Containers[0].Ports[0]
				c.Name, c.ContainerPort = "odd", n
				p.Spec.Containers[0].Ports = append(p.Spec.Containers[0].Ports, c)
			}
		}, told: []string{"Pod/hostile/more-0|" + pathsKey + "[0].containerPort"}, wants: append([]want{{host: "hostile.example", uri: "/more", pod: "evil"}, {host: "hostile.example", uri: "/x", status: idle}}, good...)}
	}
	weights := func(name, weight string) attack {
		return attack{name: name, harmless: true, make: func(h *hostile) {
			h.entry(`{"basePath": "/x", "containerPort": @PORT, "weight": ` + weight + `}`)
			h.more(40, `[{"basePath": "/x", "containerPort": @PORT, "weight": `+weight+`}]`)
		}, wants: append([]want{{host: "hostile.example", uri: "/x", pod: "evil"}}, good...)}
	}
	odd := declared("undeclared port", 0)
	odd.make = func(h *hostile) {
		h.more(1, `[{"basePath": "/x", "containerPort": 1}, {"basePath": "/more", "containerPort": @PORT}]`)
	}
	raw := func(name, field, value string) attack {
		return attack{name: name, make: func(h *hostile) {
			h.raw = "apiVersion: v1\nkind: Pod\nmetadata: {name: raw, namespace: hostile, labels: {" + routable + ": \"true\"}}\nspec: {containers: [{name: app, ports: [{" + field + ": " + value + "}]}]}\n"
		}, told: []string{"a manifest has a problem|this Pod can't be read"}}
	}
	return []attack{
		badPaths("ports out of range", "containerPort", "", `0`, `-1`, `65536`, `2147483648`, `4294967376`, `9223372036854775808`, `18446744073709551696`, `-0`),
		badPaths("ports in other words", "containerPort", "", `1e2`, `1e400`, `1.0`, `80.5`, `1E+2`, `8e1`),
		badPaths("ports as texts", "containerPort", "", `"08"`, `"+80"`, `" 80"`, `"80 "`, `"0x50"`, `"1_000"`, `"８０"`, `"80; return 200 pwned"`, `"NaN"`, `"1e2"`, `"80\n"`, `"0"`),
		badPaths("ports of another type", "containerPort", "it must be", `true`, `[80]`, `{"port": 80}`, `[]`, `{}`),
		badPaths("names of ports", "containerPort", "", `"http; x"`, `"$http"`, `"HTTP"`, `"unix:/x"`, `"../http"`, `"http\u0000"`, `"htt"`),
		badPaths("weights out of range", "weight", "is not a weight", `0`, `-1`, `65536`, `1e1`, `1.0`, `1e400`, `2147483648`, `9223372036854775808`),
		badPaths("weights as texts", "weight", "is not a weight", `"0"`, `"1 backup"`, `"1;"`, `"+1"`, `"01"`, `"0x1"`, `"1\nmax_fails=0"`, `" 1"`),
		badPaths("weights of another type", "weight", "", `true`, `[1]`, `{}`, `false`),
		unread("NaN", `NaN`), unread("infinite", `-Infinity`), unread("hexadecimal", `0x50`), unread("leading zero", `08`), unread("plus", `+80`), unread("no digit before the point", `.5`), unread("two points", `1.0.0`),
		weights("large weights", "1000"),
		odd,
		declared("declared ports out of range", 0, -1), declared("declared port too large", 65536), declared("declared port of 31 bits", 2147483647),
		raw("declared port of 32 bits", "containerPort", "2147483648"), raw("declared port of 64 bits", "containerPort", "99999999999999999999"), raw("declared port with a fraction", "containerPort", "80.5"),
		port("Ingress: port 0", 0, "it names no port"), port("Ingress: port -1", -1, "has no TCP port -1"), port("Ingress: port 65536", 65536, "has no TCP port 65536"), port("Ingress: port of 31 bits", 2147483647, "has no TCP port 2147483647"),
		{name: "Service: ports out of range", make: func(h *hostile) {
			bad := service("hostile", "bad", 0)
			bad.Spec.Ports = append(bad.Spec.Ports, bad.Spec.Ports[0], bad.Spec.Ports[0])
			bad.Spec.Ports[1].Name, bad.Spec.Ports[1].Port, bad.Spec.Ports[2].Name, bad.Spec.Ports[2].Port = "b", -1, "c", 70000
			b, c := to("/b", "bad"), to("/c", "bad")
			b.Backend.Service.Port.Name, c.Backend.Service.Port.Name = "b", "c"
			h.add(bad, ingress("hostile", "numbers", "ingress.hostile.example", to("/a", "bad"), b, c))
		}, told: []string{`Ingress/hostile/numbers|spec.rules[0].http.paths[0]|has no TCP port "http"`, `paths[1]|has no TCP port "b"`, `paths[2]|has no TCP port "c"`},
			wants: append([]want{{host: "ingress.hostile.example", uri: "/a", status: 503}, {host: "ingress.hostile.example", uri: "/b", status: 503}, {host: "ingress.hostile.example", uri: "/c", status: 503}}, good...)},
		{name: "EndpointSlice: ports out of range", make: func(h *hostile) {
			h.slice("IPv4", 0, "192.0.2.1")
			h.slice("IPv4", -1, "192.0.2.2")
			h.slice("IPv4", 70000, "192.0.2.3")
		}, told: []string{"EndpointSlice/hostile/slice-0|is 0;", "is -1;", "is 70000;"}, wants: append([]want{{host: "slice.hostile.example", uri: "/", status: 503}}, good...)},
		{name: "replicas", make: func(h *hostile) {
			h.set("set", 2147483647, 0)
			h.set("less", -5, -7)
		}, told: []string{"1000|StatefulSet"}, wants: append([]want{{host: "hostile.example", uri: "/set/x", pod: "evil"}}, good...)},
	}
}
