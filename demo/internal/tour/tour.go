// Package tour is what there is to see in the demo: one table of requests and
// expected answers, which is printed for people and asked by the check. It
// knows nginx's address only, starts nothing and changes nothing.
package tour

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Visit is one thing to ask and the answer to expect.
type Visit struct {
	Shows string // what it shows, in a line
	Host  string // the Host header; empty: none of Dispatcher's hosts
	Path  string // with the query, as it is sent
	Times int    // how often, over one connection; 0 is once
	WS    bool   // as a WebSocket, which is told "hello" and asked "env"
	Want  Outcome
}

// Outcome is what came, or must come, of a visit.
type Outcome struct {
	Status int            // HTTP status; 0: the connection was closed without an answer
	Pods   map[string]int // how often each Pod answered, by HOSTNAME; nil if none
	Path   string         // the path that the Pod saw; empty if asked more than once
	Echo   string         // what the WebSocket sent back
}

const greeting = "hello"

// All is what the manifests give, in a good order for people.
func All() []Visit {
	one := func(pod, path string) Outcome {
		return Outcome{Status: 200, Pods: map[string]int{pod: 1}, Path: path}
	}
	const test, blog = "test.k8s.local", "blog.k8s.local"
	return []Visit{
		{Shows: "A Pod's path (nodejs.yaml)", Host: test, Path: "/nodejs",
			Want: one("nodejs-k8s-env-1", "/nodejs")},
		{Shows: "Everything below it too, and every byte arrives as it was sent", Host: test, Path: "/nodejs/a%2Fb?x=1",
			Want: one("nodejs-k8s-env-1", "/nodejs/a%2Fb?x=1")},
		{Shows: "But not what only begins with the same letters", Host: test, Path: "/nodejsfoo",
			Want: Outcome{Status: 404}},
		{Shows: "A WebSocket, without any configuration", Host: test, Path: "/nodejs/socket.io/", WS: true,
			Want: Outcome{Status: 101, Pods: map[string]int{"nodejs-k8s-env-1": 1}, Path: "/nodejs/socket.io/", Echo: greeting}},
		{Shows: "A path that is rewritten (reports.yaml: targetPath)", Host: test, Path: "/reports/2026",
			Want: one("reports-1", "/v2/reports/2026")},
		{Shows: "A path that matches exactly, on another port of the same Pod (reports.yaml: match)", Host: test, Path: "/version",
			Want: one("reports-1", "/version")},
		{Shows: "So nothing below it is served", Host: test, Path: "/version/1",
			Want: Outcome{Status: 404}},
		{Shows: "Two Pods with the weights 1 and 3 (shop.yaml)", Host: test, Path: "/shop", Times: 8,
			Want: Outcome{Status: 200, Pods: map[string]int{"shop-1": 2, "shop-2": 6}}},
		{Shows: "Another Namespace on the same host (blog.yaml)", Host: test, Path: "/blog",
			Want: one("blog-1", "/blog")},
		{Shows: "The same Pod on a host of its own", Host: blog, Path: "/blog",
			Want: one("blog-1", "/blog")},
		{Shows: "Where the first Namespace's paths don't exist", Host: blog, Path: "/nodejs",
			Want: Outcome{Status: 404}},
		{Shows: "A host that nobody has: closed without an answer", Host: "nobody.k8s.local", Path: "/nodejs",
			Want: Outcome{}},
		{Shows: "nginx's own status, outside all hosts", Path: "/dispatcher/status",
			Want: Outcome{Status: 200}},
	}
}

// Command is the shell command that makes the visit; curl is how to call curl,
// address is nginx's.
func (v Visit) Command(curl, address string) string {
	if v.WS {
		return fmt.Sprintf("go run ./demo ws -host %s 'ws://%s%s' %s", v.Host, address, v.Path, greeting)
	}
	words := []string{curl}
	switch {
	case v.Want.Status == 0:
		words = append(words, "-sS")
	case len(v.Want.Pods) == 0:
		words = append(words, "-si")
	default:
		words = append(words, "-s")
	}
	if v.Host != "" {
		words = append(words, fmt.Sprintf("-H 'Host: %s'", v.Host))
	}
	if v.Times > 1 {
		return strings.Join(append(words, fmt.Sprintf("'http://%s%s?[1-%d]' | grep HOSTNAME", address, v.Path, v.Times)), " ")
	}
	return strings.Join(append(words, fmt.Sprintf("'http://%s%s'", address, v.Path)), " ")
}

// String tells an outcome in a line.
func (o Outcome) String() string {
	if o.Status == 0 {
		return "no answer, the connection is closed"
	}
	text := fmt.Sprint(o.Status)
	if len(o.Pods) > 0 {
		var from []string
		for _, pod := range slices.Sorted(maps.Keys(o.Pods)) {
			if n := o.Pods[pod]; n > 1 || len(o.Pods) > 1 {
				pod = fmt.Sprintf("%s (%d)", pod, n)
			}
			from = append(from, pod)
		}
		text += " from " + strings.Join(from, ", ")
	}
	if o.Path != "" {
		text += ", which saw " + o.Path
	}
	if o.Echo != "" {
		text += fmt.Sprintf(", and says %q back", o.Echo)
	}
	return text
}

// Print tells people what to ask.
func Print(say func(string), address string) {
	curl := "curl"
	if os.Getenv("http_proxy") != "" || os.Getenv("all_proxy") != "" || os.Getenv("ALL_PROXY") != "" {
		curl = "curl --noproxy '*'" // a proxy elsewhere can't reach this machine's loopback
	}
	for i, v := range All() {
		say(fmt.Sprintf("%2d. %s", i+1, v.Shows))
		say("    " + v.Command(curl, address))
		say("    expect: " + v.Want.String())
		say("")
	}
}
