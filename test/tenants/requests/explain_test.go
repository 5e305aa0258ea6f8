package requests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// TestExplainAgrees: of each path that nginx takes, by whatever bytes it is written,
// Dispatcher tells the Pod that nginx asks, or nginx's own status.
func TestExplainAgrees(t *testing.T) {
	t.Parallel()
	inAllModes(t, func(t *testing.T, w *world) {
		for _, e := range groups(w)["5 paths"] {
			lines := strings.Split(e.raw, "\r\n")
			_, host, _ := strings.Cut(lines[1], " ")
			uri := strings.TrimSuffix(strings.TrimPrefix(lines[0], "GET "), " HTTP/1.1")
			if e.want == "400" || strings.Contains(uri, "#") { // no URL, or one with a fragment, which clients don't send
				continue
			}
			if got, want := w.explain(t, "http://"+host+uri), e.pods; got != want && (want != "" || got != e.want) {
				t.Errorf("%s: %s%s is answered by %q, but told is %q", e.name, host, uri, want, got)
			}
		}
	})
}

// explain asks Dispatcher who answers this machine: the name of a Pod, or a status.
func (w *world) explain(t *testing.T, asked string) string {
	t.Helper()
	r, err := http.PostForm("http://"+w.Admin+"/api/explain", url.Values{"url": {asked}, "client": {"127.0.0.1"}, "header": {"X-Routing-Api-Key:"}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var told struct {
		Answer struct {
			By     string
			Status int
		}
		Pods []struct {
			Name    string
			Answers bool
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
		return fmt.Sprintf("%d, %v", r.StatusCode, err)
	}
	if told.Answer.By != "pod" {
		return strconv.Itoa(told.Answer.Status)
	}
	var names []string
	for _, p := range told.Pods {
		if p.Answers {
			names = append(names, p.Name[strings.LastIndex(p.Name, "/")+1:])
		}
	}
	return strings.Join(names, " ")
}
