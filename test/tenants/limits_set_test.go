package tenants

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/30x/dispatcher/internal/pki"
)

// setLimits are cases of what is more than an operator allows. The settings of their
// group are small; what is within them is served, and the rest told.
func setLimits() []attack {
	const entry = `{"basePath": "/x%d", "containerPort": @PORT}`
	many := func(n int, format string) string {
		var out []string
		for i := range n {
			out = append(out, strings.ReplaceAll(format, "%d", fmt.Sprint(i)))
		}
		return strings.Join(out, ", ")
	}
	first := good[:1]
	served := func(uri string) want { return want{host: "hostile.example", uri: uri, pod: "evil"} }
	without := func(uri string, status int) want {
		return want{host: "hostile.example", uri: uri, status: status}
	}
	return []attack{
		{name: "hosts", needs: "MAX_HOSTS_PER_NAMESPACE", make: func(h *hostile) { h.host(many(6, `"h%d.hostile.example": {}`)) }, told: []string{"Namespace/hostile|MAX_HOSTS_PER_NAMESPACE"}, wants: first},
		{name: "paths of a Pod", needs: "MAX_PATHS_PER_POD", make: func(h *hostile) { h.entry(many(8, entry)) }, told: []string{"Pod/hostile/good|MAX_PATHS_PER_POD"}, wants: append(first, served("/x6"), without("/x7", 404), without("/after", 404))},
		{name: "paths of a Namespace", needs: "MAX_LOCATIONS_PER_NAMESPACE", make: func(h *hostile) {
			h.host(`"a.hostile.example": {}, "b.hostile.example": {}`)
			h.entry(many(6, entry))
		}, told: []string{"hostile|MAX_LOCATIONS_PER_NAMESPACE"}, wants: first},
		{name: "long path", needs: "MAX_PATH_BYTES", make: func(h *hostile) {
			h.entry(`{"basePath": "/` + strings.Repeat("y", 64) + `", "containerPort": @PORT}`)
		}, told: []string{"Pod/hostile/good|MAX_PATH_BYTES"}},
		{name: "deep annotation", needs: "MAX_JSON_DEPTH", make: func(h *hostile) {
			h.more(1, `[{"basePath": "/x", "x": `+strings.Repeat("[", 8)+strings.Repeat("]", 8)+`, "containerPort": @PORT}]`)
		}, told: []string{"Pod/hostile/more-0|MAX_JSON_DEPTH"}},
		{name: "long key", needs: "MAX_KEY_BYTES", make: func(h *hostile) { h.add(secret("hostile", "routing", "api-key", strings.Repeat("k", 33))) }, told: []string{"Secret/hostile/routing|MAX_KEY_BYTES"}, wants: shut},
		{name: "large certificate", needs: "MAX_CERTIFICATE_BYTES", make: func(h *hostile) {
			chain, key := h.w.ca.Server(h.t, []string{tlsHost}, pki.Key(pki.RSA(4096)), lasting())
			h.add(secret("hostile", "routing", "ssl.crt", chain+strings.Repeat("x", 4096), "ssl.key", key))
			h.host(quoted(tlsHost) + ": " + overTLS)
		}, told: []string{"Namespace/hostile|MAX_CERTIFICATE_BYTES"}, wants: append([]want{{host: tlsHost, uri: "/good"}}, good...)},
		{name: "weight", needs: "MAX_WEIGHT", make: func(h *hostile) {
			h.entry(`{"basePath": "/x", "containerPort": @PORT, "weight": 11}`)
		}, told: []string{"Pod/hostile/good|write an integer from 1 to 10 "}, wants: append([]want{without("/x", 404)}, good...)},
		{name: "Pods of a path", needs: "MAX_PODS_PER_ROUTE", make: func(h *hostile) { h.more(4, `[{"basePath": "/x", "containerPort": @PORT}]`) }, told: []string{"hostile|MAX_PODS_PER_ROUTE"}, wants: append([]want{served("/x")}, good...)},
		{name: "overrides", needs: "MAX_OVERRIDES", make: func(h *hostile) {
			h.entry(`{"basePath": "/rooms", "containerPort": @PORT, "policy": "hash", "key": "segment:1", "overrides": "rooms"}`)
			h.add(configMap("hostile", "rooms", map[string]string{"a": "good", "b": "good", "c": "good", "d": "good"}))
		}, told: []string{"ConfigMap/hostile/rooms|MAX_OVERRIDES"}, wants: append([]want{served("/rooms/a")}, good...)},
	}
}

