// Package tour is what there is to see in the demo: one table of requests and
// expected answers, which is printed for people and asked by the check. It
// knows the Site only; it never starts and never changes anything.
package tour

import (
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/30x/dispatcher/demo/internal/authority"
)

// Site is where the demo serves.
type Site struct {
	Port, SSLPort int             // nginx's, on 127.0.0.1
	Files         authority.Files // with which TLS clients check it, and are checked
}

func (s Site) http() string  { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }
func (s Site) https() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.SSLPort)) }

// Visit is one thing to ask and the answer to expect.
type Visit struct {
	Shows       string // what it shows, in a line
	Host        string // the Host header; empty: none of Dispatcher's hosts
	Path        string // with the query, as it is sent
	Times       int    // how often, over one connection; 0 is once
	WS          bool   // as a WebSocket, which is told "hello" and asked "env"
	TLS         bool   // by HTTPS
	Certificate bool   // the client shows its certificate
	Want        Outcome
}

// Outcome is what came, or must come, of a visit.
type Outcome struct {
	Status   int            // HTTP status; 0: the connection was closed without an answer
	Pods     map[string]int // how often each Pod answered, by HOSTNAME; nil if none
	Path     string         // the path that the Pod saw; empty if asked more than once
	Client   string         // who the Pod was told is asking; empty if asked more than once
	Location string         // where the client is sent
	Echo     string         // what the WebSocket sent back
}

const greeting = "hello"

// All is what the manifests give at a Site, in a good order for people.
func All(s Site) []Visit {
	one := func(pod, path string) Outcome {
		return Outcome{Status: 200, Pods: map[string]int{pod: 1}, Path: path}
	}
	const test, blog, secure, partners = "test.k8s.local", "blog.k8s.local", "secure.k8s.local", "partners.k8s.local"
	visitor := one("account-1", "/account")
	visitor.Client = authority.ClientName
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
		{Shows: "A host with TLS, whose certificate is in a Secret (secure.yaml)", Host: secure, Path: "/account", TLS: true,
			Want: one("account-1", "/account")},
		{Shows: "Plain HTTP is sent there, with every byte of the path", Host: secure, Path: "/account/a%2Fb?x=1",
			Want: Outcome{Status: 308, Location: fmt.Sprintf("https://%s:%d/account/a%%2Fb?x=1", secure, s.SSLPort)}},
		{Shows: "A host that lets in only clients with a certificate (secure.yaml: clientCertificate)", Host: partners, Path: "/account", TLS: true,
			Want: Outcome{Status: 400}},
		{Shows: "With one, and its Pod is told whose it is", Host: partners, Path: "/account", TLS: true, Certificate: true,
			Want: visitor},
		{Shows: "Plain HTTP is closed there (secure.yaml: redirect)", Host: partners, Path: "/account",
			Want: Outcome{}},
		{Shows: "nginx's own status, outside all hosts", Path: "/dispatcher/status",
			Want: Outcome{Status: 200}},
	}
}

// Command is the shell command that makes the visit at a Site; curl is how to
// call curl.
func (v Visit) Command(curl string, s Site) string {
	if v.WS {
		return fmt.Sprintf("go run ./demo ws -host %s 'ws://%s%s' %s", v.Host, s.http(), v.Path, greeting)
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
	if v.TLS {
		words = append(words, fmt.Sprintf("--cacert '%s' --connect-to '::%s'", s.Files.CA, s.https()))
	} else if v.Host != "" {
		words = append(words, fmt.Sprintf("-H 'Host: %s'", v.Host))
	}
	if v.Certificate {
		words = append(words, fmt.Sprintf("--cert '%s' --key '%s'", s.Files.Client, s.Files.ClientKey))
	}
	if v.Times > 1 {
		return strings.Join(append(words, fmt.Sprintf("'%s?[1-%d]' | grep HOSTNAME", v.url(s), v.Times)), " ")
	}
	return strings.Join(append(words, fmt.Sprintf("'%s'", v.url(s))), " ")
}

// url is what is asked for. By HTTPS it names the host, as the certificate does;
// who asks connects to the Site all the same.
func (v Visit) url(s Site) string {
	if v.TLS {
		return "https://" + v.Host + v.Path
	}
	return "http://" + s.http() + v.Path
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
	if o.Client != "" {
		text += " and the client " + o.Client
	}
	if o.Location != "" {
		text += " to " + o.Location
	}
	if o.Echo != "" {
		text += fmt.Sprintf(", and says %q back", o.Echo)
	}
	return text
}

// Print tells people what to ask.
func Print(say func(string), s Site) {
	curl := "curl"
	for _, proxy := range []string{"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		if os.Getenv(proxy) != "" {
			curl = "curl --noproxy '*'" // a proxy elsewhere can't reach this machine's loopback
		}
	}
	for i, v := range All(s) {
		say(fmt.Sprintf("%2d. %s", i+1, v.Shows))
		say("    " + v.Command(curl, s))
		say("    expect: " + v.Want.String())
		say("")
	}
}
