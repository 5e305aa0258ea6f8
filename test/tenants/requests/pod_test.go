package requests

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/30x/dispatcher/test/internal/backend"
)

// rawPod is a server at a Pod's address. It keeps every request as the bytes that
// nginx has sent, and answers with bytes, too.
type rawPod struct {
	Tenant, Name string
	IP           string
	Port         int
	Paths        []string // the entries of its annotation, without the port

	mu       sync.Mutex
	requests []string          // head and body of each, decoded from chunks
	answers  map[string]answer // by the request's URI
}

// answer is what a hostile Pod writes in the place of an answer.
type answer struct {
	raw  string
	hold bool // the connection stays open, though the answer doesn't say where it ends
}

func newRawPod(t testing.TB, tenant, name string, paths ...string) *rawPod {
	t.Helper()
	listener, err := net.Listen("tcp", backend.Loopback()+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	at, _ := listener.Addr().(*net.TCPAddr)
	p := &rawPod{Tenant: tenant, Name: name, IP: at.IP.String(), Port: at.Port, Paths: paths, answers: map[string]answer{}}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

// on gives a URI to an answer.
func (p *rawPod) on(uri string, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[uri] = a
}

// seen returns the requests from the nth on.
func (p *rawPod) seen(n int) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[n:len(p.requests):len(p.requests)]
}

// serve answers the requests of a connection, one after the other.
func (p *rawPod) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		request, err := readRequest(in)
		if request == "" {
			return
		}
		uri := ""
		if fields := strings.SplitN(request, " ", 3); len(fields) == 3 {
			uri = fields[1]
		}
		p.mu.Lock()
		p.requests = append(p.requests, request)
		a, own := p.answers[uri]
		p.mu.Unlock()
		if err != nil {
			return // half a request counts, too
		}
		if !own {
			a.raw, a.hold = "HTTP/1.1 200 OK\r\nX-Pod: "+p.Name+"\r\nContent-Length: "+strconv.Itoa(len(p.Name))+"\r\n\r\n"+p.Name, true
			if strings.HasPrefix(request, http.MethodHead+" ") {
				a.raw = strings.TrimSuffix(a.raw, p.Name)
			}
		}
		if _, err := io.WriteString(conn, a.raw); err != nil || !a.hold {
			return
		}
	}
}

// readRequest reads the bytes of one request. Whatever comes that is none is
// returned as it is, with an error.
func readRequest(in *bufio.Reader) (string, error) {
	var request strings.Builder
	length, chunked := 0, false
	for {
		line, err := in.ReadString('\n')
		request.WriteString(line)
		if err != nil {
			return request.String(), err
		}
		name, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); {
		case strings.EqualFold(name, "Content-Length"):
			length, _ = strconv.Atoi(value)
		case strings.EqualFold(name, "Transfer-Encoding"):
			chunked = value == "chunked"
		}
		if line == "\r\n" {
			break
		}
	}
	if !chunked {
		_, err := io.CopyN(&request, in, int64(length))
		return request.String(), err
	}
	if _, err := io.Copy(&request, httputil.NewChunkedReader(in)); err != nil {
		return request.String(), err
	}
	_, err := in.ReadString('\n') // the line after the last chunk
	return request.String(), err
}
