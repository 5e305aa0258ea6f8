package ingress

import (
	"strings"
	"testing"
)

// EF1, EF2, EF3: paths of a host go to endpoints at their own port, inside the cluster or
// not. EX10: those without endpoints stay, to answer 503.
func TestPaths(t *testing.T) {
	for name, c := range map[string]struct{ spec, served, told string }{
		"one":                     {rules("a.dev /:s"), "a.dev\n  / 203.0.113.4:8080 203.0.113.5:8080 [10.1.0.0/16] 300s", ""},
		"more":                    {rules("B.dev. /x/y:a /x:b", "a.dev /:a"), "a.dev\n  / 10.0.0.1:8080\nb.dev\n  /x\n  /x/y 10.0.0.1:8080", ""},
		"exact":                   {rules("a.dev =/x:b /x:a =/y/:a"), "a.dev\n  =/x\n  /x 10.0.0.1:8080\n  =/y/ 10.0.0.1:8080", ""},
		"a trailing slash":        {rules("a.dev /x/:a"), "a.dev\n  /x 10.0.0.1:8080", ""},
		"wildcards and addresses": {rules("*.a.dev /:a", "10.1.2.3 /:a"), "*.a.dev\n  / 10.0.0.1:8080\n10.1.2.3\n  / 10.0.0.1:8080", ""},
		"twice":                   {rules("a.dev /x:a /x/:b"), "a.dev\n  /x 10.0.0.1:8080", `i: spec.rules[0].http.paths[1].path: the path "/x" of a.dev is not served by it: spec.rules[0].http.paths[0] of Ingress i, which comes first, serves it`},
		"twice the host":          {rules("a.dev /x:a", "A.dev /y:a /x:b"), "a.dev\n  /x 10.0.0.1:8080\n  /y 10.0.0.1:8080", `i: spec.rules[1].http.paths[1].path: the path "/x" of a.dev`},
		"port by name":            {`rules: [{host: a.dev, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {name: web}}}}]}}]`, "a.dev\n  / 10.0.0.1:8080", ""},
		"kinds of paths": {`rules: [{host: a.dev, http: {paths: [{pathType: ImplementationSpecific, backend: ` + to("a") + `}, {path: '/x/.*', pathType: ImplementationSpecific, backend: ` + to("b") + `}]}}]`,
			"a.dev\n  / 10.0.0.1:8080\n  /x/.*", `i: spec.rules[0].http.paths[1].path: "/x/.*" is taken as it stands`},
		"no kind": {`rules: [{host: a.dev, http: {paths: [{path: /x, backend: ` + to("a") + `}, {path: /y, pathType: Regex, backend: ` + to("a") + `}, {path: /z, pathType: Prefix, backend: ` + to("a") + `}]}}]`,
			"a.dev\n  /z 10.0.0.1:8080", "i: spec.rules[0].http.paths[0].pathType: the path is dropped: \"\" is no type of path\ni: spec.rules[0].http.paths[1].pathType: the path is dropped: \"Regex\""},
		"bad paths": {rules("a.dev x:a /a;b:a /a//b:a /z:a"), "a.dev\n  /z 10.0.0.1:8080",
			"i: spec.rules[0].http.paths[0].path: the path is dropped: \"x\"\ni: spec.rules[0].http.paths[1].path: the path is dropped: \"/a;b\"\ni: spec.rules[0].http.paths[2].path: the path is dropped: \"/a//b\""},
		"bad hosts":       {rules("a..dev /:a", "b.dev /:a"), "b.dev\n  / 10.0.0.1:8080", `i: spec.rules[0].host: the rule is dropped: "a..dev" is not a host name`},
		"no paths":        {"rules: [{host: a.dev}]", "a.dev", "i: spec.rules[0].http: nothing of the host is served by it"},
		"nothing":         {"rules: []", "", "i: spec.rules: nothing is served"},
		"no such Service": {rules("a.dev /:gone /x:a"), "a.dev\n  /\n  /x 10.0.0.1:8080", `i: spec.rules[0].http.paths[0].backend.service.name: all requests are answered with 503: there is no Service "gone"`},
		"no such port":    {strings.ReplaceAll(rules("a.dev /:a"), "80", "82"), "a.dev\n  /", "i: spec.rules[0].http.paths[0].backend.service.port.number: all requests are answered with 503"},
		"a port's name": {`rules: [{host: a.dev, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {name: x}}}}]}}]`, "a.dev\n  /",
			"i: spec.rules[0].http.paths[0].backend.service.port.name: all requests"},
		"no Service": {`rules: [{host: a.dev, http: {paths: [{path: /, pathType: Prefix, backend: {resource: {apiGroup: x, kind: Bucket, name: z}}}]}}]`, "a.dev\n  /",
			"i: spec.rules[0].http.paths[0].backend: all requests are answered with 503: it refers to no Service"},
		"a Problem of a Service is told once": {strings.ReplaceAll(rules("a.dev /:a /x:a"), "80", "81"), "a.dev\n  /\n  /x", "EndpointSlice/shop/a-1: ports: its endpoints get no requests of port 81 of Service a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, base+ingressOf("i", 1, c.spec), options(), c.served, c.told)
		})
	}
}

