package kube

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestEvents: DX18. Owners hear of what is wrong from "kubectl describe" and
// "kubectl get events", one Event an object and place, until it is right.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := begin(t)
	shop := s.namespace("shop")
	web := shop.pod("web", "/app").run()
	d := s.dispatcher()
	d.Serves(shop.host, "/app", "web")

	web.annotate(pathsKey, strings.Replace(web.paths("/app"), "[", `[{"basePath": "no slash", "containerPort": 1}, `, 1))
	shop.annotate(hostsKey, `{"`+shop.host+`": {}, "no host": {}}`)
	described := func(kind, name string, words ...string) {
		t.Helper()
		s.eventually("kubectl describes the problem of "+kind+" "+name, func() bool {
			out := s.kubectl("describe", kind, name, "--namespace="+shop.name)
			for _, w := range words {
				if !strings.Contains(out, w) {
					return false
				}
			}
			return true
		})
	}
	described("pod", web.Name, corev1.EventTypeWarning, "DispatcherProblem", "[0].basePath", "no slash")
	s.eventually("the Namespace has its Event", func() bool {
		out := s.kubectl("get", "events", "--namespace="+shop.name)
		return strings.Contains(out, "namespace/"+shop.name) && strings.Contains(out, "no host")
	})
	web.annotate(pathsKey, web.paths("/app"))
	described("pod", web.Name, corev1.EventTypeNormal, "DispatcherSolved", "[0].basePath")
	if out := s.kubectl("describe", "pod", web.Name, "--namespace="+shop.name); strings.Contains(out, "DispatcherProblem") {
		t.Errorf("the solved problem is still told:\n%s", out)
	}
}