// listedHosts are cases of an older Namespace that takes hosts which the operator has
// listed for others.
func listedHosts() []attack {
	key := apiKey("witness's key")
	app := want{host: "www.witness.example", uri: "/app/x", pod: "witness-0", header: key}
	take := func(name string, hosts ...string) attack {
		a := attack{name: name, needs: "ALLOWED_HOSTS", age: older, wants: append([]want{app}, good[0]), make: func(h *hostile) {
			var members []string
			for _, host := range hosts {
				members = append(members, quoted(host)+": {}")
			}
			h.ns.Annotations[hostsKey] = `{"hostile.example": {}, ` + strings.Join(members, ", ") + `}`
			h.entry(`{"basePath": "/", "containerPort": @PORT}, {"basePath": "/app", "containerPort": @PORT}, {"basePath": "/app/x", "containerPort": @PORT}`)
		}}
		for _, host := range hosts {
			a.told = append(a.told, "Namespace/hostile|"+host+"|the operator's list")
			a.wants = append(a.wants, want{host: strings.Replace(host, "*", "x", 1), uri: "/good", status: map[bool]int{true: http.StatusNotFound}[host == "www.witness.example"]})
		}
		return a
	}
	ing := take("by an Ingress")
	ing.make = func(h *hostile) {
		h.add(service("hostile", "good", h.w.pods["evil"].Port), ingress("hostile", "bad", "service.witness.example", to("/", "good")))
	}
	ing.told, ing.wants = []string{"Ingress/hostile/bad|service.witness.example|the operator's list"}, append([]want{{host: "service.witness.example", uri: "/x", pod: "open"}}, good...)
	tls := take("TLS host")
	tls.make = func(h *hostile) { h.host(`"tls.witness.example": {}, "vault.example": {}`) }
	tls.told, tls.wants = []string{"Namespace/hostile|tls.witness.example|the operator's list", "Namespace/hostile|vault.example|the operator's list"}, append([]want{{host: "vault.example", uri: "/vault", status: 403}}, good...)
	return []attack{take("witness's host", "www.witness.example"), take("wildcard", "*.witness.example"), take("parent", "witness.example"), take("others", "new.hostile.example.com", "hostile.example.org"), ing, tls}
}

// exclusiveHosts are cases of a younger Namespace that wants a share of hosts which are
// not shared.
func exclusiveHosts() []attack {
	key := apiKey("witness's key")
	take := func(name, host, path string, wants ...want) attack {
		return attack{name: name, needs: "HOST_POLICY", age: younger, make: func(h *hostile) {
			h.host(quoted(host) + ": {}")
			h.entry(`{"basePath": "` + path + `", "containerPort": @PORT}`)
		}, told: []string{"Namespace/hostile|" + host + "|HOST_POLICY"}, wants: append(wants, good...)}
	}
	app := want{host: "www.witness.example", uri: "/app/x", pod: "witness-0", header: key}
	return []attack{
		take("below a path", "www.witness.example", "/app/x", app), take("catch-all", "www.witness.example", "/", app, want{host: "www.witness.example", uri: "/x", status: 404}),
		take("challenges", "vault.example", "/.well-known/acme-challenge", want{host: "vault.example", uri: "/.well-known/acme-challenge/x", status: 404}),
		take("TLS host", "tls.witness.example", "/x", want{host: "tls.witness.example", uri: "/x", status: 404, tls: true}), take("beside a key", "vault.example", "/other", want{host: "vault.example", uri: "/other", status: 404}),
	}
}
