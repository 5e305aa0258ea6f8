package pods

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"

	"github.com/coder/websocket"
)

// identity is who answers: one container of one Pod, or an application outside the
// cluster.
type identity struct {
	name string            // "Pod namespace/name"
	env  map[string]string // the container's own environment
	ip   netip.Addr
}

// Answer is what the app says, over HTTP and over a WebSocket.
type Answer struct {
	Env     map[string]string `json:"env"`
	IPs     map[string]string `json:"ips"` // interface → address
	Request Request           `json:"request"`
}

// Request is what reached the Pod.
type Request struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"` // byte for byte as received, with the query
	Headers map[string]string `json:"headers"`
}

// respond answers any request with the container's environment and addresses
// and the request itself, as JSON. A WebSocket hears that at first and whenever it
// says "env"; all else is echoed.
func (id *identity) respond(w http.ResponseWriter, r *http.Request) {
	headers := map[string]string{"Host": r.Host}
	for name, values := range r.Header {
		headers[name] = strings.Join(values, ", ")
	}
	text, err := encode(Answer{
		Env:     id.env,
		IPs:     map[string]string{"lo": id.ip.String()},
		Request: Request{Method: r.Method, Path: r.RequestURI, Headers: headers},
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	serve(w, r, text, func(message []byte) []byte {
		if string(message) == "env" {
			return text
		}
		return message
	})
}

// serve answers a request with text. One for a WebSocket gets that: it says text at
// once, and an answer to each message, until either side goes away.
func serve(w http.ResponseWriter, r *http.Request, text []byte, answer func(message []byte) []byte) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) //nolint:gosec // it is JSON; and if it fails, there is nobody left to tell
		return
	}
	// The Pod sees the host without the demo's port, so Origin would not match.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	ctx := r.Context()
	kind, message := websocket.MessageText, text
	for conn.Write(ctx, kind, message) == nil {
		if kind, message, err = conn.Read(ctx); err != nil {
			return
		}
		message = answer(message)
	}
}

// encode gives indented JSON without HTML escapes: a path stays readable.
func encode(a Answer) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(a)
	return b.Bytes(), err
}
