// Package foreign knows the annotations of ingress-nginx, and what to write in their
// place. Annotations of an Ingress enter; a Note on each leaves that protects and has no
// effect here, and whether the Ingress may be served without it. It never does what one
// of them asks for.
package foreign

import (
	"fmt"
	"slices"
	"strings"
)

// Prefix is that of the annotations of ingress-nginx.
const Prefix = "nginx.ingress.kubernetes.io/"

// effect is what comes of an annotation that is there.
type effect int

const (
	nothing effect = iota
	told           // it protects
	closed         // it says who is let in: without it nobody is
)

// row is one or more annotations, and what there is here in their place, in Markdown.
type row struct {
	names  string // with spaces between
	here   string
	option string // of ours that takes their place; "" if none does
	effect effect
}

// rows are in the order of the documentation.
func rows() []row {
	return []row{
		{"rewrite-target", "`targetPath`: replaces the path's prefix; no regular expressions, no captures", "", nothing},
		{"ssl-redirect force-ssl-redirect", "`SSL_REDIRECT` (the operator's, on by default)", "", told},
		{"proxy-body-size", "`maxBodySize`", "", nothing},
		{"proxy-connect-timeout", "`connectTimeout`, with a unit: `5s`", "", nothing},
		{"proxy-read-timeout", "`readTimeout`", "", nothing},
		{"proxy-send-timeout", "`sendTimeout`", "", nothing},
		{"whitelist-source-range allowlist-source-range", "`allowSourceRanges`", "allowSourceRanges", closed},
		{"denylist-source-range", "`allowSourceRanges`: a list of who is let in fails closed, and one of who isn't fails open", "allowSourceRanges", closed},
		{"upstream-hash-by", "`policy: hash` with `key`: by Pod names instead of addresses, so keys stay when Pods restart", "", nothing},
		{"affinity session-cookie-name", "`sticky` (nginx 1.29.6 or newer)", "", nothing},
		{"load-balance", "`balance`", "", nothing},
		{"service-upstream", "not supported, because requests go to Pods: that is what makes policies, keys and draining work", "", nothing},
		{"backend-protocol", "`backendProtocol`: `http` or `https`; with `https` the certificate is verified, always", "backendProtocol", told},
		{"upstream-vhost proxy-ssl-name", "`backendHost`: one name for both, Host and the certificate", "", nothing},
		{"proxy-ssl-secret proxy-ssl-verify", "`BACKEND_CA` (the operator's) says by which authorities; there is no way around it", "", told},
		{"use-regex", "not supported, because regular expressions of tenants in one nginx can stop everybody", "", nothing},
		{"configuration-snippet server-snippet auth-snippet", "not supported, because a snippet can read other tenants' keys; an operator has `TEMPLATE_DIR`", "", told},
		{"auth-type auth-secret", "the API key of a Namespace (`auth`) does this for machines; people need a proxy that signs them in", "auth", closed},
		{"auth-url", "not supported, because a request for each request couples hosts to a service of somebody's; put it before the Pod, or ask for the API key (`auth`)", "auth", closed},
		{"auth-signin", "not supported, like `auth-url`", "auth", told},
		{"auth-tls-secret", "`ssl.clientCertificate` of the host, in the Namespace's annotation", "", closed},
		{"auth-tls-verify-client", "`ssl.clientCertificate` demands a certificate of every client", "", told},
		{"enable-cors", "not supported, because only the application knows which origins it trusts", "", nothing},
		{"limit-rps limit-rpm limit-connections limit-rate limit-rate-after limit-whitelist", "not supported, because counts of one replica are no limit: put it in front", "", told},
		{"enable-modsecurity enable-owasp-core-rules modsecurity-snippet", "not supported, because nginx's own modules have no such rules: put it in front", "", told},
		{"canary canary-weight", "`weight` of path entries of Pods", "", nothing},
		{"custom-http-errors", "not supported, because answers of Pods pass untouched", "", nothing},
		{"websocket-services", "not needed: every path passes WebSockets", "", nothing},
	}
}

// Keys are the annotations that Read looks at.
func Keys() (keys []string) {
	for _, r := range rows() {
		if r.effect != nothing {
			for name := range strings.FieldsSeq(r.names) {
				keys = append(keys, Prefix+name)
			}
		}
	}
	return keys
}

// Note says what is wrong with an annotation.
type Note struct{ Key, Reason string }

// Read looks for annotations that protect. One whose place an option of ours takes, by
// set, is passed over, and so is one that asks for nothing. Closed: nobody may be let in,
// since it would say who is. prefix is that of our options, for advice.
func Read(annotations map[string]string, prefix string, set func(option string) bool) (closes bool, notes []Note) {
	if len(annotations) == 0 { // as nearly always
		return false, nil
	}
	for _, r := range rows() {
		if r.effect == nothing || r.option != "" && set(r.option) {
			continue
		}
		advice := strings.ReplaceAll(r.here, "`", "")
		switch r.option {
		case "":
		case advice:
			advice = fmt.Sprintf("write %s%s in its place", prefix, r.option)
		default:
			advice = fmt.Sprintf("write %s%s in its place (%s)", prefix, r.option, advice)
		}
		for name := range strings.FieldsSeq(r.names) {
			text := strings.ToLower(strings.TrimSpace(annotations[Prefix+name]))
			switch {
			case text == "" || r.effect == told && slices.Contains([]string{"false", "off", "0"}, text):
			case r.effect == closed || strings.HasSuffix(r.names, "auth-snippet") && restricts(text):
				closes = true
				notes = append(notes, Note{Prefix + name, "all requests are answered with 403: it says who is let in, and is not read here; " + advice + ", or remove it to let everybody in"})
			default:
				notes = append(notes, Note{Prefix + name, "it has no effect here: " + advice + "; then remove it"})
			}
		}
	}
	return closes, notes
}

// restricts reports whether directives of nginx may be among those that let only some in.
func restricts(snippet string) bool {
	return slices.ContainsFunc([]string{"deny", "auth_", "satisfy", "401", "403"}, func(word string) bool { return strings.Contains(snippet, word) })
}

// Markdown is a table of all annotations.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| `" + Prefix + "…` | here |\n|---|---|\n")
	for _, r := range rows() {
		here := r.here
		if r.effect == closed {
			here += ". Until it is replaced or removed, all requests get 403"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(r.names, " ", "`, `"), here)
	}
	return b.String()
}