// Of two Ingresses the older has a path, whatever their names and order.
func TestOlderIngress(t *testing.T) {
	yaml := base + ingressOf("a", 9, rules("x.dev /p:b /q:b =/p:b")) + ingressOf("z", 1, rules("x.dev /p:a")) + ingressOf("b", 9, rules("x.dev /q:a /r:a"))
	check(t, yaml, options(), "x.dev\n  =/p\n  /p 10.0.0.1:8080\n  /q\n  /r 10.0.0.1:8080",
		`a: spec.rules[0].http.paths[0].path: the path "/p" of x.dev is not served by it: spec.rules[0].http.paths[0] of Ingress z, which comes first
b: spec.rules[0].http.paths[0].path: the path "/q" of x.dev is not served by it: spec.rules[0].http.paths[1] of Ingress a`)
}

// A default backend serves what no rule does: of its own hosts, and, in one Namespace
// only, of those that nobody declares.
func TestDefaultBackend(t *testing.T) {
	const backend = "defaultBackend: {service: {name: a, port: {number: 80}}}"
	for name, c := range map[string]struct{ objects, served, told string }{
		"of its hosts":   {ingressOf("i", 1, backend+", "+rules("a.dev /x:b", "b.dev /:b")) + ingressOf("j", 2, rules("c.dev /x:b")), "hosts that nobody declares\n  / 10.0.0.1:8080\na.dev\n  / 10.0.0.1:8080\n  /x\nb.dev\n  /\nc.dev\n  /x", ""},
		"a younger rule": {ingressOf("i", 1, backend+", "+rules("a.dev /x:b")) + ingressOf("j", 2, rules("a.dev /:b")), "hosts that nobody declares\n  / 10.0.0.1:8080\na.dev\n  /\n  /x", ""},
		"two": {ingressOf("i", 1, backend+", "+rules("a.dev /x:b")) + ingressOf("j", 2, backend+", "+rules("a.dev /y:b")), "hosts that nobody declares\n  / 10.0.0.1:8080\na.dev\n  / 10.0.0.1:8080\n  /x\n  /y", `j: spec.defaultBackend: the path "/" of a.dev is not served by it: spec.defaultBackend of Ingress i
j: spec.defaultBackend: the path "/" of hosts that nobody declares is not served by it`},
		"a rule alone":       {ingressOf("i", 1, backend+", rules: [{host: a.dev}]"), "hosts that nobody declares\n  / 10.0.0.1:8080\na.dev\n  / 10.0.0.1:8080", ""},
		"no rules":           {ingressOf("i", 1, backend), "hosts that nobody declares\n  / 10.0.0.1:8080", ""},
		"a rule for all":     {ingressOf("i", 1, backend+", "+rules("- /x:b")), "hosts that nobody declares\n  / 10.0.0.1:8080\n  /x", ""},
		"with a bad Service": {ingressOf("i", 1, "defaultBackend: "+to("gone")), "hosts that nobody declares\n  /", "i: spec.defaultBackend.service.name: all requests are answered with 503"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, base+c.objects, options(), c.served, c.told)
		})
	}
	other := options()
	other.DefaultNamespace = "other"
	check(t, base+ingressOf("i", 1, backend+", "+rules("- /x:b", "a.dev /y:a"))+ingressOf("j", 2, backend), other, "a.dev\n  / 10.0.0.1:8080\n  /y 10.0.0.1:8080",
		"i: spec.rules[0].host: it is not served: requests for hosts that nobody declares are not for this Namespace\nj: spec.defaultBackend: it is not served")
	check(t, base+ingressOf("i", 1, backend+", "+rules("a.dev /y:a")), other, "a.dev\n  / 10.0.0.1:8080\n  /y 10.0.0.1:8080", "")
}
