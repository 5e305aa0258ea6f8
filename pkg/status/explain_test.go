package status_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/explain"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/status"
)

// /api/explain answers from the last Report, once there is one, and says what is wrong
// with a question.
func TestExplain(t *testing.T) {
	options := route.Options{HostsAnnotation: "hosts", PathsAnnotation: "paths", Dispatcher: true}
	cache := cluster.NewCache(labels.Everything(), options.Interest())
	if _, err := cache.Set(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Annotations: map[string]string{"hosts": `{"a.example": {}}`}}}); err != nil {
		t.Fatal(err)
	}
	report := controller.Report{Generation: "abc", Snapshot: cache.Snapshot()}
	report.Table, report.Problems = route.Build(report.Snapshot, options)
	failed := report
	failed.Err = errors.New("no such port")
	for _, c := range []struct {
		name, query string
		report      controller.Report
		code        int
		text        string
	}{
		{"before the first", "url=a.example", controller.Report{}, 503, "ask again"},
		{"a URL", "url=a.example%2Fx&header=X-A:+b&client=192.0.2.1", report, 200, `"question": "http://a.example/x"`},
		{"a URL with an ampersand", "url=" + url.QueryEscape("a.example/?a=<b>&c"), report, 200, `"http://a.example/?a=<b>&c"`},
		{"a Pod", "pod=shop/web", report, 200, "no such Pod is known"},
		{"newest refused", "url=a.example", failed, 200, "no such port; this is what the last good one does"},
		{"nothing", "", report, 400, "?url="},
		{"both", "url=a.example&pod=a/b", report, 400, "?url="},
		{"no URL", "url=%2Fx", report, 400, "the URL has no host"},
		{"no Pod", "pod=x", report, 400, "NAMESPACE/NAME"},
		{"no client", "url=a.example&client=x", report, 400, "not an IP address"},
		{"no query", "url=%zz", report, 400, "can't be read"},
	} {
		s := status.New(proxy{alive: true}, nil, nil)
		s.Explain(explain.Settings{Options: options, DefaultReturn: "404", APIKeyHeader: "X-Key"})
		s.Set(c.report)
		get := httptest.NewRequest(http.MethodGet, "/api/explain", nil)
		get.URL.RawQuery = c.query
		post := httptest.NewRequest(http.MethodPost, "/api/explain", strings.NewReader(c.query))
		post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, r := range []*http.Request{get, post} {
			w := httptest.NewRecorder()
			if s.Handler().ServeHTTP(w, r); w.Code != 403 || !strings.Contains(w.Body.String(), "over loopback only") {
				t.Errorf("%s by %s from %s: %d %s", c.name, r.Method, r.RemoteAddr, w.Code, w.Body)
			}
			w, r.RemoteAddr = httptest.NewRecorder(), "127.0.0.1:1234"
			if s.Handler().ServeHTTP(w, r); w.Code != c.code || !strings.Contains(w.Body.String(), c.text) {
				t.Errorf("%s by %s: %d %s, want %d and %q", c.name, r.Method, w.Code, w.Body, c.code, c.text)
			}
		}
	}
	w := httptest.NewRecorder()
	if status.New(proxy{}, nil, nil).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/explain?url=a", nil)); w.Code != 404 {
		t.Errorf("without settings: %d", w.Code)
	}
}
