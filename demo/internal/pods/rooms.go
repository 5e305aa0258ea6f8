package pods

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
)

// roomsApp is the value of a container's APP that makes it say Rooms; without one it
// says Answers.
const roomsApp = "rooms"

// Room is what the app "rooms" says: once for each request, and on a WebSocket once
// at its start and once for each message.
type Room struct {
	Server  string `json:"server"`  // the Pod's name
	Counter int    `json:"counter"` // how often it has said this of this key, all connections together
	NS      string `json:"ns"`      // the key: the path's second segment
}

// rooms are the counters of one address. A Pod that gets another one begins anew, as
// one does that is restarted in a cluster.
type rooms struct {
	mu   sync.Mutex
	said map[Room]int // by Server and NS
}

// next gives the next answer of a Pod for a key, as a line of JSON.
func (r *rooms) next(pod, key string) []byte {
	room := Room{Server: pod, NS: key}
	r.mu.Lock()
	if r.said == nil {
		r.said = map[Room]int{}
	}
	r.said[room]++
	n := r.said[room]
	r.mu.Unlock()
	room.Counter = n
	text, err := json.Marshal(room)
	if err != nil {
		return []byte(err.Error())
	}
	return append(text, '\n')
}

// respond answers a request, or all messages of a WebSocket.
func (r *rooms) respond(w http.ResponseWriter, req *http.Request, pod string) {
	key := ""
	if segments := strings.Split(req.URL.Path, "/"); len(segments) > 2 {
		key = segments[2]
	}
	serve(w, req, r.next(pod, key), func([]byte) []byte { return r.next(pod, key) })
}
