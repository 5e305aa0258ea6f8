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

// Group is what belongs together of what there is to see.
type Group struct {
	Title  string
	Visits []Visit
}

// Visit is one thing to ask and the answer to expect.
type Visit struct {
	Shows       string // what it shows, in a line
	Host        string // the Host header; empty: none of Dispatcher's hosts
	Path        string // with the query, as it is sent
	Times       int    // how often, over one connection; 0 is once
	From        string // the client's address; empty: 127.0.0.1
	WS          bool   // as a WebSocket, which is told "hello" and, if the app knows that, asked "env"
	TLS         bool   // by HTTPS
	Certificate bool   // the client shows its certificate
	Want        Outcome
}

// Outcome is what came, or must come, of a visit.
type Outcome struct {
	Status   int            // HTTP status; 0: the connection was closed without an answer
	Pods     map[string]int // how often each Pod answered, by HOSTNAME; nil if none
	Path     string         // the path that the Pod saw; empty if asked more than once
	Key      string         // the key that the Pod saw in it, if the Pod's app is about keys
	Client   string         // who the Pod was told is asking; empty if asked more than once
	Location string         // where the client is sent
	Retry    string         // after how many seconds the client may ask again
	Echo     string         // what the WebSocket sent back
}

const greeting = "hello"

// Command is the shell command that makes the visit at a Site; curl is how to
// call curl.
func (v Visit) Command(curl string, s Site) string {
	if v.WS && v.TLS {
		return fmt.Sprintf("go run ./demo ws -cacert '%s' -host %s 'wss://%s%s' %s", s.Files.CA, v.Host, s.https(), v.Path, greeting)
	}
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
	if v.From != "" {
		words = append(words, "--interface "+v.From)
	}
	switch {
	case v.Times <= 1:
		words = append(words, fmt.Sprintf("'%s'", v.url(s)))
	case v.Want.Key != "": // such an answer is one line
		words = append(words, fmt.Sprintf("'%s?[1-%d]'", v.url(s), v.Times))
	default:
		words = append(words, fmt.Sprintf("'%s?[1-%d]' | grep HOSTNAME", v.url(s), v.Times))
	}
	return strings.Join(words, " ")
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
	if o.Key != "" {
		text += ", which saw the key " + o.Key
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
	if o.Retry != "" {
		text += ", and to ask again after " + o.Retry + " s"
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
	n := 0
	for _, g := range Groups(s) {
		say("=== " + g.Title)
		say("")
		for _, v := range g.Visits {
			n++
			say(fmt.Sprintf("%2d. %s", n, v.Shows))
			say("    " + v.Command(curl, s))
			say("    expect: " + v.Want.String())
		}
		say("")
	}
}
