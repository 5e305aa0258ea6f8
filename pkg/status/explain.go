package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/30x/dispatcher/pkg/explain"
)

// maxQuestion is how long a question may be, in bytes: nginx takes no longer requests.
const maxQuestion = 64 << 10

// Explain has the Handler answer /api/explain, by the settings that the controller
// works with. It must be called before Handler.
func (s *Status) Explain(settings explain.Settings) { s.settings = &settings }

// answerQuestion explains a URL (url, with header and client) or a Pod (pod,
// NAMESPACE/NAME), by what is served according to the last Report. The question is in
// the query or in a form; a form keeps it out of the logs of proxies.
//
// An answer tells of all tenants, so only who asks over loopback gets one: by kubectl exec
// or port-forward, to which the API server lets operators alone.
func (s *Status) answerQuestion(w http.ResponseWriter, r *http.Request) {
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !from.Addr().Unmap().IsLoopback() {
		http.Error(w, "explanations are given over loopback only: run 'dispatcher explain --from 127.0.0.1:PORT' in Dispatcher's Pod (kubectl exec), or through kubectl port-forward", http.StatusForbidden)
		return
	}
	report := s.last()
	if report.Table == nil {
		http.Error(w, "nothing is known yet: ask again when /readyz says that a configuration is served", http.StatusServiceUnavailable)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxQuestion)
	if err := r.ParseForm(); err != nil {
		http.Error(w, fmt.Sprintf("the question can't be read: %v", err), http.StatusBadRequest)
		return
	}
	world := explain.World{Table: report.Table, Snapshot: report.Snapshot, Problems: report.Problems, Settings: *s.settings}
	if report.Err != nil {
		world.Note = fmt.Sprintf("the newest configuration is not served: %v; this is what the last good one does", report.Err)
	}
	answer, err := ask(world, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(answer); err != nil {
		return // whoever asked has gone
	}
}

func ask(world explain.World, r *http.Request) (*explain.Explanation, error) {
	url, pod, client := r.Form.Get("url"), r.Form.Get("pod"), r.Form.Get("client")
	if (url == "") == (pod == "") {
		return nil, errors.New("ask for one URL or one Pod: /api/explain?url=http://www.example.com/ or /api/explain?pod=NAMESPACE/NAME")
	}
	if pod != "" {
		return explain.Pod(world, pod)
	}
	q := explain.Query{URL: url, Headers: r.Form["header"]}
	if client != "" {
		var err error
		if q.Client, err = netip.ParseAddr(client); err != nil {
			return nil, errors.New("client is not an IP address: write one like 192.0.2.1")
		}
	}
	return explain.URL(world, q)
}
