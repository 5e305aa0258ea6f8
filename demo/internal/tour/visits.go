package tour

import (
	"fmt"
	"slices"

	"github.com/30x/dispatcher/demo/internal/authority"
)

// All is what the manifests give at a Site, in a good order for people.
func All(s Site) (all []Visit) {
	for _, g := range Groups(s) {
		all = slices.Concat(all, g.Visits)
	}
	return all
}

// Groups is All, with titles.
func Groups(s Site) []Group {
	return []Group{
		{"Paths of Pods", paths()},
		{"Hosts of Namespaces", hosts()},
		{"TLS (secure.yaml)", secure(s)},
		{"A Pod for each key (rooms.yaml)", keys()},
		{"One active Pod (ledger.yaml)", active()},
		{"An application outside the cluster (partners.yaml)", outside()},
	}
}

const (
	testHost    = "test.k8s.local"
	blogHost    = "blog.k8s.local"
	secureHost  = "secure.k8s.local"
	clientsHost = "clients.k8s.local"
	outsideHost = "app2.k8s.local"
)

// once is the outcome if one Pod has answered.
func once(pod, path string) Outcome {
	return Outcome{Status: 200, Pods: map[string]int{pod: 1}, Path: path}
}

func paths() []Visit {
	return []Visit{
		{Shows: "A Pod's path (nodejs.yaml)", Host: testHost, Path: "/nodejs",
			Want: once("nodejs-k8s-env-1", "/nodejs")},
		{Shows: "Everything below it too, and every byte arrives as it was sent", Host: testHost, Path: "/nodejs/a%2Fb?x=1",
			Want: once("nodejs-k8s-env-1", "/nodejs/a%2Fb?x=1")},
		{Shows: "But not what only begins with the same letters", Host: testHost, Path: "/nodejsfoo",
			Want: Outcome{Status: 404}},
		{Shows: "A WebSocket, without any configuration", Host: testHost, Path: "/nodejs/socket.io/", WS: true,
			Want: Outcome{Status: 101, Pods: map[string]int{"nodejs-k8s-env-1": 1}, Path: "/nodejs/socket.io/", Echo: greeting}},
		{Shows: "A path that is rewritten (reports.yaml: targetPath)", Host: testHost, Path: "/reports/2026",
			Want: once("reports-1", "/v2/reports/2026")},
		{Shows: "A path that matches exactly, on another port of the same Pod (reports.yaml: match)", Host: testHost, Path: "/version",
			Want: once("reports-1", "/version")},
		{Shows: "So nothing below it is served", Host: testHost, Path: "/version/1",
			Want: Outcome{Status: 404}},
		{Shows: "Two Pods with the weights 1 and 3 (shop.yaml)", Host: testHost, Path: "/shop", Times: 8,
			Want: Outcome{Status: 200, Pods: map[string]int{"shop-1": 2, "shop-2": 6}}},
	}
}

func hosts() []Visit {
	return []Visit{
		{Shows: "Another Namespace on the same host (blog.yaml)", Host: testHost, Path: "/blog",
			Want: once("blog-1", "/blog")},
		{Shows: "The same Pod on a host of its own", Host: blogHost, Path: "/blog",
			Want: once("blog-1", "/blog")},
		{Shows: "Where the first Namespace's paths don't exist", Host: blogHost, Path: "/nodejs",
			Want: Outcome{Status: 404}},
		{Shows: "A host that nobody has: closed without an answer", Host: "nobody.k8s.local", Path: "/nodejs",
			Want: Outcome{}},
		{Shows: "nginx's own status, outside all hosts", Path: "/dispatcher/status",
			Want: Outcome{Status: 200}},
	}
}

func secure(s Site) []Visit {
	visitor := once("account-1", "/account")
	visitor.Client = authority.ClientName
	return []Visit{
		{Shows: "A host with TLS, whose certificate is in a Secret", Host: secureHost, Path: "/account", TLS: true,
			Want: once("account-1", "/account")},
		{Shows: "Plain HTTP is sent there, with every byte of the path", Host: secureHost, Path: "/account/a%2Fb?x=1",
			Want: Outcome{Status: 308, Location: fmt.Sprintf("https://%s:%d/account/a%%2Fb?x=1", secureHost, s.SSLPort)}},
		{Shows: "A host that lets in only clients with a certificate (clientCertificate)", Host: clientsHost, Path: "/account", TLS: true,
			Want: Outcome{Status: 400}},
		{Shows: "With one, and its Pod is told whose it is", Host: clientsHost, Path: "/account", TLS: true, Certificate: true,
			Want: visitor},
		{Shows: "Plain HTTP is closed there (redirect)", Host: clientsHost, Path: "/account",
			Want: Outcome{}},
	}
}

// Room asks for a key, which one Pod must have.
func Room(pod, key string) Visit {
	return Visit{Host: secureHost, Path: "/ws/" + key, TLS: true, Want: Outcome{Status: 200, Pods: map[string]int{pod: 1}, Key: key}}
}

// keys are of such names that the hash gives them different Pods, but for ns-0, which
// it would give to the Pod of ns-01.
func keys() []Visit {
	same, another, overridden, socket := Room("backend-3", "ns-01"), Room("backend-1", "ns-02"), Room("backend-0", "ns-0"), Room("backend-1", "ns-02")
	same.Shows = "All requests of a key go to one Pod, which counts them"
	same.Times, same.Want.Pods["backend-3"] = 4, 4
	another.Shows = "Those of another key go to another Pod"
	overridden.Shows = "A key for which a ConfigMap has a Pod, whatever the hash says"
	socket.Shows = "A WebSocket over TLS goes to the Pod of its key too, which counts on with each message"
	socket.WS, socket.Want.Status = true, 101
	return []Visit{same, another, overridden, socket}
}

func active() []Visit {
	return []Visit{
		{Shows: "Of three Pods the one is asked that has been ready longest (policy one)", Host: testHost, Path: "/ledger", Times: 6,
			Want: Outcome{Status: 200, Pods: map[string]int{"ledger-2": 6}}},
		{Shows: "A path of the same Pods that all of them share", Host: testHost, Path: "/ledger-reports", Times: 6,
			Want: Outcome{Status: 200, Pods: map[string]int{"ledger-1": 2, "ledger-2": 2, "ledger-3": 2}}},
	}
}

func outside() []Visit {
	return []Visit{
		{Shows: "An Ingress's host, and no Pod: the address of its Service's endpoint answers", Host: outsideHost, Path: "/orders",
			Want: once("app2", "/orders")},
		{Shows: "But only to clients in the Service's loadBalancerSourceRanges", Host: outsideHost, Path: "/orders", From: "127.0.0.2",
			Want: Outcome{Status: 403}},
	}
}
