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
			case r.effect == closed || isSnippet(r) && restricts(text):
				closes = true
				notes = append(notes, Note{Prefix + name, "all requests are answered with 403: it says who is let in, and is not read here; " + advice + ", or remove it to let everybody in"})
			default:
				notes = append(notes, Note{Prefix + name, "it has no effect here: " + advice + "; then remove it"})
			}
		}
	}
	return closes, notes
}

func isSnippet(r row) bool { return strings.HasSuffix(r.names, "auth-snippet") }

// harmless are directives of nginx that let nobody in or out, and send nobody elsewhere.
const harmless = " add_header more_set_headers more_clear_headers more_set_input_headers more_clear_input_headers expires etag charset" +
	" proxy_set_header proxy_hide_header proxy_pass_header proxy_ignore_headers proxy_http_version proxy_redirect proxy_cookie_path proxy_cookie_domain" +
	" proxy_connect_timeout proxy_read_timeout proxy_send_timeout proxy_buffering proxy_request_buffering proxy_buffer_size proxy_buffers" +
	" proxy_busy_buffers_size proxy_max_temp_file_size proxy_next_upstream proxy_next_upstream_tries proxy_next_upstream_timeout" +
	" client_max_body_size client_body_buffer_size client_body_timeout client_header_timeout keepalive_timeout send_timeout large_client_header_buffers" +
	" gzip gzip_types gzip_min_length gzip_comp_level gzip_proxied gzip_vary brotli brotli_types sub_filter sub_filter_once sub_filter_types" +
	" access_log error_log log_subrequest tcp_nodelay tcp_nopush sendfile limit_rate limit_rate_after "

// restricts reports whether a snippet of nginx's configuration may let only some in:
// unless each directive in it is known not to.
func restricts(snippet string) bool {
	for line := range strings.Lines(snippet) {
		line, _, _ = strings.Cut(line, "#")
		for directive := range strings.SplitSeq(line, ";") {
			words := strings.Fields(directive)
			if strings.ContainsAny(directive, "{}") || len(words) > 0 && !strings.Contains(harmless, " "+words[0]+" ") {
				return true
			}
		}
	}
	return false
}

// Markdown is a table of all annotations.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| `" + Prefix + "…` | here |\n|---|---|\n")
	for _, r := range rows() {
		here := r.here
		switch {
		case isSnippet(r):
			here += ". If it holds anything but directives for headers, sizes, times and the like, all requests get 403 until it is removed"
		case r.effect == closed:
			here += ". Until it is replaced or removed, all requests get 403"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(r.names, " ", "`, `"), here)
	}
	return b.String()
}
