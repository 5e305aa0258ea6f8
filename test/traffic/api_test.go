package traffic

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// api is as much of a Kubernetes API as one Dispatcher needs: lists, and watches, of
// which that of Pods tells something.
type api struct {
	*httptest.Server
	version int
	pods    chan string // events
}

func apiServer(t testing.TB, objects ...metav1.Object) *api {
	t.Helper()
	kinds := map[string]string{
		"namespaces": "Namespace", "pods": "Pod", "secrets": "Secret", "services": "Service", "configmaps": "ConfigMap", "endpointslices": "EndpointSlice",
		"ingresses": "Ingress", "ingressclasses": "IngressClass", "statefulsets": "StatefulSet",
	}
	ended := make(chan struct{})
	a := &api{version: 1, pods: make(chan string)}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		group, resource := path.Split(r.URL.Path) // "/api/v1/", or "/apis/apps/v1/"
		kind, known := kinds[resource]
		query := r.URL.Query()
		switch {
		case !known || query.Get("sendInitialEvents") != "":
			http.Error(w, "not here", http.StatusUnprocessableEntity)
		case query.Get("watch") != "":
			w.Header().Set("Content-Type", "application/json")
			var events chan string // nil: there are none
			if kind == "Pod" {
				events = a.pods
			}
			for event := ""; ; {
				_, _ = w.Write([]byte(event))
				_ = http.NewResponseController(w).Flush()
				select {
				case event = <-events:
				case <-r.Context().Done():
					return
				case <-ended:
					return
				}
			}
		default:
			items := []any{}
			for _, o := range objects {
				if strings.Contains(toJSON(o), `"kind":"`+kind+`"`) {
					items = append(items, o)
				}
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": strings.TrimPrefix(strings.TrimPrefix(strings.Trim(group, "/"), "apis/"), "api/"), "kind": kind + "List", "metadata": map[string]any{"resourceVersion": "1"}, "items": items})
		}
	}))
	t.Cleanup(func() { close(ended); a.Close() })
	return a
}

// tell has the watch of Pods tell of a Pod's new state.
func (a *api) tell(p *pod) {
	a.version++
	p.ResourceVersion = strconv.Itoa(a.version)
	a.pods <- toJSON(map[string]any{"type": "MODIFIED", "object": p}) + "\n"
}
