package requests

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// pass is a row of the table for operators.
const pass = "What a Pod tells browsers: cookies, `Location`, `Alt-Svc`, `Clear-Site-Data`, `Strict-Transport-Security`"

// ok is an answer of evil's, with further headers.
func ok(body string, headers ...string) string {
	lines := append([]string{"HTTP/1.1 200 OK", "Content-Length: " + strconv.Itoa(len(body))}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// evil makes the exchange in which evil-pod answers like that.
func (w *world) evil(name, want string, a answer) exchange {
	p := w.pods["evil-pod"]
	p.mu.Lock()
	uri := fmt.Sprintf("/evil/%d", len(p.answers))
	p.mu.Unlock()
	p.on(uri, a)
	// POST, so that it is asked once: nginx may repeat a GET that is answered badly.
	return exchange{name: name, raw: request("POST", "evil.test", uri, "Content-Length: 0"), want: want, pods: "evil-pod"}
}

// after is a request of another client, which must get its own answer.
func after(name string) exchange {
	return exchange{name: "after " + name, raw: get("evil.test", "/evil/next"), want: "200", pods: "evil-pod", gets: []string{"\r\n\r\nevil-pod"}, lacks: []string{"stolen"}, row: "Two answers at once"}
}

// accel: a Pod does not steer nginx.
func accel(w *world) (out []exchange) {
	for _, to := range []string{
		"/admin", "/", "/b", "/k", "/dispatcher/status", "/generation", "/status", "@again", "@again_1", "@no_certificate", "http://beta.test/b", "//beta.test/b", "/evil/../b", "/../etc/passwd", "unix:/run/control.sock",
	} {
		e := w.evil("X-Accel-Redirect: "+to, "200", answer{raw: ok("mine", "X-Accel-Redirect: "+to), hold: true})
		e.raw = strings.Replace(e.raw, "evil.test", "shared.test", 1)
		e.gets, e.lacks, e.row = []string{"\r\n\r\nmine"}, []string{"x-accel"}, "`X-Accel-Redirect` and its like from a Pod"
		out = append(out, e)
	}
	for _, header := range []string{"X-Accel-Expires: 3600", "X-Accel-Limit-Rate: 1", "X-Accel-Charset: utf-7", "X-Accel-Buffering: no", "X-Accel-Redirect:", "x-accel-redirect: /b"} {
		e := w.evil(header, "200", answer{raw: ok("mine", header), hold: true})
		e.gets, e.lacks, e.row = []string{"\r\n\r\nmine"}, []string{"x-accel", "utf-7"}, "`X-Accel-Redirect` and its like from a Pod"
		out = append(out, e)
	}
	for _, header := range []string{
		"Set-Cookie: a=b; Domain=test; Path=/", "Strict-Transport-Security: max-age=1; includeSubDomains", "Alt-Svc: h2=\"alpha.test:443\"", "Clear-Site-Data: \"*\"", "Location: http://beta.test/b",
		"X-Forwarded-For: 6.6.6.6", "X-Sendfile: /etc/passwd", "Refresh: 0; url=http://beta.test/", "Content-Location: http://beta.test/b", "Link: </b>; rel=preload",
	} {
		e := w.evil(header, "200", answer{raw: ok("mine", header), hold: true})
		e.gets, e.row = []string{"\r\n" + header + "\r\n", "\r\n\r\nmine"}, pass
		out = append(out, e)
	}
	for _, header := range []string{"Connection: upgrade, x-other", "Keep-Alive: timeout=999", "Server: forged", "Date: yesterday"} {
		name, value, _ := strings.Cut(header, ": ")
		e := w.evil("of the connection: "+name, "200", answer{raw: ok("mine", header), hold: true})
		e.gets, e.lacks = []string{"\r\n\r\nmine"}, []string{value}
		out = append(out, e)
	}
	return out
}

// answers: what comes from a Pod is one answer, or none: 502.
func answers(w *world) (out []exchange) {
	const two = "HTTP/1.1 200 OK\r\nX-Stolen: 1\r\nContent-Length: 6\r\n\r\nstolen"
	const row = "A Pod's answer that is none, or can be read in two ways"
	for _, c := range []struct {
		name, want string
		a          answer
	}{
		{"two answers", "200", answer{raw: ok("mine") + two, hold: true}},
		{"two answers, chunked", "200", answer{raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n" + two, hold: true}},
		{"two answers, no body", "204", answer{raw: "HTTP/1.1 204 No Content\r\n\r\n" + two, hold: true}},
		{"two answers, the first not modified", "304", answer{raw: "HTTP/1.1 304 Not Modified\r\n\r\n" + two, hold: true}},
		{"many answers", "200", answer{raw: ok("mine") + strings.Repeat(two, 200), hold: true}},
		{"half an answer more", "200", answer{raw: ok("mine") + two[:20], hold: true}},
		{"length too small", "200", answer{raw: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nminestolen", hold: true}},
		{"a line end more", "200", answer{raw: ok("mine") + "\r\n", hold: true}},
	} {
		e := w.evil(c.name, c.want, c.a)
		e.lacks, e.row = []string{"stolen"}, "Two answers at once"
		out = append(out, e, after(c.name))
	}
	for _, c := range []struct{ name, want, or, raw string }{
		{"bare CR in a header", "502", "", "HTTP/1.1 200 OK\r\nX-A: b\rX-Stolen: 1\r\nContent-Length: 4\r\n\r\nmine"},
		{"NUL in a header", "502", "", "HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 4\r\n\r\nmine"},
		{"folded header", "502", "", "HTTP/1.1 200 OK\r\nX-A: b\r\n stolen: 1\r\nContent-Length: 4\r\n\r\nmine"},
		{"space before the colon", "502", "", "HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 4\r\n\r\nmine"},
		{"header without a name", "502", "", "HTTP/1.1 200 OK\r\n: stolen\r\nContent-Length: 4\r\n\r\nmine"},
		{"huge header", "502", "", "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 20000) + "\r\nContent-Length: 4\r\n\r\nmine"},
		{"many headers", "502", "", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: b\r\n", 4000) + "Content-Length: 4\r\n\r\nmine"},
		{"nothing", "502", "", ""},
		{"half a status line", "502", "", "HTTP/1.1 2"},
		// Older versions believe one of the two, and frame the answer anew or cut it.
		{"length and chunks", "502", "200", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n"},
		{"chunks twice", "502", "200", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n"},
		{"another coding", "502", "200", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n"},
		{"two lengths", "502", "200 cut", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 6\r\n\r\nmine"},
		{"negative length", "502", "200", "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nmine"},
		{"length with a sign", "502", "200", "HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nmine"},
		{"huge length", "502", "200", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nmine"},
	} {
		e := w.evil(c.name, c.want, answer{raw: strings.Replace(c.raw, "\r\n", "\r\nConnection: close\r\n", 1)})
		e.or, e.lacks, e.row = c.or, []string{"stolen", "nginx/"}, row
		out = append(out, e)
	}
	for status, want := range map[string]string{"000": "0", "050": "50", "444": "444", "499": "499", "600": "600", "999": "999"} {
		out = append(out, w.evil("status "+status, want, answer{raw: "HTTP/1.1 " + status + " X\r\nContent-Length: 4\r\n\r\nmine", hold: true}))
	}
	out = append(out, w.evil("HTTP/2 in the status line", "200", answer{raw: strings.Replace(ok("mine"), "1.1", "2.0", 1), hold: true}))
	return out
}

// unfinished: answers before the answer, and ones that never end.
func unfinished(w *world) []exchange {
	const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
	asks := func(e exchange, upgrade string) exchange {
		e.raw = strings.Replace(e.raw, "Connection: close\r\n", "Connection: upgrade\r\nUpgrade: "+upgrade+"\r\n", 1)
		return e
	}
	cut := w.evil("length too large", "200 cut", answer{raw: "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nmine"})
	chunk := w.evil("chunks that don't end", "200 cut", answer{raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n"})
	size := w.evil("a chunk's size that is none", closed, answer{raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nmine\r\n"})
	tunnel := asks(w.evil("101 for a WebSocket", "101", answer{raw: switching}), "websocket")
	other := asks(w.evil("101 for another upgrade", "101", answer{raw: strings.Replace(switching, "websocket", "h2c", 1)}), "h2c")
	refused := asks(w.evil("no 101 for a WebSocket", "200 403", answer{raw: ok("mine"), hold: true}), "websocket")
	refused.raw += get("alpha.test", "/admin")
	for _, e := range []*exchange{&cut, &chunk, &size} {
		e.row = "A Pod's answer that ends too early"
	}
	return []exchange{cut, chunk, size, tunnel, other, refused, after("all these")}
}

// bare: what nginx does not frame. It takes an answer without a status line for one of
// HTTP/0.9, and 100, 101, 102 and 000 for the whole answer, passes on all bytes that
// follow, and keeps the client's connection. Who sends requests of several clients on
// one connection gives one client the other's answer then. It is nginx's own, and these
// cases tell when it ends. Nothing of it
// follows a HEAD: what is raw there is the body of the next answer.
func bare(w *world) (out []exchange) {
	two := ok("mine") + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"
	next := get("shared.test", "/b")
	of := func(name, method, want, or, raw string) {
		e := w.evil("bare: "+name, want, answer{raw: raw})
		e.raw = strings.Replace(e.raw, "Connection: close\r\nContent-Length: 0\r\n", "", 1) + next
		e.raw = strings.Replace(e.raw, http.MethodPost, method, 1)
		e.pods, e.or, e.row = "beta-web evil-pod", or, "A Pod's answer without a status line, or with a status below 200"
		if e.gets = []string{"stolen"}; method == http.MethodHead || or != "" {
			e.gets, e.row = nil, ""
		}
		if method == http.MethodHead {
			e.lacks = []string{"stolen"}
		}
		out = append(out, e)
	}
	of("no status line", http.MethodGet, "raw", "", "\r\n"+two)
	of("100", http.MethodGet, "100 200 200 200", "", "HTTP/1.1 100 Continue\r\n\r\n"+two)
	of("102", http.MethodGet, "102 200 200 200", "", "HTTP/1.1 102 Processing\r\n\r\n"+two)
	of("101 that nobody has asked for", http.MethodGet, "101 200 200 200", "", "HTTP/1.1 101 Switching Protocols\r\n\r\n"+two)
	of("000", http.MethodGet, "0", "", "HTTP/1.1 000 X\r\n\r\n"+two)
	of("103", http.MethodGet, "200 200", "103 200 200 200", "HTTP/1.1 103 Early Hints\r\n\r\n"+two)
	of("HEAD, no status line", http.MethodHead, "200 raw", "", "\r\n"+two)
	of("HEAD, 100", http.MethodHead, "100 200 raw", "", "HTTP/1.1 100 Continue\r\n\r\n"+two)
	return out
}

// TestClientKeepaliveOff: with CLIENT_KEEPALIVE=false nothing follows such bytes on the
// connection, and over HTTP/2, where answers are framed, connections are as they were.
func TestClientKeepaliveOff(t *testing.T) {
	t.Parallel()
	inAllModes(t, func(t *testing.T, w *world) {
		group := bare(w)
		for i := range group {
			e := &group[i]
			e.pods, e.lacks, e.row = "evil-pod", []string{"beta-web"}, "" // and the last status is missing
			e.want, e.or = strings.TrimSuffix(e.want, " 200"), strings.TrimSuffix(e.or, " 200")
			if strings.HasPrefix(e.raw, http.MethodHead) {
				e.want = map[bool]string{true: "100", false: closed}[strings.HasPrefix(e.want, "100")]
			}
		}
		w.check(t, group)
	}, "--client-keepalive=false")
}
