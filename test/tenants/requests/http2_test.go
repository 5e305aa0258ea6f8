package requests

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stream is a case over HTTP/2, which nginx speaks on its HTTPS port alone: the fields
// of a request, as they are, with "name=value".
type stream struct {
	name   string
	sni    string // see dial
	fields []string
	body   string
	want   string // a status, or "reset": no answer; with "|" what versions of nginx answer, the last asks no Pod
	pods   string
	sees   []string
	hides  []string
}

// ask2 sends a request on a connection of its own and returns its status, or how it
// ends without one.
func (w *world) ask2(t *testing.T, s *stream) string {
	t.Helper()
	conn, err := w.dial(s.sni, http2.NextProtoTLS)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(limit))
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range s.fields {
		i := strings.Index(f[1:], "=") + 1
		_ = encoder.WriteField(hpack.HeaderField{Name: f[:i], Value: f[i+1:]})
	}
	_, err = io.WriteString(conn, http2.ClientPreface)
	if err == nil {
		err = framer.WriteSettings()
	}
	if err == nil {
		err = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: s.body == ""})
	}
	if err == nil && s.body != "" {
		err = framer.WriteData(1, true, []byte(s.body))
	}
	for err == nil {
		var f http2.Frame
		switch f, err = framer.ReadFrame(); f := f.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return "reset"
		}
	}
	return fmt.Sprint(err)
}

// TestHTTP2: over HTTP/2 nothing is read otherwise than over HTTP/1, and what only
// HTTP/1 could write does not get to a Pod.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	to := func(host, uri string, more ...string) []string {
		return append([]string{":method=GET", ":scheme=https", ":authority=" + host, ":path=" + uri}, more...)
	}
	refused := func(name, want string, fields ...string) stream {
		return stream{name: name, sni: "secure.test", fields: fields, want: want}
	}
	served := func(name string, fields []string, hides ...string) stream {
		return stream{name: name, sni: "secure.test", fields: fields, want: "200", pods: "secure-web", sees: []string{"\r\nHost: secure.test\r\n"}, hides: append(hides, lie)}
	}
	bodied := served("a body", append([]string{":method=POST"}, to("secure.test", "/")[1:]...))
	bodied.body, bodied.hides = hiding, nil
	beside := served("host beside authority, the same", to("secure.test", "/", "host=secure.test"))
	beside.want = "200|400"
	streams := []stream{
		served("as it should be", to("secure.test", "/")),
		served("lies", to("secure.test", "/", "x-forwarded-for="+lie, "x_forwarded_for="+lie, "x.forwarded.for="+lie, "x-ssl-client-subject="+lie, "forwarded="+lie)),
		served("TE", to("secure.test", "/", "te=trailers"), "trailers"),
		served("Connection", to("secure.test", "/", "connection=x-real-ip"), "connection"),
		served("Transfer-Encoding", to("secure.test", "/", "transfer-encoding=chunked"), "transfer-encoding"),
		bodied, beside,
		refused("another host", "reset", to("alpha.test", "/")...),
		refused("an unknown host", "reset", to("unknown.test", "/")...),
		refused("a host that demands a certificate", "421", to("mutual.test", "/")...),
		refused("host differs from authority", "400", to("secure.test", "/", "host=mutual.test")...),
		refused("two authorities", "421|400", append([]string{":authority=mutual.test"}, to("secure.test", "/")...)...),
		refused("no authority", "400", ":method=GET", ":scheme=https", ":path=/"),
		refused("two paths", "400", to("secure.test", "/", ":path=/x")...),
		refused("an absolute path", "400", to("secure.test", "https://mutual.test/")...),
		refused("CONNECT", "405|400", ":method=CONNECT", ":authority=secure.test"),
		refused("CONNECT with a protocol", "400", append([]string{":method=CONNECT", ":protocol=websocket"}, to("secure.test", "/")[1:]...)...),
		refused("TRACE", "405", append([]string{":method=TRACE"}, to("secure.test", "/")[1:]...)...),
		refused("upper case", "400|reset", to("secure.test", "/", "X-Other=1")...),
		refused("a line end in a value", "400|reset", to("secure.test", "/", "x-other=1\r\nx-real-ip: "+lie)...),
		refused("a line end in a name", "400|reset", to("secure.test", "/", "x-other: 1\r\nx-real-ip="+lie)...),
		refused("a line end in the path", "400|reset", to("secure.test", "/ HTTP/1.1\r\nHost: alpha.test\r\n\r\n")...),
		refused("a space in the path", "400", to("secure.test", "/ x")...),
		refused("a space in the method", "400", append([]string{":method=GET /x"}, to("secure.test", "/")[1:]...)...),
		refused("NUL", "400|reset", to("secure.test", "/", "x-other=\x00")...),
		refused("two lengths", "400", to("secure.test", "/", "content-length=0", "content-length=1")...),
		refused("dots above the root", "400", to("secure.test", "/../x")...),
	}
	inAllModes(t, func(t *testing.T, w *world) {
		before := w.hits()
		w.witness(t)
		for _, s := range streams {
			t.Run(s.name, func(t *testing.T) {
				before := w.hits()
				e := exchange{pods: s.pods, sees: s.sees, hides: s.hides}
				switch want, or, _ := strings.Cut(s.want, "|"); w.ask2(t, &s) {
				case want:
				case or:
					e.pods, e.sees = "", nil
				default:
					t.Errorf("%q is not answered with %s", s.fields, s.want)
				}
				e.seen(t, w, before)
			})
		}
		w.witness(t)
		if names, _ := w.since(before); strings.Contains(names, "alpha") || strings.Contains(names, "evil") {
			t.Errorf("others have seen requests: %s", names)
		}
	})
}
