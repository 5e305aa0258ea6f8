package kube

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// direct applies what examples/director says of the Service and of the director's
// rights, in the Namespace, and starts a director that has these rights and no more.
func (n *namespace) direct(g *gate) *dispatcher.Dispatcher {
	n.t.Helper()
	text, err := os.ReadFile("../../examples/director/manifest.yaml")
	n.must(err)
	var apply []string
	for doc := range strings.SplitSeq(strings.ReplaceAll(string(text), "namespace: default", "namespace: "+n.name), "\n---\n") {
		if !strings.Contains(doc, "kind: Deployment") && !strings.Contains(doc, "kind: Ingress") {
			apply = append(apply, doc)
		}
	}
	_, err = n.cluster.kubectl(strings.Join(apply, "\n---\n"), "apply", "-f", "-")
	n.must(err)

	programs, err := findPrograms()
	programs = dispatcher.Need(n.t, programs, err)
	script := filepath.Join(n.t.TempDir(), "director")
	n.must(os.WriteFile(script, fmt.Appendf(nil, "#!/bin/sh\nshift\nexec %q director \"$@\"\n", programs.Dispatcher), 0o755))
	programs.Dispatcher = script
	d := dispatcher.New(n.t, programs, "-namespace="+n.name, "-service=test")
	kubeconfig := filepath.Join(d.Folder, "kubeconfig")
	n.must(n.tokenKubeconfig(n.ctx, kubeconfig, n.name, "test-director", g.through))
	d.Run("-kubeconfig=" + kubeconfig)
	return d
}

// endpoint makes the EndpointSlice of a Pod, which is ready. The API server refuses
// addresses of loopback in it; but the Pod's first address serves for those of the other
// kind, too.
func (p *pod) endpoint() *pod {
	p.n.t.Helper()
	p.label("app", "example")
	_, err := p.n.client.DiscoveryV1().EndpointSlices(p.n.name).Create(p.n.ctx, &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: p.Name, Labels: map[string]string{discoveryv1.LabelServiceName: "test"}},
		AddressType: discoveryv1.AddressTypeIPv6,
		Ports:       []discoveryv1.EndpointPort{{Name: new("http"), Port: new(int32(p.Port))}},
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{"2001:db8::1"}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: p.n.name, Name: p.Name},
		}},
	}, metav1.CreateOptions{})
	p.n.must(err)
	return p
}

// TestDirector: KF1, KF3, KF7, KX5. With the rights of the example's Role, and no more, a
// director follows the Pods of its Service; while the API is away it keeps its choice,
// and afterwards it goes on.
func TestDirector(t *testing.T) {
	t.Parallel()
	s := begin(t)
	n, g := s.namespace("directed"), s.gate()
	a := n.pod("a").run().endpoint()
	d := n.direct(g)
	d.Serves("any.example.com", "/x", "a")
	b := n.pod("b").run().endpoint()
	if got := d.Pods(20, "other.example.com", "/"); got["a"] != 20 {
		t.Errorf("got %v", got)
	}

	g.refuse() // and cuts all connections
	a.ready(false)
	if got := d.Pods(20, "other.example.com", "/"); got["a"] != 20 {
		t.Errorf("while the API is away: %v", got)
	}
	s.must(g.mend())
	d.Serves("any.example.com", "/", "b")
	a.ready(true)
	b.vanish()
	d.Serves("any.example.com", "/", "a")
	a.terminate()
	d.Answers("any.example.com", "/", 503)
	if log := d.Log(); strings.Contains(log, "forbidden") {
		t.Errorf("its rights don't suffice:\n%s", log)
	}
	for _, kind := range []string{"namespaces", "secrets", "ingresses", "ingressclasses", "configmaps", "statefulsets", "events"} {
		if got := g.count("list", kind).Load() + g.count("watch", kind).Load(); got > 0 {
			t.Errorf("it has asked for %s", kind)
		}
	}
}
