package requests

import (
	"strconv"
	"strings"
)

// hiding is a request that somebody may want to hide in another one's body.
const hiding = "GET /b HTTP/1.1\r\nHost: shared.test\r\nX-Smuggled: 1\r\nConnection: close\r\n\r\n"

// framing is a row of the table for operators.
const framing = "Lengths that can be read in two ways"

// lengths: a body ends where nginx and the Pod both say, or there is no request.
func lengths() []exchange {
	refused := func(name, want, body string, headers ...string) exchange {
		return exchange{name: name, raw: post(body, headers...), want: want, row: framing}
	}
	return []exchange{
		refused("CL and TE", "400", "0\r\n\r\n"+hiding, "Content-Length: 5", "Transfer-Encoding: chunked"),
		refused("TE and CL", "400", "0\r\n\r\n"+hiding, "Transfer-Encoding: chunked", "Content-Length: 5"),
		refused("two lengths", "400", "abc"+hiding, "Content-Length: 3", "Content-Length: 0"),
		refused("two lengths, the same", "400", "abc", "Content-Length: 3", "Content-Length: 3"),
		refused("a list of lengths", "400", "abc", "Content-Length: 3, 3"),
		refused("negative", "400", "", "Content-Length: -1"),
		refused("a sign", "400", "abc", "Content-Length: +3"),
		refused("hexadecimal", "400", "abc", "Content-Length: 0x3"),
		refused("a fraction", "400", "abc", "Content-Length: 3.0"),
		refused("beyond 64 bits", "400", "abc", "Content-Length: 99999999999999999999"),
		refused("no number", "400", "abc", "Content-Length: x"),
		refused("empty", "400", "abc", "Content-Length:"),
		refused("a space in it", "400", "abc", "Content-Length: 3 0"),
		refused("space before the colon", "400", "abc", "Content-Length : 3"),
		refused("folded", "400", "abc", "Content-Length:", " 3"),
		{name: "underscores", raw: post(hiding, "Content_Length: 200"), want: "200", pods: "alpha-web", hides: []string{"smuggled", "content_length"}, row: "What follows a request that closes its connection"},
		{name: "leading zeros", raw: post("abc", "Content-Length: 003"), want: "200", pods: "alpha-web", sees: []string{"\r\nContent-Length: 3\r\n", "\r\n\r\nabc"}},
		{name: "as it should be", raw: post("abc", "Content-Length: 3"), want: "200", pods: "alpha-web", sees: []string{"\r\nContent-Length: 3\r\n", "\r\n\r\nabc"}},
		{name: "more than the length", raw: post("abc"+hiding, "Content-Length: 3"), want: "200", pods: "alpha-web", hides: []string{"smuggled"}, row: "What follows a request that closes its connection"},
		{name: "100-continue", raw: post("abc", "Content-Length: 3", "Expect: 100-continue"), want: "100 200", pods: "alpha-web", hides: []string{"expect"}},
		{name: "chunked for HTTP/1.0", raw: strings.Replace(post("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), "HTTP/1.1", "HTTP/1.0", 1), want: "400", row: framing},
	}
}

// chunks: of Transfer-Encoding there is one, and it is chunked; chunks are read and
// made anew.
func chunks() (out []exchange) {
	const body = "3\r\nabc\r\n0\r\n\r\n"
	for _, c := range []struct{ name, want, header string }{
		{"as it should be", "200", "Transfer-Encoding: chunked"},
		{"upper case", "200", "TRANSFER-ENCODING: CHUNKED"},
		{"twice", "400", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"},
		{"twice, one other", "400", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"},
		{"a list", "501", "Transfer-Encoding: chunked, chunked"},
		{"identity", "501", "Transfer-Encoding: identity"},
		{"another coding", "501", "Transfer-Encoding: xchunked"},
		{"a longer one", "501", "Transfer-Encoding: chunkedx"},
		{"a coding before it", "501", "Transfer-Encoding: gzip, chunked"},
		{"quotes", "501", `Transfer-Encoding: "chunked"`},
		{"VT before it", "501", "Transfer-Encoding: \vchunked"},
		{"a tab before it", "501", "Transfer-Encoding:\tchunked"},
		{"a tab behind it", "501", "Transfer-Encoding: chunked\t"},
		{"empty", "501", "Transfer-Encoding:"},
		{"folded", "400", "Transfer-Encoding:\r\n chunked"},
		{"space before the colon", "400", "Transfer-Encoding : chunked"},
		{"NUL", "400", "Transfer-Encoding: chunked\x00"},
		{"a bare CR", "400", "X: y\rTransfer-Encoding: chunked"},
	} {
		e := exchange{name: "TE: " + c.name, raw: post(body, c.header), want: c.want, row: framing}
		if c.want == "200" {
			e.pods, e.sees, e.row = "alpha-web", []string{"\r\n\r\nabc"}, ""
		}
		out = append(out, e)
	}
	for _, c := range []struct{ name, want, body string }{
		{"an extension", "200", "3;x=y\r\nabc\r\n0\r\n\r\n"},
		{"an extension with quotes", "200", "3;x=\"y;z\"\r\nabc\r\n0\r\n\r\n"},
		{"a long size", "200", "0000000000000003\r\nabc\r\n0\r\n\r\n"},
		{"what follows the last", "200", "3\r\nabc\r\n0\r\n\r\n" + hiding},
		{"an extension with CR", "400", "3;x=\"\r\"\r\nabc\r\n0\r\n\r\n"},
		{"a negative size", "400", "-3\r\nabc\r\n0\r\n\r\n"},
		{"hexadecimal with 0x", "400", "0x3\r\nabc\r\n0\r\n\r\n"},
		{"a size beyond 64 bits", "400", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"},
		{"no size", "400", "\r\nabc\r\n0\r\n\r\n"},
		{"too long a chunk", "400", "3\r\nabcdef\r\n0\r\n\r\n"},
		{"no line end", "400", "3\r\nabc0\r\n\r\n"},
	} {
		e := exchange{name: "chunks: " + c.name, raw: post(c.body, "Transfer-Encoding: chunked"), want: c.want, hides: []string{"smuggled", ";x"}, row: "Chunks that can't be read"}
		if c.want == "200" {
			e.pods, e.row = "alpha-web", ""
		}
		out = append(out, e)
	}
	return append(out, exchange{name: "chunks: bare LF", raw: post("3\nabc\n0\n\n", "Transfer-Encoding: chunked"), want: "200", or: "400", pods: "alpha-web"})
}

// pipelines: each request of a connection is routed by itself.
func pipelines() []exchange {
	first := func(host, uri string) string { return "GET " + uri + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n" }
	const row = "Several requests on one connection"
	return []exchange{
		{name: "two tenants", raw: first("alpha.test", "/") + get("beta.test", "/b"), want: "200 200", pods: "alpha-web beta-web", row: row},
		{name: "two tenants on one host", raw: first("shared.test", "/a") + get("shared.test", "/b"), want: "200 200", pods: "alpha-web beta-web", row: row},
		{name: "a rule between", raw: first("alpha.test", "/") + first("alpha.test", "/admin") + get("shared.test", "/b"), want: "200 403 200", pods: "alpha-web beta-web", row: row},
		{name: "a key does not last", raw: "GET /k HTTP/1.1\r\nHost: keyed.test\r\nX-Routing-Api-Key: b3BlbiBzZXNhbWU=\r\n\r\n" + get("keyed.test", "/k"), want: "200 403", pods: "keyed-web", row: row},
		{name: "a refused body is no request", raw: "POST /admin HTTP/1.1\r\nHost: alpha.test\r\nContent-Length: " + strconv.Itoa(len(hiding)) + "\r\n\r\n" + hiding + get("alpha.test", "/"), want: "403 200", pods: "alpha-web", hides: []string{"smuggled"}},
		{name: "behind an unknown host", raw: first("unknown.test", "/") + hiding, want: closed, row: "Unknown `Host`"},
		{name: "behind a bad one", raw: first("alpha.test", "/%00") + hiding, want: "400", row: row},
		{name: "behind a body", raw: "POST /post HTTP/1.1\r\nHost: alpha.test\r\nContent-Length: 3\r\n\r\nabc" + get("shared.test", "/b"), want: "200 200", pods: "alpha-web beta-web", row: row},
		{name: "behind chunks", raw: "POST /post HTTP/1.1\r\nHost: alpha.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + get("shared.test", "/b"), want: "200 200", pods: "alpha-web beta-web", row: row},
		{name: "bare LF between", raw: strings.ReplaceAll(first("alpha.test", "/"), "\r\n", "\n") + get("beta.test", "/b"), want: "200 200", pods: "alpha-web beta-web", row: row},
		{name: "behind an upgrade that is refused", raw: "GET / HTTP/1.1\r\nHost: alpha.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + get("shared.test", "/b"), want: "200 200", pods: "alpha-web beta-web", row: row},
	}
}
